"""Ends what a killed collector left unended in its files, so that the next line does not run into it.

The file exporter writes a line and its end apart, and goes on at the end of the file after a restart. A line that was
cut off was not acknowledged, so its sender sends it again; ended, it is one broken line, and costs no other.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".jsonl"
FOLDERS = ("spans", "metrics")


@dataclass(frozen=True, slots=True)
class Mended:
    """A file whose last line had no end."""

    path: Path


def mend(directory: Path) -> list[Mended]:
    """End the last line of each file below the collector's *directory* that lacks its end; run before the collector."""
    return [Mended(path) for path in files(directory) if _ended(path)]


def files(directory: Path) -> Iterator[Path]:
    """The files of tiers and figures in the collector's *directory*, by name."""
    for folder in FOLDERS:
        yield from sorted((directory / "otlp" / folder).glob(f"*{SUFFIX}"))


def _ended(path: Path) -> bool:
    with path.open("r+b") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        if file.read(1) == b"\n":
            return False
        file.write(b"\n")
        return True
