"""Whatever callers send: nothing raises, and what is sent on is valid."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanContext, TraceFlags, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_verein.config.schema import Config, Sampling
from otel_verein.processors import VereinSpanProcessor
from otel_verein.processors.sampling import Policy, VereinSampler
from otel_verein.processors.sampling.tracestate import (
    ALL,
    LOW_BITS,
    consistent_threshold,
    randomness,
    threshold_of,
    with_threshold,
)
from otel_verein.tracing import VereinTracerProvider

TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
ENTRY = re.compile(r"[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
OT = re.compile(r"[a-z][a-z0-9]*:[A-Za-z0-9._-]*(;[a-z][a-z0-9]*:[A-Za-z0-9._-]*)*")

HEX = st.text("0123456789abcdef", max_size=16)
MEMBERS = st.one_of(
    st.builds("th:{}".format, HEX),
    st.builds("rv:{}".format, st.one_of(HEX, st.text("0123456789abcdef", min_size=14, max_size=14))),
    st.sampled_from(["th:", "rv:", "TH:8", "th:A", "rv:00000000000ABC", "k1:v", "k2:", ":", "", "no", "x:y:z", "a: b"]),
    st.text(max_size=12),
)
OT_VALUES = st.lists(MEMBERS, max_size=6).map(";".join)
ENTRIES = st.one_of(
    st.builds("ot={}".format, OT_VALUES),
    st.builds("{}={}".format, st.text("abz09_-*/@", max_size=8), st.text(max_size=200)),
    st.sampled_from(["", " ", "a=1", "b=2", "t@v=3", "a==", "=1", "a", "é=ü", "k=\x00"]),
    st.text(max_size=40),
)
TRACESTATES = st.one_of(st.lists(ENTRIES, max_size=40).map(",".join), st.text(max_size=600))
IDS = st.text("0123456789abcdef", min_size=32, max_size=32)
TRACEPARENTS = st.one_of(
    st.builds(
        "{}-{}-{}-{}".format,
        st.sampled_from(["00", "01", "ff", "0"]),
        IDS,
        IDS.map(lambda text: text[:16]),
        st.sampled_from(["00", "01", "02", "03", "ff", "1", "0g"]),
    ),
    st.sampled_from(["", "x", "00-" + "0" * 32 + "-" + "1" * 16 + "-01", "00-" + "1" * 32 + "-" + "0" * 16 + "-01"]),
    st.text(max_size=80),
)
SAMPLINGS = st.builds(
    Sampling,
    ratio=st.sampled_from([0.0, 0.1, 1 / 3, 1.0]),
    traces_per_second=st.sampled_from([0.0, 5.0]),
    decide=st.sampled_from(["process", "collector"]),
    remote_parents=st.sampled_from(["follow", "ignore"]),
    dry_run=st.booleans(),
)


def is_valid(header: str) -> bool:
    """Whether a tracestate is one that the collector's reader takes, ours first."""
    entries = header.split(",") if header else []
    keys = [entry.split("=", 1)[0] for entry in entries]
    if "ot" in keys and not OT.fullmatch(entries[keys.index("ot")][3:]):
        return False
    return len(entries) <= 32 and len(set(keys)) == len(keys) and all(ENTRY.fullmatch(entry) for entry in entries)


@lru_cache
def of_the_sdk(sampling: Sampling) -> TracerProvider:
    """A provider of the SDK with our sampler."""
    return TracerProvider(sampler=VereinSampler(sampling), shutdown_on_exit=False)


MADE: list[TracerProvider] = []


@lru_cache
def ours(sampling: Sampling) -> TracerProvider:
    """A provider of ours, which exports nothing."""
    MADE.append(VereinTracerProvider(VereinSpanProcessor(None, Config(sampling=sampling)), shutdown_on_exit=False))
    return MADE[-1]


@pytest.fixture(autouse=True, scope="module")
def no_thread_left() -> Iterator[None]:
    """End what the providers of ours run."""
    yield
    while MADE:
        MADE.pop().shutdown()


@settings(max_examples=400, deadline=None)
@given(traceparent=TRACEPARENTS, tracestate=TRACESTATES, sampling=SAMPLINGS, light=st.booleans())
@example(
    "00-" + "a" * 32 + "-" + "b" * 16 + "-01", "ot=th:8," + ",".join(f"k{i}=v" for i in range(31)), Sampling(), True
)
@example("00-" + "a" * 32 + "-" + "b" * 16 + "-01", "a=" + "x" * 10_000, Sampling(), True)
@example("00-" + "a" * 32 + "-" + "b" * 16 + "-01", "ot=th:8,ot=th:c", Sampling(), False)
def test_headers_of_any_kind_go_through_a_process(
    traceparent: str, tracestate: str, sampling: Sampling, light: bool
) -> None:
    """Extract, sample, inject: no exception, a valid traceparent of the same or of a new trace, a valid tracestate."""
    sent: dict[str, str] = {}

    context = extract({"traceparent": traceparent, "tracestate": tracestate})
    with (ours if light else of_the_sdk)(sampling).get_tracer("fuzz").start_as_current_span("GET /", context) as span:
        own = span.get_span_context()
        inject(sent)

    assert TRACEPARENT.fullmatch(sent["traceparent"])
    same_trace = sent["traceparent"][3:35] == traceparent.strip(" \t")[3:35]
    assert same_trace is (span.parent is not None)  # type: ignore[attr-defined]
    again = extract(sent)  # what is sent is understood: nothing of it is lost on the way
    received: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(received, again)
    assert received == sent
    assert sent.get("tracestate", "") == own.trace_state.to_header()


@settings(max_examples=400, deadline=None)
@given(tracestate=TRACESTATES, trace_id=st.integers(1, 2**128 - 1), flags=st.integers(0, 255), sampling=SAMPLINGS)
def test_any_parent_gives_a_decision_and_a_valid_export(
    tracestate: str, trace_id: int, flags: int, sampling: Sampling
) -> None:
    """The threshold is None, or one that the trace has passed; what is exported with it is valid and says it first."""
    policy = Policy(sampling)
    parent = SpanContext(trace_id, 1, True, TraceFlags(flags), TraceState.from_header([tracestate]))

    started = policy.at_start(trace_id, parent)
    decision = policy.at_end((), "GET /", trace_id, started.trace_state, parent, started.threshold)

    if decision.threshold is not None:
        assert randomness(trace_id, parent.trace_state) >= decision.threshold
    exported = with_threshold(started.trace_state, decision.threshold).to_header()
    assert is_valid(exported)
    assert exported.startswith("ot=th:") is (decision.threshold is not None)


@settings(max_examples=400, deadline=None)
@given(value=OT_VALUES, trace_id=st.integers(1, 2**128 - 1), threshold=st.integers(0, ALL - 1))
def test_what_is_written_is_read_again(value: str, trace_id: int, threshold: int) -> None:
    """The threshold comes back, the randomness is that of the trace before and after."""
    state = TraceState.from_header([f"a=1,ot={value}"])

    written = with_threshold(state, threshold)

    assert randomness(trace_id, written) == randomness(trace_id, state)
    passed = consistent_threshold(trace_id, written)
    assert passed == (threshold if randomness(trace_id, state) >= threshold else None)
    assert with_threshold(written, threshold) == written


@settings(max_examples=300, deadline=None)
@given(ratio=st.floats(1e-300, 1), trace_id=st.integers(0, 2**128 - 1))
def test_a_larger_ratio_keeps_all_that_a_smaller_one_keeps(ratio: float, trace_id: int) -> None:
    """Decisions are consistent: over one trace, thresholds that fall let pass what passed."""
    smaller, larger = threshold_of(ratio / 2), threshold_of(ratio)

    assert 0 <= larger <= smaller < ALL
    assert not (trace_id & LOW_BITS >= smaller and trace_id & LOW_BITS < larger)


@pytest.mark.parametrize(
    "header",
    ["x", "00-" + "0" * 32 + "-" + "1" * 16 + "-01", "ff-" + "1" * 32 + "-" + "1" * 16 + "-01", ""],
    ids=["text", "zero-id", "version-ff", "empty"],
)
@pytest.mark.parametrize("provider", [of_the_sdk, ours])
def test_a_bad_traceparent_restarts_the_trace(header: str, provider: Callable[[Sampling], TracerProvider]) -> None:
    """Its tracestate is not taken along, since it belongs to no trace."""
    sent: dict[str, str] = {}

    context = extract({"traceparent": header, "tracestate": "ot=th:c,a=1"})
    with provider(Sampling(ratio=1)).get_tracer("fuzz").start_as_current_span("GET /", context):
        inject(sent)

    assert sent["tracestate"] == "ot=th:0"
