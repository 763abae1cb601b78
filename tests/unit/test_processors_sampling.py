"""Decisions: what is kept, why, with which weight, and what outgoing calls carry meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from otel_verein.config.schema import Sampling, SamplingRule
from otel_verein.processors.sampling import (
    SAMPLED_OUT,
    Decision,
    KeepReason,
    Policy,
    Provisional,
    VereinSampler,
)
from otel_verein.processors.sampling.remembered import Followed
from otel_verein.processors.sampling.tracestate import threshold_of

LOW = 0x0102030405060708_00_00000000000001  # as good as never sampled
HIGH = 0x0102030405060708_00_FFFFFFFFFFFFFE  # as good as always sampled
HALF = 1 << 55


def remote(flags: int = 1, state: str = "", trace_id: int = HIGH) -> SpanContext:
    """The context that a caller sent."""
    return SpanContext(trace_id, 1, True, TraceFlags(flags), TraceState.from_header([state]))


def end(
    policy: Policy,
    breaches: tuple[str, ...] = (),
    *,
    name: str = "GET /",
    trace_id: int = LOW,
    parent: SpanContext | None = None,
    capped: int = 0,
    **given: Any,
) -> Decision:
    """What is decided at the end of an operation without a tracestate of its own."""
    return policy.at_end(breaches, name, trace_id, parent.trace_state if parent else None, parent, capped, **given)


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
@pytest.mark.parametrize("ratio", [0.0, 0.5])
def test_what_breaches_is_kept_and_stands_for_itself(
    breaches: tuple[str, ...], expected: Decision, ratio: float
) -> None:
    """Errors, breaches and findings are kept with th:0, whatever the ratio; the rest is left to the coin."""
    assert end(Policy(Sampling(ratio=ratio)), breaches) == expected


def test_a_breach_weighs_one_also_when_the_coin_would_keep_it() -> None:
    """The weight follows the class, not the coin."""
    assert end(Policy(Sampling(ratio=0.5)), ("error",), trace_id=HIGH) == Decision(KeepReason.ERROR, 0)


def test_what_is_kept_by_hand_stands_for_itself() -> None:
    """It is kept whatever the coin says; a breach of its own is the better reason."""
    policy = Policy(Sampling(ratio=0))

    assert end(policy, forced=True) == Decision(KeepReason.FORCED, 0)
    assert end(policy, ("error",), forced=True) == Decision(KeepReason.ERROR, 0)


def test_the_coin_keeps_what_is_at_or_above_the_threshold() -> None:
    """R >= T, and T is the weight."""
    policy = Policy(Sampling(ratio=0.5))

    decisions = [end(policy, trace_id=trace_id) for trace_id in (HALF - 1, HALF, HIGH)]

    assert decisions == [SAMPLED_OUT, Decision(KeepReason.SAMPLED, HALF), Decision(KeepReason.SAMPLED, HALF)]


@pytest.mark.parametrize(
    ("flags", "state", "expected"),
    [
        pytest.param(0x01, "ot=th:8", Decision(KeepReason.PARENT, HALF), id="sampled"),
        pytest.param(0x03, "ot=th:8", Decision(KeepReason.PARENT, HALF), id="sampled-and-random"),
        pytest.param(0xFF, "ot=th:8", Decision(KeepReason.PARENT, HALF), id="all-bits"),
        pytest.param(0x01, "", Decision(KeepReason.PARENT, None), id="no-threshold"),
        pytest.param(0x01, "ot=th:8;rv:00000000000001", Decision(KeepReason.PARENT, None), id="inconsistent"),
        pytest.param(0x00, "ot=th:8", SAMPLED_OUT, id="unsampled"),
        pytest.param(0x02, "ot=th:0", SAMPLED_OUT, id="unsampled-and-random"),
    ],
)
def test_a_remote_parent_decides_for_what_breaks_no_budget(flags: int, state: str, expected: Decision) -> None:
    """The bit of the flag decides; the threshold holds only if the trace can have passed it."""
    assert end(Policy(Sampling(ratio=0.9)), trace_id=HIGH, parent=remote(flags, state)) == expected


def test_a_breach_under_an_unsampled_parent_is_kept() -> None:
    """Whoever calls cannot switch errors off."""
    assert end(Policy(Sampling(ratio=0)), ("error",), parent=remote(0)) == Decision(KeepReason.ERROR, 0)


@pytest.mark.parametrize("flags", [0, 1])
def test_callers_who_are_not_trusted_decide_nothing(flags: int) -> None:
    """With `remote_parents: ignore` the coin decides, over the randomness of the trace."""
    policy = Policy(Sampling(ratio=0.5, remote_parents="ignore"))
    rejected = remote(flags, "ot=th:0;rv:00000000000001")

    assert end(policy, trace_id=HIGH, parent=remote(flags, "ot=th:0")) == Decision(KeepReason.SAMPLED, HALF)
    assert end(policy, trace_id=HIGH, parent=rejected) == SAMPLED_OUT


@pytest.mark.parametrize(
    ("name", "threshold"),
    [
        pytest.param("POST /pay", 0, id="first"),
        pytest.param("POST /pay/slow", 0, id="first-match-holds"),
        pytest.param("GET /health", (1 << 56), id="none"),
        pytest.param("get /health", HALF, id="case"),
        pytest.param("GET /", HALF, id="no-rule"),
    ],
)
def test_a_rule_for_the_name_replaces_the_ratio(name: str, threshold: int) -> None:
    """The first glob that matches; ratio 0 keeps none."""
    rules = (SamplingRule("POST /pay*", 1.0), SamplingRule("*/slow", 0.25), SamplingRule("GET /health", 0.0))
    policy = Policy(Sampling(ratio=0.5, operations=rules))

    decision = end(policy, name=name, trace_id=HIGH)

    assert decision == (SAMPLED_OUT if threshold == 1 << 56 else Decision(KeepReason.SAMPLED, threshold))


def test_the_stricter_of_ratio_and_cap_is_the_weight() -> None:
    """The threshold of the cap, taken at the start, joins that of the ratio or the rule."""
    policy = Policy(Sampling(ratio=0.5, operations=(SamplingRule("all", 1.0),)))

    assert end(policy, trace_id=HIGH, capped=3 << 54) == Decision(KeepReason.SAMPLED, 3 << 54)
    assert end(policy, trace_id=HIGH, capped=1 << 54) == Decision(KeepReason.SAMPLED, HALF)
    assert end(policy, name="all", trace_id=HIGH, capped=1 << 54) == Decision(KeepReason.SAMPLED, 1 << 54)
    assert end(policy, name="all", trace_id=LOW, capped=1 << 54) == SAMPLED_OUT


@pytest.mark.parametrize(
    ("followed", "expected"),
    [
        (Followed(True, HALF), Decision(KeepReason.PARENT, HALF)),
        (Followed(True, None), Decision(KeepReason.PARENT, None)),
        (Followed(False, None), SAMPLED_OUT),
    ],
)
def test_what_comes_late_follows_the_decision_on_its_trace(followed: Followed, expected: Decision) -> None:
    """With its threshold, and before the remote parent and the coin are asked; its own breach comes first."""
    policy = Policy(Sampling(ratio=1))

    assert end(policy, trace_id=HIGH, parent=remote(0), followed=followed) == expected
    assert end(policy, ("error",), followed=followed) == Decision(KeepReason.ERROR, 0)


@pytest.mark.parametrize(
    ("breaches", "trace_id", "parent", "expected"),
    [
        pytest.param((), LOW, None, Decision(KeepReason.DRY_RUN, 0, "sampled_out"), id="sampled-out"),
        pytest.param((), HIGH, None, Decision(KeepReason.SAMPLED, 0, "sampled"), id="sampled"),
        pytest.param(("error",), LOW, None, Decision(KeepReason.ERROR, 0, "error"), id="breach"),
        pytest.param((), HIGH, remote(1), Decision(KeepReason.PARENT, 0, "parent"), id="parent"),
        pytest.param((), HIGH, remote(0), Decision(KeepReason.DRY_RUN, 0, "sampled_out"), id="unsampled-parent"),
    ],
)
def test_a_dry_run_keeps_everything_and_says_what_it_would_do(
    breaches: tuple[str, ...], trace_id: int, parent: SpanContext | None, expected: Decision
) -> None:
    """All have th:0, since each stands for itself; what is kept anyway keeps its reason."""
    policy = Policy(Sampling(ratio=0.5, dry_run=True))

    assert end(policy, breaches, trace_id=trace_id, parent=parent) == expected


@pytest.mark.parametrize(("trace_id", "would"), [(LOW, "sampled_out"), (HIGH, "sampled")])
def test_a_collector_that_decides_gets_everything(trace_id: int, would: str) -> None:
    """With th:0 and what this process would have done, so that what comes late can follow that."""
    policy = Policy(Sampling(ratio=0.5, decide="collector"))

    decision = end(policy, trace_id=trace_id)

    assert decision == Decision(KeepReason.COLLECTOR, 0, would)
    assert decision.would_keep is (would == "sampled")


def test_the_coin_at_the_start_is_what_outgoing_calls_carry() -> None:
    """The flag, and with it the threshold; all such operations share one tracestate."""
    policy = Policy(Sampling(ratio=0.5))

    first, second = policy.at_start(HIGH, None), policy.at_start(HIGH - 1, None)

    assert first == Provisional(True, 0, TraceState([("ot", "th:8")]))
    assert first.trace_state is second.trace_state
    assert policy.at_start(LOW, None) == Provisional(False, 0, None)


@pytest.mark.parametrize(
    ("parent", "sampled", "header"),
    [
        pytest.param(remote(1, "a=1,ot=th:8"), True, "a=1,ot=th:8", id="sampled"),
        pytest.param(remote(3, "a=1"), True, "a=1", id="without-threshold"),
        pytest.param(remote(1, "ot=th:8;rv:00000000000001"), True, "ot=rv:00000000000001", id="inconsistent"),
        pytest.param(remote(0, "ot=th:8;k:v,a=1"), False, "ot=k:v,a=1", id="unsampled"),
        pytest.param(remote(2, ""), False, "", id="unsampled-and-random"),
    ],
)
def test_the_decision_of_a_remote_parent_is_passed_on(parent: SpanContext, sampled: bool, header: str) -> None:
    """With its threshold, unless that does not belong to the decision."""
    started = Policy(Sampling(ratio=0.5)).at_start(HIGH, parent)

    assert (started.sampled, started.threshold) == (sampled, 0)
    assert started.trace_state is not None
    assert started.trace_state.to_header() == header


def test_the_own_coin_passes_the_randomness_of_the_trace_on() -> None:
    """The rv of a caller who is not followed still is that of the trace; his threshold is not ours."""
    policy = Policy(Sampling(ratio=0.5, remote_parents="ignore"))

    kept = policy.at_start(LOW, remote(0, "ot=th:c;rv:f0000000000000", LOW)).trace_state
    rejected = policy.at_start(HIGH, remote(1, "ot=th:c;rv:10000000000000")).trace_state

    assert kept is not None
    assert rejected is not None
    assert kept.to_header() == "ot=th:8;rv:f0000000000000"
    assert rejected.to_header() == "ot=rv:10000000000000"


@pytest.mark.parametrize("keeps_all", [Sampling(ratio=0, dry_run=True), Sampling(ratio=0, decide="collector")])
@pytest.mark.parametrize("parent", [None, remote(0, "ot=th:8")])
def test_what_keeps_everything_says_so_to_those_it_calls(keeps_all: Sampling, parent: SpanContext | None) -> None:
    """The flag is the truth about this process, so nothing is dropped behind it either."""
    assert Policy(keeps_all).at_start(LOW, parent) == Provisional(True, 0, TraceState([("ot", "th:0")]))


def test_the_cap_counts_what_the_own_coin_decides() -> None:
    """The second of two at one moment is kept with a half under a cap of 1; what follows a caller is not counted."""
    policy = Policy(Sampling(ratio=1, traces_per_second=1), clock=lambda: 0.0)

    started = [policy.at_start(HIGH, parent) for parent in (None, remote(), remote(), None)]

    assert [start.threshold for start in started] == [0, 0, 0, HALF]
    assert started[-1].trace_state == TraceState([("ot", "th:8")])
    assert policy.at_start(LOW, None).sampled is False


def test_the_sampler_records_everything_and_flags_the_coin() -> None:
    """With an SDK set up by hand: local children carry the flag and the state of their root."""
    provider = TracerProvider(sampler=VereinSampler(Sampling(ratio=0)), shutdown_on_exit=False)
    tracer = provider.get_tracer("test")

    with tracer.start_as_current_span("root") as root, tracer.start_as_current_span("child") as child:
        out = [(span.is_recording(), span.get_span_context().trace_flags & 1) for span in (root, child)]
    context = set_span_in_context(NonRecordingSpan(remote(3, "a=1,ot=th:8")))
    with tracer.start_as_current_span("root", context) as root, tracer.start_as_current_span("child") as child:
        contexts = [span.get_span_context() for span in (root, child)]

    assert out == [(True, 0), (True, 0)]
    assert [(context.trace_flags & 1, context.trace_state.to_header()) for context in contexts] == [
        (1, "a=1,ot=th:8"),
        (1, "a=1,ot=th:8"),
    ]


def test_the_smallest_ratio_still_keeps_some() -> None:
    """A ratio above 0 never becomes the threshold that keeps nothing."""
    policy = Policy(Sampling(ratio=1e-300))

    assert end(policy, trace_id=(1 << 56) - 1) == Decision(KeepReason.SAMPLED, threshold_of(1e-300))
