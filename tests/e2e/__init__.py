"""Tests of whole processes, started and ended as in production."""
