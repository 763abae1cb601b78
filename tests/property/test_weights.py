"""Weights add up to the truth: what is kept, each with its weight, estimates all there was, without bias."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
from opentelemetry.trace import SpanContext, TraceFlags, TraceState

from otel_verein.config.schema import Sampling, SamplingRule
from otel_verein.processors.sampling import Policy
from otel_verein.processors.sampling.tracestate import ALL, LOW_BITS, threshold_of, weight_of, with_threshold

Z = 3.2905  # two-sided 99.9 % of the normal distribution
RATIOS = {"default": 1 / 3, "tenth": 0.1, "hundredth": 0.01}
RULES = (SamplingRule("tenth", 0.1), SamplingRule("hundredth", 0.01))
CALLERS = {"called-half": 0.5, "called-hundredth": 0.01}
OWN = [*RATIOS, "breaching"]
NAMES = [*OWN, *CALLERS, "called-unknown"]


class Clock:
    """Half a minute of a day: 200 operations a second, and a burst of 5000 a second every tenth second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def next(self, rng: random.Random) -> None:
        """Move to the next operation."""
        self.now += rng.expovariate(5000 if int(self.now) % 10 == 0 else 200)


@dataclass
class Tally:
    """What one process saw and what its export says, by name."""

    true: Counter[str] = field(default_factory=Counter)
    weighted: dict[str, float] = field(default_factory=lambda: dict.fromkeys(NAMES, 0.0))
    variance: dict[str, float] = field(default_factory=lambda: dict.fromkeys(NAMES, 0.0))
    by_collector: dict[str, float] = field(default_factory=lambda: dict.fromkeys(NAMES, 0.0))
    sampled_by_unknown: int = 0
    unknown: int = 0
    kept: int = 0
    capped: int = 0


def collector_weight(tracestate: str) -> float | None:
    """The weight as the span_metrics connector reads it (pkg/sampling of collector-contrib); None counts as one.

    The whole entry is refused for one malformed member; th has 1 to 14 digits, padded with zeros on the right.
    """
    entries = dict(entry.split("=", 1) for entry in tracestate.split(",") if entry)
    members = [member.split(":", 1) for member in entries.get("ot", "").split(";")]
    if len(tracestate) > 1024 or any(len(member) != 2 or not member[0].isalnum() for member in members):
        return None
    th = {member[0]: member[1] for member in members}.get("th")
    return ALL / (ALL - int(th.ljust(14, "0"), 16)) if th is not None and 1 <= len(th) <= 14 else None


def parent_of(name: str, trace_id: int, rng: random.Random) -> tuple[SpanContext | None, float]:
    """The remote parent of an operation, and the probability with which it is sampled."""
    if name in CALLERS:
        threshold = threshold_of(CALLERS[name])
        sampled = trace_id & LOW_BITS >= threshold
        state = TraceState([("vendor", "1"), ("ot", f"th:{threshold:014x}")]) if sampled else None
        return SpanContext(trace_id, 1, True, TraceFlags(2 | sampled), state), CALLERS[name]
    if name == "called-unknown":
        return SpanContext(trace_id, 1, True, TraceFlags(rng.random() < 0.2), None), 0.2
    return None, 1.0


def simulate(n: int, seed: int, traces_per_second: float) -> Tally:
    """*n* operations of several names through one policy; a share of those called "breaching" breaches."""
    rng, clock, tally = random.Random(seed), Clock(), Tally()
    policy = Policy(
        Sampling(ratio=RATIOS["default"], operations=RULES, traces_per_second=traces_per_second), clock=clock
    )
    names = rng.choices(NAMES, weights=[30, 20, 20, 10, 10, 5, 5], k=n)
    for name in names:
        clock.next(rng)
        trace_id = rng.getrandbits(128)
        parent, probability = parent_of(name, trace_id, rng)
        started = policy.at_start(trace_id, parent)
        breaches = ("queries",) if name == "breaching" and rng.random() < 0.3 else ()
        state = started.trace_state
        decision = policy.at_end(breaches, name, trace_id, state, parent, started.threshold)
        tally.true[name] += 1
        tally.capped += started.threshold > 0
        if name == "called-unknown":
            assert parent is not None
            tally.sampled_by_unknown += parent.trace_flags.sampled
        elif not breaches:
            if parent is None:
                probability = min(RATIOS.get(name, RATIOS["default"]), 1 - started.threshold / ALL)
            tally.variance[name] += (1 - probability) / probability
        if decision.keep:
            tally.kept += 1
            if decision.threshold is None:
                tally.unknown += 1
            else:
                tally.weighted[name] += weight_of(decision.threshold)
            exported = with_threshold(state, decision.threshold).to_header()
            tally.by_collector[name] += collector_weight(exported) or 0.0
    return tally


@pytest.mark.parametrize("traces_per_second", [0, 20], ids=["no-cap", "cap"])
def test_weighted_counts_are_the_true_counts(traces_per_second: float) -> None:
    """Of 100,000 operations, those of each name lie in the 99.9 % interval; the variance is the sum of (1-p)/p."""
    tally = simulate(100_000, 20261127, traces_per_second)

    known = [name for name in NAMES if name != "called-unknown"]
    sigmas = {
        name: (tally.weighted[name] - tally.true[name]) / max(tally.variance[name], 1e-9) ** 0.5 for name in known
    }

    assert {name: sigma for name, sigma in sigmas.items() if abs(sigma) > Z} == {}
    assert tally.by_collector == pytest.approx(tally.weighted)
    assert (tally.capped > 10_000) is (traces_per_second > 0)


def test_operations_of_unknown_weight_are_counted_apart() -> None:
    """A caller that tells no threshold: what it sampled is kept without weight, exactly, and enters no estimate."""
    tally = simulate(20_000, 7, 0)

    assert tally.unknown == tally.sampled_by_unknown > 100
    assert (tally.weighted["called-unknown"], tally.by_collector["called-unknown"]) == (0, 0)


@pytest.mark.parametrize(
    ("n", "traces_per_second"),
    [
        pytest.param(4_000, 0, id="no-cap"),
        pytest.param(4_000, 20, id="cap"),
        pytest.param(100_000, 0, id="no-cap-long", marks=pytest.mark.soak),
        pytest.param(100_000, 20, id="cap-long", marks=pytest.mark.soak),
    ],
)
def test_weights_have_no_bias(n: int, traces_per_second: float) -> None:
    """Over 50 seeds the mean error of each name is within 99.9 % of zero: Z * sqrt(sum of variances) / 50."""
    tallies = [simulate(n, seed, traces_per_second) for seed in range(50)]

    biased = {}
    for name in [*OWN, *CALLERS]:
        mean = sum(tally.weighted[name] - tally.true[name] for tally in tallies) / len(tallies)
        deviation = sum(tally.variance[name] for tally in tallies) ** 0.5 / len(tallies)
        if abs(mean) > Z * deviation:
            biased[name] = mean / deviation

    assert biased == {}


def test_the_cap_lowers_what_is_kept_and_not_the_estimate() -> None:
    """Under the cap less than half is kept of what the ratios alone keep; the total stays in its interval."""
    free, capped = simulate(50_000, 11, 0), simulate(50_000, 11, 20)

    total = sum(capped.weighted[name] for name in OWN)
    true = sum(capped.true[name] for name in OWN)
    deviation = sum(capped.variance[name] for name in OWN) ** 0.5

    assert capped.kept < free.kept / 2
    assert abs(total - true) < Z * deviation


@pytest.mark.parametrize(
    ("tracestate", "weight"),
    [
        pytest.param("ot=th:8", 2.0, id="half"),
        pytest.param("ot=th:0;rv:0123456789abcd,a=1", 1.0, id="itself"),
        pytest.param("a=1", None, id="none"),
        pytest.param("ot=th:8;bad", None, id="malformed"),
    ],
)
def test_the_rule_of_the_collector(tracestate: str, weight: float | None) -> None:
    """The reader that stands for the collector here can tell right from wrong."""
    assert collector_weight(tracestate) == weight
