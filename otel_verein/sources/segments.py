"""Whether a place holds telemetry, and which lines of its files cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from otel_verein.errors import SourceError
from otel_verein.store.segments import ENDINGS, OPEN_SUFFIX

if TYPE_CHECKING:
    from otel_verein.store.intake import Intake

_BLOCK = 1024 * 1024


def check_segments(place: Path) -> None:
    """Raise SourceError when *place* is neither a file nor a directory with segments."""
    if place.is_file():
        return
    if not place.is_dir():
        what = "is not a directory" if place.exists() else "does not exist"
        raise SourceError(f"no telemetry: {place} {what}; {_cure()}")
    if not any(name.endswith(ENDINGS) for _, _, names in os.walk(place) for name in names):
        raise SourceError(f"no telemetry: no *.jsonl or *.jsonl{OPEN_SUFFIX} file under {place}; {_cure()}")


def _cure() -> str:
    return "record some first with `otel-verein run -- COMMAND`, or name the directory with --from DIR"


def refuse_unusable(intake: Intake) -> None:
    """Raise SourceError when a file has histograms of operations of which no percentile can be told."""
    from otel_verein.store.taking.points import UNUSABLE_SHAPE

    for path, refused in intake.asides.items():
        if any(reason == UNUSABLE_SHAPE for _, reason in refused.items):
            raise SourceError(
                f"{path}: {UNUSABLE_SHAPE}; remove the view or "
                "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION that changes it"
            )


def lose_metrics(intake: Intake, place: Path) -> bool:
    """Whether measured counts may be among what could not be taken from the files below *place*."""
    from otel_verein.store.unstored import loses_metrics

    return any(
        loses_metrics(*kind)
        for path, refused in intake.asides.items()
        if path is not None and not _has_spans_only(path, place)
        for kind in refused.items
    )


def _has_spans_only(path: Path, place: Path) -> bool:
    folder = path.relative_to(place).parts[0] if path.parent != place and path != place else place.name
    return folder == "spans"


def notes(cut_off: int, intake: Intake) -> Iterator[str]:
    """Sentences about what could not be taken; *cut_off* is the number of open files that end within a line."""
    from otel_verein.store.taking.aside import LINES
    from otel_verein.store.taking.messages import OTHER_SIGNAL
    from otel_verein.store.unstored import is_missing

    for path, refused in sorted(intake.asides.items(), key=lambda item: str(item[0])):
        for (signal, reason), items in sorted(refused.items.items()):
            if path is None or not is_missing(signal) or reason == OTHER_SIGNAL:
                continue
            if signal == LINES:
                yield _of_lines(path, reason, items, refused.lines[reason])
            else:
                yield f"{path}: {items} {signal}: {reason}; not counted"
    if cut_off:
        yield f"{cut_off} open segment(s) end in a line that is not complete; it is skipped"
    yield from intake.finding_notes()


def _of_lines(path: Path, reason: str, items: int, offsets: Sequence[int]) -> str:
    named = ", ".join(f"{path}:{number}" for number in line_numbers(path, offsets))
    more = items - len(offsets)
    rest = f" and {more} more in this file" if more > 0 else ""
    return f"{named}{rest}: {reason}; skipped"


def line_numbers(path: Path, offsets: Sequence[int]) -> list[int]:
    """The numbers of the lines, from 1 on, that begin at the bytes *offsets* of the file."""
    found, number, at = [], 1, 0
    with path.open("rb") as file:
        for offset in sorted(offsets):
            while at < offset and (block := file.read(min(_BLOCK, offset - at))):
                number += block.count(b"\n")
                at += len(block)
            found.append(number)
    return found
