"""Spans of our own tracer: blocks, operations, other processors, clocks, and what comes late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    TraceState,
)

from otel_verein.clock import Clock
from otel_verein.config import Config
from otel_verein.config.schema import Limits, Sampling, Thresholds
from otel_verein.processors import VereinSpanProcessor
from otel_verein.tracing import VereinTracerProvider

NONE = Config(sampling=Sampling(ratio=0.0))
ALL = Config(sampling=Sampling(ratio=1.0))
SLOW = Config(sampling=Sampling(ratio=0.0), thresholds=Thresholds(duration_s=1.0))
LATE_S = 60


class Light:
    """A provider of ours that exports into memory."""

    def __init__(self, config: Config = ALL) -> None:
        self.exporter = InMemorySpanExporter()
        self.processor = VereinSpanProcessor(self.exporter, config)
        self.provider = VereinTracerProvider(self.processor, shutdown_on_exit=False)
        self.tracer: Tracer = self.provider.get_tracer("test", "1")

    def exported(self) -> list[ReadableSpan]:
        """What was exported so far."""
        self.provider.force_flush()
        return list(self.exporter.get_finished_spans())

    def names(self) -> list[str]:
        """The names of what was exported."""
        return sorted(span.name for span in self.exported())


@pytest.fixture
def light(request: pytest.FixtureRequest) -> Iterator[Light]:
    """A provider with the configuration that the test gives, or one that keeps all."""
    made = Light(getattr(request, "param", ALL))
    yield made
    made.provider.shutdown()


def slow(span: Span) -> None:
    """End *span* a minute after now."""
    span.end(time.time_ns() + 60 * 10**9)


def test_a_block_makes_its_span_the_current_one(light: Light) -> None:
    """Spans inside it are its children, in one operation."""
    with light.tracer.start_as_current_span("page", kind=SpanKind.SERVER, attributes={"a": 1}) as page:
        assert trace.get_current_span() is page
        with light.tracer.start_as_current_span("part"):
            pass

    part, page_seen = sorted(light.exported(), key=lambda span: span.name, reverse=True)
    assert (page_seen.name, page_seen.kind, page_seen.parent) == ("page", SpanKind.SERVER, None)
    assert part.parent is not None
    assert part.parent.span_id == page.get_span_context().span_id
    assert not trace.get_current_span().get_span_context().is_valid


def test_an_exception_is_recorded_and_passes(light: Light) -> None:
    """The span fails with the exception's type and text; leaving is no failure."""
    with pytest.raises(ValueError), light.tracer.start_as_current_span("page"):
        raise ValueError("no such page")
    with pytest.raises(KeyboardInterrupt), light.tracer.start_as_current_span("left"):
        raise KeyboardInterrupt

    page, left = light.exported()
    assert (page.status.status_code, page.status.description) == (StatusCode.ERROR, "ValueError: no such page")
    assert [event.name for event in page.events] == ["exception"]
    assert (left.status.status_code, list(left.events)) == (StatusCode.UNSET, [])


def test_what_the_block_shall_not_do_it_does_not(light: Light) -> None:
    """No event, no status, no end where the arguments say so."""
    with (
        pytest.raises(ValueError),
        light.tracer.start_as_current_span(
            "page", record_exception=False, set_status_on_exception=False, end_on_exit=False
        ) as span,
    ):
        raise ValueError

    assert span.is_recording()
    span.end()
    (page,) = light.exported()
    assert (page.status.status_code, list(page.events)) == (StatusCode.UNSET, [])


def test_as_a_decorator_each_call_is_a_span(light: Light) -> None:
    """Functions and coroutine functions; a coroutine's span ends with the coroutine."""

    @light.tracer.start_as_current_span("plain")
    def plain() -> int:
        return 1

    @light.tracer.start_as_current_span("awaited")
    async def awaited() -> bool:
        await asyncio.sleep(0)
        return trace.get_current_span().is_recording()

    assert (plain(), plain(), asyncio.run(awaited())) == (1, 1, True)
    assert light.names() == ["awaited", "plain", "plain"]


def test_a_span_as_context_manager_ends_with_its_block(light: Light) -> None:
    """``with tracer.start_span()``, which does not make it current."""
    with light.tracer.start_span("page") as span:
        assert trace.get_current_span() is not span

    assert light.names() == ["page"]


def test_a_second_end_counts_nothing(light: Light) -> None:
    """An operation is judged once, whoever ends its root again."""
    span = light.tracer.start_span("page")
    span.end()
    span.end()

    assert light.names() == ["page"]


def test_a_wall_clock_that_is_set_back_makes_no_negative_duration(
    light: Light, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times are of the monotonic clock, anchored once for each operation."""
    span = light.tracer.start_span("page")
    child = light.tracer.start_span("part", context=trace.set_span_in_context(span))
    monkeypatch.setattr(Clock, "wall_ns", staticmethod(lambda: 0))
    child.end()
    span.end()

    page, part = light.exported()
    for seen in (page, part):
        assert seen.start_time is not None
        assert seen.end_time is not None
        assert 0 <= seen.end_time - seen.start_time < LATE_S * 10**9


def test_given_times_are_kept(light: Light) -> None:
    """Start and end in nanoseconds since the epoch come back as they were."""
    light.tracer.start_span("page", start_time=1_000).end(3_500)

    (page,) = light.exported()
    assert (page.start_time, page.end_time) == (1_000, 3_500)


class Seen(SpanProcessor):
    """Another processor, which writes at the start and remembers what ended."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, dict[str, Any]]] = []

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        span.set_attribute("baggage", "x")

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.append((span.name, dict(span.attributes or {})))


def test_other_processors_see_every_span_once(light: Light) -> None:
    """They may write when it starts, and get it when it has ended; what they write is exported."""
    other = Seen()
    light.provider.add_span_processor(other)
    with light.tracer.start_as_current_span("page"):
        light.tracer.start_span("part").end()

    assert other.ended == [("part", {"baggage": "x"}), ("page", {"baggage": "x"})]
    assert [(span.attributes or {}).get("baggage") for span in light.exported()] == ["x", "x"]


@pytest.mark.parametrize(("light", "expected"), [(ALL, ["page"]), (NONE, [])], ids=["all", "none"], indirect=["light"])
def test_stock_exporters_beside_us_follow_the_coin(light: Light, expected: list[str]) -> None:
    """The SDK's own processors export what carries the sampled flag."""
    beside = InMemorySpanExporter()
    light.provider.add_span_processor(SimpleSpanProcessor(beside))
    light.tracer.start_span("page").end()

    assert [span.name for span in beside.get_finished_spans()] == expected


@pytest.mark.parametrize("light", [SLOW], indirect=True)
def test_a_kept_root_takes_its_late_child_along(light: Light) -> None:
    """A child that ends after its root is exported if the root was, and only then."""
    kept, dropped = light.tracer.start_span("slow page"), light.tracer.start_span("page")
    late = [
        light.tracer.start_span(name, context=trace.set_span_in_context(root))
        for name, root in (("of the slow", kept), ("of the fast", dropped))
    ]
    slow(kept)
    dropped.end()
    for child in late:
        child.end()

    assert light.names() == ["of the slow", "slow page"]


@pytest.mark.parametrize("light", [SLOW], indirect=True)
@pytest.mark.parametrize("only_ids", [False, True], ids=["span", "ids"])
def test_what_begins_after_the_end_follows_the_decision(light: Light, only_ids: bool) -> None:
    """An operation below an ended one is kept with it, with its weight, also where only the ids were handed on."""
    kept, dropped = light.tracer.start_span("slow page"), light.tracer.start_span("page")
    slow(kept)
    dropped.end()
    for root in (kept, dropped):
        parent = NonRecordingSpan(root.get_span_context()) if only_ids else root
        light.tracer.start_span("afterwards", context=trace.set_span_in_context(parent)).end()

    found = [span for span in light.exported() if span.name == "afterwards"]
    assert [(span.attributes or {})["verein.keep_reason"] for span in found] == ["parent"]
    assert found[0].context is not None
    assert found[0].context.trace_id == kept.get_span_context().trace_id
    assert found[0].context.trace_state.get("ot") == "th:0"


@pytest.mark.parametrize("light", [NONE], indirect=True)
def test_a_remote_parent_is_followed(light: Light) -> None:
    """The caller's flag decides, and its trace goes on."""
    callers = [SpanContext(trace_id, 7, True, TraceFlags(flag)) for trace_id, flag in ((1, 0), (2, 1), (3, 3))]
    for caller in callers:
        with light.tracer.start_as_current_span("page", trace.set_span_in_context(NonRecordingSpan(caller))) as span:
            assert span.get_span_context().trace_flags & 2 == caller.trace_flags & 2

    found = light.exported()
    assert [(span.context.trace_id, span.parent.span_id) for span in found if span.context and span.parent] == [
        (2, 7),
        (3, 7),
    ]


@pytest.mark.parametrize("light", [SLOW], indirect=True)
@pytest.mark.parametrize("flag", [0, 1], ids=["unsampled", "sampled"])
def test_a_breach_is_kept_whatever_the_caller_decided(light: Light, flag: int) -> None:
    """No client can switch recording off: the slow request is there, below the caller, and stands for itself."""
    state = TraceState([("ot", "th:8")])
    caller = SpanContext((1 << 56) - 1, 7, True, TraceFlags(flag), state)
    slow(light.tracer.start_span("slow page", trace.set_span_in_context(NonRecordingSpan(caller))))

    (page,) = light.exported()
    assert page.context is not None
    assert page.parent is not None
    assert (page.context.trace_id, page.parent.span_id) == (caller.trace_id, 7)
    assert (page.attributes or {})["verein.keep_reason"] == "breach"
    assert (page.context.trace_flags & 1, page.context.trace_state.get("ot")) == (1, "th:0")


@pytest.mark.parametrize(
    "light", [Config(sampling=Sampling(ratio=1.0), limits=Limits(spans_per_operation=2))], indirect=True
)
def test_spans_whose_parent_was_left_out_hang_under_the_next_one(light: Light) -> None:
    """Past the cap spans are dropped, and counted; what was below them is below their nearest exported ancestor."""
    with light.tracer.start_as_current_span("page") as page:
        with light.tracer.start_as_current_span("outer"), light.tracer.start_as_current_span("inner"):
            for name in ("first", "second"):
                light.tracer.start_span(name).end()
        failed = light.tracer.start_span("failed")
        failed.set_status(StatusCode.ERROR)
        failed.end()

    found = {span.name: span for span in light.exported()}
    assert sorted(found) == ["failed", "first", "page", "second"]
    assert {span.parent.span_id for span in found.values() if span.parent} == {page.get_span_context().span_id}
    assert (found["page"].attributes or {})["verein.spans.dropped"] == 2


def test_the_same_scope_has_one_tracer(light: Light) -> None:
    """Tracers are made once for each library and version."""
    again, other = light.provider.get_tracer("test", "1"), light.provider.get_tracer("test", "2")

    assert (again is light.tracer, other is light.tracer) == (True, False)


def test_where_the_sdk_is_disabled_nothing_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_SDK_DISABLED holds for our provider, too."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")

    assert not Light().tracer.start_span("page").is_recording()
