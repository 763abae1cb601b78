"""Whether a variant did the work that was measured: a figure of one that did not is no figure; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Counts = Mapping[str, int]

OWN_COUNTS = ("verein", "verein_sdk", "newrelic")
"""Who says itself what it has counted; the others prove it by what has arrived."""
KEEPS_NOTHING = ("always_off", "ddtrace_off", "sentry_off", "elastic_off", "logfire_off", "scout_off")
BY_HAND = ("sentry_off", "scout_off")


@dataclass(frozen=True)
class Proof:
    """Whether the work was done, and the counts that say so."""

    done: bool
    said: str


def proof(name: str, hooked: bool, asked: Counts, known: Counts, received: Counts) -> Proof:
    """Of *asked* operations and queries, what the variant *name* knows itself, and what its sink received of them."""
    if name == "bare":
        return Proof(not hooked, "the driver is the driver" if not hooked else "its driver is hooked")
    if name in ("verein", "verein_sdk"):
        return _equal(
            ("operations counted", known.get("operations_counted", 0), asked["operations"]),
            ("queries counted", known.get("queries_counted", 0), asked["queries"]),
            ("operations kept", known.get("operations", 0), asked["operations_with_finding"]),
        )
    if name == "verein_otlp":
        return _equal(("operations kept", received.get("operations", 0), asked["operations_with_finding"]))
    if name in KEEPS_NOTHING:
        return _nothing(name, hooked, received)
    counts = known if name in OWN_COUNTS else received
    return _equal(
        ("operations kept", counts.get("operations", 0), asked["operations"]),
        ("queries kept", counts.get("spans", 0), asked["queries"]),
    )


def _equal(*counts: tuple[str, int, int]) -> Proof:
    said = ", ".join(f"{found} of {wanted} {what}" for what, found, wanted in counts)
    return Proof(all(found == wanted for _, found, wanted in counts), said)


def _nothing(name: str, hooked: bool, received: Counts) -> Proof:
    if not hooked and name not in BY_HAND:
        return Proof(False, "its driver is not hooked")
    kept = received.get("operations", 0)
    return Proof(kept == 0, f"{kept} of 0 operations kept")
