"""The processes and their configurations as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from otel_verein.analysis.configurations import (
    GONE,
    INVALID,
    LAGGING,
    RESTART_NEEDED,
    UNKNOWN,
    ProcessConfiguration,
)
from otel_verein.api.config_status import Status
from otel_verein.cli.render_config import moment
from otel_verein.cli.terminal import printable

_HEADINGS = ("service", "process", "environment", "digest", "status", "last seen")
_MEANINGS = {
    LAGGING: "runs other values than this directory and these variables give it in its environment: it has not taken a "
    "change over yet, or was started with other variables or another file",
    INVALID: "found a changed configuration that is not usable, and keeps the one before; its log says why",
    RESTART_NEEDED: "an option differs that takes effect when a process starts",
    UNKNOWN: "the configuration here is not valid, so there is nothing to compare with",
    GONE: "not seen for longer than --older-than: ended, or without work",
}
_UNITS = (("d", 86_400), ("h", 3600), ("min", 60))


def render_status(answer: Status) -> str:
    """One line per process, and what the statuses mean that occur."""
    counts = ", ".join(f"{number} {name}" for name, number in sorted(answer.counts.items()))
    total = len(answer.processes)
    lines = [f"{total} process{'' if total == 1 else 'es'} in {printable(answer.place)}: {counts}"]
    lines += _table([_row(each, answer) for each in answer.processes])
    lines += [f"{name}: {meaning}" for name, meaning in _MEANINGS.items() if name in answer.counts]
    return "\n".join(lines)


def _row(process: ProcessConfiguration, answer: Status) -> tuple[str, ...]:
    parts = (f"pid {process.pid}" if process.pid else "", f"on {process.host}" if process.host else "")
    name = " ".join(part for part in parts if part) or process.instance or "-"
    ago = _length(answer.now - process.seen)
    shown = (process.service, name, process.environment, process.digest, process.status)
    return (*(printable(each) for each in shown), f"{moment(process.seen)} ({ago} ago)")


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in (_HEADINGS, *rows)) for column in range(len(_HEADINGS))]
    for row in (_HEADINGS, *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _length(time: timedelta) -> str:
    seconds = max(0, round(time.total_seconds()))
    for name, size in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"
