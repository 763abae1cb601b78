"""How figures changed, in words."""

from __future__ import annotations

from otel_verein.analysis.compare import Comparison
from otel_verein.analysis.compare_figures import Figure
from otel_verein.rendering.words import ABSENT, signed_percent

_WHOLE = 0.05
"""How far from a whole number queries may be that are shown as one."""


def removed(answer: Comparison) -> str:
    """How many queries fewer there were."""
    number = answer.queries_removed
    if number is None:
        return "queries removed: unknown, not measured on both sides"
    amount = f"{abs(number):,.0f}" if abs(number - round(number)) < _WHOLE else f"{abs(number):,.1f}"
    if not number:
        return "as many queries as the same operations would have run before"
    about = "about " if answer.estimated else ""
    return f"{about}{amount} queries {'fewer' if number > 0 else 'more'} than the same operations would have run before"


def changed_by(figure: Figure) -> str:
    """By how much a figure changed, in per cent of what it was."""
    return ABSENT if figure.relative is None else signed_percent(figure.relative)


def interval(figure: Figure) -> str:
    """The 95 % interval of that change, in per cent."""
    span = figure.relative_interval
    return ABSENT if span is None else f"{span.low * 100:+.0f}..{span.high * 100:+.0f}"
