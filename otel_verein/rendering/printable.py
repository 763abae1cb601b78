"""What may be printed to a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """*text* with a space for each character that would steer the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def clean(text: str) -> str:
    """*text* on one line, without characters that would steer the terminal."""
    return " ".join(printable(text).split())
