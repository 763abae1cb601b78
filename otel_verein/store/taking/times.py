"""When something can have happened that is told of in a segment, and why it cannot."""

from __future__ import annotations

from typing import Final

from otel_verein.store.layout import NANOSECONDS

EARLIEST_NS: Final = 946_684_800 * NANOSECONDS
"""The year 2000: before it nothing measured with OpenTelemetry can have begun."""

TOO_OLD: Final = "before the year 2000"
FUTURE: Final = "later than now"
