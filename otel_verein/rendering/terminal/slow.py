"""The slowest operations on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.text import Text

from otel_verein.analysis.slow import SlowAnswer, SlowOperation
from otel_verein.rendering.printable import clean
from otel_verein.rendering.terminal.screen import STYLES, fitted, text, wrapped
from otel_verein.rendering.words import many, moment_ns, seconds

_INDENT: Final = 4


def lines(answer: SlowAnswer, width: int) -> Iterator[Text]:
    """Each of them with its trace and the reasons that are known, every line at most *width* columns."""
    if not answer.operations:
        yield text("No operation that failed was kept." if answer.failed else "No operation was kept.")
        return
    which = " that failed" if answer.failed else ""
    yield text(f"the slowest {len(answer.operations)} of {many(answer.kept, 'kept operation')}{which}")
    for rank, each in enumerate(answer.operations, start=1):
        yield text("")
        yield from _operation(rank, each, width)


def _operation(rank: int, each: SlowOperation, width: int) -> Iterator[Text]:
    root = each.root
    usual = "" if each.times_median is None else f", {each.times_median:.1f} times the median of its name"
    style = STYLES["high"] if root.error else "bold"
    yield fitted(text(f"{rank}. {seconds(root.duration_s)}  {clean(root.operation)}{usual}", style), width)
    yield fitted(
        text(f"   trace {root.trace_id}, {clean(root.service)}, {moment_ns(root.start_ns)} UTC", "cyan"), width
    )
    for reason in each.reasons:
        yield from wrapped(f"   {clean(reason.text)}", width, _INDENT)
