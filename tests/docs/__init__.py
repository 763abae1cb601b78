"""Tests that hold the words of the repository to its code."""
