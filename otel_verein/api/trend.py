"""How operations went on over time, and when that changed."""

from __future__ import annotations

from typing import Final

from otel_verein.analysis.trend import Trend, trended
from otel_verein.config.schema import Config
from otel_verein.sources.base import ALL, Ask, Source
from otel_verein.sources.rows import Window

SHOWN: Final = 25
"""Operations that are shown by themselves, those with the most time."""

STEPS_S: Final = (60, 300, 900, 3600, 21_600, 86_400, 604_800)
"""Steps to choose from, in seconds."""

_MOST_STEPS: Final = 240
_SECOND: Final = 1_000_000_000


def trend(source: Source, config: Config, ask: Ask = ALL, step_s: int | None = None, limit: int = SHOWN) -> Trend:
    """The trend by steps of *step_s* seconds; else by those that suit the window, or what the source has of it.

    Raises what the source raises, and ValueError for a step below a second.
    """
    if step_s is not None and step_s < 1:
        raise ValueError(f"a step of {step_s} s: it has to be a second at least")
    steps = source.steps(step_s or _suited(source, ask), ask)
    return trended(steps, max(0, limit), config.analysis.margin)


def step_for(window: Window | None, most: int = _MOST_STEPS) -> int:
    """The shortest of some round steps, in seconds, that does not make more than *most* of *window*."""
    length_s = 0.0 if window is None else (window.end_ns - window.start_ns) / _SECOND
    return next((step for step in STEPS_S if length_s / step <= most), STEPS_S[-1])


def _suited(source: Source, ask: Ask) -> int:
    if ask.start_ns is not None and ask.end_ns is not None:
        return step_for(Window(ask.start_ns, ask.end_ns))
    return step_for(source.read(ask).window)
