"""Which files hold telemetry, and which of their lines cannot be read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from otel_verein.errors import SourceError
from otel_verein.store.segments import OPEN_SUFFIX, is_open

_ENDINGS = (".jsonl", ".json", ".jsonl" + OPEN_SUFFIX)
SIGNALS = ("resourceMetrics", "resourceSpans", "resourceLogs", "resourceProfiles")
"""The keys that the file exporters write; a line of a signal that is not read here is no broken line."""

_NAMED_LINES = 5


@dataclass(frozen=True, slots=True)
class Segments:
    """The files to read for each signal; one of unknown content stands in both."""

    metrics: tuple[Path, ...]
    spans: tuple[Path, ...]


def find_segments(place: Path) -> Segments:
    """The segments under *place*, or *place* itself when it is a file; raises SourceError without any."""
    if place.is_file():
        return Segments((place,), (place,))
    if not place.is_dir():
        what = "is not a directory" if place.exists() else "does not exist"
        raise SourceError(f"no telemetry: {place} {what}; {_cure()}")
    metrics: list[Path] = []
    spans: list[Path] = []
    for path in _without_renamed(sorted(place.rglob("*"))):
        folder = path.relative_to(place).parts[0] if path.parent != place else place.name
        if folder != "spans":
            metrics.append(path)
        if folder != "metrics":
            spans.append(path)
    if not metrics and not spans:
        raise SourceError(f"no telemetry: no *.jsonl or *.jsonl{OPEN_SUFFIX} file under {place}; {_cure()}")
    return Segments(tuple(metrics), tuple(spans))


def _cure() -> str:
    return "record some first with `otel-verein run -- COMMAND`, or name the directory with --from DIR"


def _without_renamed(paths: Sequence[Path]) -> Iterable[Path]:
    """The segments among *paths*; of one that was closed during the listing, only the closed name."""
    names = set(paths)
    for path in paths:
        if not path.name.endswith(_ENDINGS) or not path.is_file():
            continue
        if path.name.endswith(OPEN_SUFFIX) and path.with_name(path.name[: -len(OPEN_SUFFIX)]) in names:
            continue
        yield path


@dataclass(frozen=True, slots=True)
class BrokenLines:
    """What of one file could not be read.

    ``lines`` are the numbers of those that are no OTLP/JSON at all, ``misshapen`` counts those whose parts
    are of a wrong type, ``cut_off`` is true when only the end of an open segment is not written yet.
    """

    path: Path
    lines: tuple[int, ...]
    misshapen: int
    cut_off: bool

    def note(self) -> str | None:
        """A sentence that names the broken lines; None when there are none."""
        if self.misshapen:
            return (
                f"{self.path}: {len(self.lines) + self.misshapen} line(s) are not OTLP/JSON, or a part of them; skipped"
            )
        if not self.lines:
            return None
        named = ", ".join(f"{self.path}:{line}" for line in self.lines[:_NAMED_LINES])
        more = len(self.lines) - _NAMED_LINES
        rest = f" and {more} more in this file" if more > 0 else ""
        return f"{named}{rest}: not an OTLP/JSON line; skipped"


def broken_lines(path: Path, skipped: int) -> BrokenLines:
    """Look line by line for the *skipped* lines of the bulk read."""
    lines: list[int] = []
    cut_off, empty = False, 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            request = _request(line)
            if request == {}:  # what a collector writes when it had nothing to say
                empty += 1
            elif request is not None:
                continue
            elif is_open(path) and not line.endswith(b"\n"):
                cut_off = True
            else:
                lines.append(number)
    return BrokenLines(path, tuple(lines), max(0, skipped - len(lines) - cut_off - empty), cut_off)


def _request(line: bytes) -> dict[str, object] | None:
    """The request that a line holds; None if it holds none."""
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(request, dict) or (request and not any(isinstance(request.get(each), list) for each in SIGNALS)):
        return None
    return request
