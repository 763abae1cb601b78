"""Answers for a pull request: short, in tables, and without anything that what they quote could set off."""
