"""The clocks of the process, where tools that stop the time for a test do not find them.

freezegun puts its own functions in the place of those of ``time`` in every module that has imported them, and looks
into no class. Some of our parts are compiled and keep the real ones, so with half of the clocks stopped a duration
would be decades long, or negative.
"""

from __future__ import annotations

import time


class Clock:
    """Called on the class: ``Clock.ticks_ns()``."""

    ticks_ns = time.perf_counter_ns
    """Nanoseconds that only go forward; the drivers' lanes read the same clock."""

    wall_ns = time.time_ns
    """Nanoseconds since the epoch; an administrator may set them back."""

    seconds = time.monotonic
    """Seconds that only go forward, for deadlines."""
