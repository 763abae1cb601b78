"""A collector under three times what it can do: its memory stays bounded, and what it does not take it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from collector_runs import Variant, came_out, rest, started

from tests.services.otlp_load import Load, Traffic
from tests.services.otlp_sender import Sender, Sending

TIMEOUT_S = 60.0
REFUSED = ("otelcol_receiver_refused_spans", "otelcol_receiver_failed_spans")


@dataclass(frozen=True)
class Flood:
    """What became of the spans of one flood."""

    wanted_per_s: float
    offered_per_s: float
    """What was sent: less than wanted where all connections waited for answers."""
    taken_per_s: float
    sent: int
    taken: int
    refused: int
    """Spans that the sender was told were not taken."""
    unanswered: int
    """Spans whose sender gave up waiting; they may have been taken."""
    booked: int
    """Spans that the collector's own figures say it refused."""
    came_out: int
    peak_mib: float

    def problems(self) -> list[str]:
        """What does not add up."""
        found = []
        if self.booked != self.refused:
            found.append(f"the collector counts {self.booked} refused spans, senders {self.refused}")
        if not self.taken <= self.came_out <= self.taken + self.unanswered:
            known = f"{self.taken} that were taken and {self.unanswered} without an answer"
            found.append(f"{self.came_out} spans came out of {known}")
        if self.sent != self.taken + self.refused + self.unanswered:
            found.append(f"of {self.sent} spans {self.taken} were taken and {self.refused} refused")
        return found


def flood(variant: Variant, traffic: Traffic, spans_per_s: float, connections: int, shared: Mapping[str, Any]) -> Flood:
    """Offer all of *traffic* at *spans_per_s*, each request once, whatever is answered."""
    sending = Sending(connections=connections, spans_per_s=spans_per_s, timeout_s=TIMEOUT_S)
    with started(variant, shared) as (collector, directory):
        sent = Sender(f"http://{collector.http_endpoint}", Load(traffic).requests(), sending).run()
        rest(collector)
        peak = collector.peak_rss_bytes()
        booked = sum(collector.metric(name, absent=0) for name in REFUSED)
        out = came_out(variant, collector, directory)
    return Flood(
        spans_per_s,
        sent.spans / sent.seconds,
        sent.acknowledged_spans / sent.seconds,
        sent.spans,
        sent.acknowledged_spans,
        sum(sent.refused.values()),
        sum(sent.failed.values()),
        round(booked),
        out,
        peak / 2**20,
    )
