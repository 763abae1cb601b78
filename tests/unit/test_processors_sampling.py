"""Decisions and weights: what is kept, why, and that the weights add up to the truth."""

from __future__ import annotations

import random

import pytest
from opentelemetry.trace import SpanContext, TraceFlags, TraceState

from otel_verein.config.schema import Sampling
from otel_verein.processors.sampling import (
    SAMPLED_OUT,
    Decision,
    KeepReason,
    decide,
    randomness,
    threshold_of,
    with_threshold,
)

TRACE = 0x0102030405060708090A0B0C0D0E0F10


def context(
    trace_id: int = TRACE, *, state: TraceState | None = None, flags: int = 0, remote: bool = False
) -> SpanContext:
    """A span context of one trace."""
    return SpanContext(trace_id, 1, remote, TraceFlags(flags), state)


@pytest.mark.parametrize(
    ("breaches", "expected"),
    [
        (("error", "queries"), Decision(KeepReason.ERROR, 0)),
        (("queries",), Decision(KeepReason.BREACH, 0)),
        (("duration", "n_plus_one"), Decision(KeepReason.BREACH, 0)),
        (("n_plus_one",), Decision(KeepReason.N_PLUS_ONE, 0)),
        ((), SAMPLED_OUT),
    ],
)
def test_what_breaches_is_kept_and_stands_for_itself(breaches: tuple[str, ...], expected: Decision) -> None:
    """Errors, breaches and findings are kept with th:0; the rest is left to the coin, here of ratio 0."""
    assert decide(breaches, context(), None, Sampling(ratio=0.0)) == expected


def test_a_breach_weighs_one_also_when_the_coin_would_keep_it() -> None:
    """The weight follows the class, not the coin."""
    assert decide(("error",), context(), None, Sampling(ratio=0.5)).threshold == 0


def test_remote_parent_decides_for_what_breaks_no_budget() -> None:
    """A sampled parent keeps with its own threshold, an unsampled one does not keep."""
    sampled = context(state=TraceState([("ot", "th:8")]), flags=1, remote=True)
    unsampled = context(flags=0, remote=True)

    assert decide((), context(), sampled, Sampling(ratio=0)) == Decision(KeepReason.PARENT, 1 << 55)
    assert decide((), context(), unsampled, Sampling(ratio=1)) == SAMPLED_OUT
    assert decide(("error",), context(), unsampled, Sampling(ratio=1)) == Decision(KeepReason.ERROR, 0)


def test_unknown_weight_of_a_parent_stays_unknown() -> None:
    """A sampled parent without threshold gives no weight, rather than a wrong one."""
    assert decide((), context(), context(flags=1, remote=True), Sampling()).threshold is None


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("rv:00000000000abc", 0xABC),
        ("th:8;rv:ffffffffffffff", (1 << 56) - 1),
        ("rv:abc", 0x0A0B0C0D0E0F10),
        ("rv:0000000000ABCD", 0x0A0B0C0D0E0F10),
        ("", 0x0A0B0C0D0E0F10),
    ],
    ids=["rv", "beside-th", "too-short", "upper-case", "none"],
)
def test_randomness_is_rv_or_the_trace_id(state: str, expected: int) -> None:
    """A valid ``rv`` is used; an invalid one is not trusted."""
    assert randomness(TRACE, TraceState([("ot", state)]) if state else None) == expected


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(0, "th:0"), (1 << 55, "th:8"), (threshold_of(0.25), "th:c"), (None, None)],
)
def test_threshold_is_written_as_the_specification_has_it(threshold: int | None, expected: str | None) -> None:
    """Hexadecimal of 56 bits without trailing zeros; other vendors' entries stay."""
    state = with_threshold(TraceState([("other", "x"), ("ot", "th:1")]), threshold)

    assert (state.get("ot"), state.get("other")) == (expected, "x")


@pytest.mark.parametrize("ratio", [1 / 3, 0.1, 0.01])
def test_weights_add_up_to_the_number_of_operations(ratio: float) -> None:
    """Kept operations, each with its weight, estimate all of them: within 4.5 sigma over 100,000, seed fixed."""
    n, rng = 100_000, random.Random(20261125)
    total = 0.0
    for _ in range(n):
        decision = decide((), context(rng.getrandbits(128) | 1), None, Sampling(ratio=ratio))
        if decision.threshold is not None:
            total += (1 << 56) / ((1 << 56) - decision.threshold)

    sigma = (n * (1 - ratio) / ratio) ** 0.5
    assert abs(total - n) < 4.5 * sigma
