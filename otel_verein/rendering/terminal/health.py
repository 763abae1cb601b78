"""Health on a terminal: the score, and everything that it is computed from."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from otel_verein.api.health import HealthAnswer, OperationScore
from otel_verein.rendering.printable import clean
from otel_verein.rendering.terminal.screen import STYLES, text, verdict, wrapped
from otel_verein.rendering.terminal.table import Column, table
from otel_verein.rendering.words import ABSENT, decimal, known, lost, many, name_of, window

_HANGING = 9
_COLUMNS = (
    Column("operation"),
    Column("n"),
    Column("bad"),
    Column("good %", rank=3),
    Column("score"),
    Column("95 %", rank=1),
    Column("weight", rank=2),
    Column("part", rank=2),
    Column("error", "points lost", 4),
    Column("duration", "points lost", 4),
    Column("queries", "points lost", 4),
)


def lines(answer: HealthAnswer, limit: int, width: int) -> Iterator[Text]:
    """The score and at most *limit* of the operations, each line at most *width* columns."""
    total = answer.total
    if total.score is None:
        yield from wrapped(f"health   unknown (n = {total.n}): {clean(total.why or 'nothing was measured')}", width)
    else:
        yield Text.assemble(
            "health   ", text(decimal(total.score), "bold"), " ", verdict(total.level), _interval(answer)
        )
        yield from wrapped(f"lost     {lost(total.lost)}", width, _HANGING)
        if total.worst_operation:
            yield from wrapped(f"worst    {clean(total.worst_operation)}", width, _HANGING)
    yield text(f"window   {window(answer.window)}")
    yield text("")
    if answer.operations:
        several = len({each.key.service for each in answer.operations}) > 1
        yield from table(_COLUMNS, [_row(each, several) for each in answer.operations[:limit]], width)
    hidden = len(answer.operations) - limit
    if hidden > 0:
        yield text(f"... and {many(hidden, 'operation name')} more (--limit)")
    yield text("")
    yield from _by_hand(answer, width)


def _interval(answer: HealthAnswer) -> str:
    total = answer.total
    span = "" if total.low is None or total.high is None else f", 95 % {total.low:.1f} to {total.high:.1f}"
    estimated = ""
    if total.estimated:
        estimated = f", estimated, as good as {known(total.effective, '{:.0f}'.format)} operations seen in full"
    return f" (n = {total.n}{span}{estimated})"


def _row(each: OperationScore, several: bool) -> list[str | Text]:
    health = each.health
    bounds = ABSENT if health.low is None or health.high is None else f"{health.low:.0f}-{health.high:.0f}"
    score = "unknown" if health.score is None else decimal(health.score)
    return [
        name_of(each.key, with_service=several),
        str(health.n),
        known(health.bad, str, ABSENT),
        ABSENT if health.share is None else f"{health.share * 100:.1f}",
        text(score, STYLES["unknown"] if health.score is None else ""),
        bounds,
        f"{each.weight:.3f}",
        known(each.part, decimal, ABSENT),
        *(
            ABSENT if not each.lost.get(cause) else decimal(each.lost[cause] or 0)
            for cause in ("error", "duration", "queries")
        ),
    ]


def _by_hand(answer: HealthAnswer, width: int) -> Iterator[Text]:
    """How to compute the score again, in words and with the options that are in force."""
    levels = ", ".join(f"{word} from {least:g}" for word, least in answer.levels.items())
    yield from wrapped(
        f"score of an operation = 100 x max(0, 1 - (1 - good share) / (1 - {answer.objective:g})), unknown below "
        f"{many(answer.minimum_operations, 'operation')}; in all = sum of the parts, each score x "
        "weight, also of those too rare for a score of their own.",
        width,
    )
    yield from wrapped(f"{levels}, else critical.", width)
