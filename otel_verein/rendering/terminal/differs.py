"""What tells slow from normal, on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from otel_verein.analysis.differs import Difference, Differences
from otel_verein.rendering.printable import clean
from otel_verein.rendering.terminal.screen import text, wrapped
from otel_verein.rendering.terminal.table import Column, table
from otel_verein.rendering.words import ABSENT, many, percent, seconds

_COLUMNS: Final = (
    Column("what"),
    Column("slow"),
    Column("normal"),
    Column("strength"),
    Column("95 %", rank=2),
    Column("lift", rank=1),
    Column("n"),
)


def lines(answer: Differences, operation: str, width: int) -> Iterator[Text]:
    """The differences, the strongest first, each line at most *width* columns."""
    bound = "an unknown time" if answer.bound_s is None else seconds(answer.bound_s)
    yield from wrapped(
        f"{clean(operation)}: {answer.slow} slow (above {bound}, by {answer.by}) against {answer.normal} normal, "
        f"of {many(answer.kept, 'kept operation')}",
        width,
    )
    yield text("")
    if answer.differences:
        yield from table(_COLUMNS, [_row(each) for each in answer.differences], width)
    else:
        yield from wrapped(
            f"Nothing tells them apart: {many(answer.looked_at, 'difference')} looked at, none beyond chance.", width
        )
    yield text("")
    yield from wrapped(
        "strength: 1 always tells slow, 0 tells nothing, -1 always normal. A value: the shares that have it; a figure: "
        "the medians. lift: how many times as probable slowness is with it.",
        width,
    )
    if answer.skipped:
        yield from wrapped(f"too many values to explain anything: {', '.join(map(clean, answer.skipped))}", width)


def _row(each: Difference) -> list[str | Text]:
    value = each.value is not None
    shown = percent if value else (lambda amount: f"{amount:.3g}")
    return [
        f"{each.name} = {each.value}" if value else each.name,
        shown(each.slow),
        shown(each.normal),
        f"{each.strength:+.2f}",
        f"{each.interval.low:+.2f}..{each.interval.high:+.2f}",
        ABSENT if each.lift is None else f"{each.lift:.1f}",
        str(each.samples),
    ]
