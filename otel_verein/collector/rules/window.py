"""Spans of time, as Prometheus writes them."""

from __future__ import annotations

from dataclasses import dataclass

_UNITS = (("d", 24 * 60), ("h", 60), ("m", 1))


@dataclass(frozen=True, slots=True)
class Window:
    """So many minutes."""

    minutes: int

    def __str__(self) -> str:
        unit, size = next((unit, size) for unit, size in _UNITS if self.minutes % size == 0)
        return f"{self.minutes // size}{unit}"


MOMENT = Window(5)
SHORT = Window(15)
HALF_HOUR = Window(30)
HOUR = Window(60)
SIX_HOURS = Window(6 * 60)
DAY = Window(24 * 60)
THREE_DAYS = Window(3 * 24 * 60)
