"""The public functions for hand-written code: operations, parts, entity, items, and repeats that are meant."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

import otel_verein
from otel_verein import entity, handwritten, ignore, items, measure, operation
from otel_verein.config import Config
from otel_verein.config.schema import Privacy, Sampling
from otel_verein.instrumentation.drivers.dbapi import LedgerTracer, current_span
from otel_verein.instrumentation.drivers.table import DRIVERS
from tests.integration.harness import Watched

QUERY = "select name from author where id = ?"


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Watched]:
    """Operations of the public functions end in memory; a parameter is the configuration."""
    watched = Watched(getattr(request, "param", None))
    monkeypatch.setattr(handwritten, "_tracer", lambda: watched.tracer)
    yield watched
    watched.shutdown()


def query(number: int = 0) -> None:
    """Book one finished query where we are."""
    tracer = LedgerTracer(next(driver for driver in DRIVERS if driver.name == "sqlite3"))
    tracer.book(current_span(), QUERY, 0, 50, parameters=(number,))


def attributes(root: ReadableSpan) -> dict[str, Any]:
    """The attributes of *root*."""
    return dict(root.attributes or {})


def named(watched: Watched) -> dict[str, int]:
    """Query count by operation."""
    return {root.name: attributes(root)["verein.db.query_count"] for root in watched.roots()}


def test_public_names_are_a_list() -> None:
    """Each public name can be had from the package, and nothing else is promised."""
    promised = ["operation", "measure", "entity", "items", "keep", "ignore", "VereinSpanProcessor", "__version__"]

    assert promised == otel_verein.__all__
    assert all(hasattr(otel_verein, name) for name in promised)


def test_an_operation_is_a_root_linked_to_where_it_was_opened(watched: Watched) -> None:
    """Inside a request a new operation has its own trace and count, and a link back."""
    with watched.tracer.start_as_current_span("GET /") as request:
        query()
        with operation("export", kind="consumer"):
            query()
            query()
        query()

    assert {"GET /": 2, "export": 2} == named(watched)
    (export,) = [root for root in watched.roots() if root.name == "export"]
    assert [request.get_span_context().span_id] == [link.context.span_id for link in export.links]
    assert export.kind is trace.SpanKind.CONSUMER


def test_an_exception_fails_the_operation_and_passes(watched: Watched) -> None:
    """The exception reaches the caller as it was; the operation reads failed."""
    error = ValueError("no such member")

    with pytest.raises(ValueError) as raised, operation("import"):
        raise error

    assert raised.value is error
    (root,) = watched.roots()
    assert root.status.status_code is StatusCode.ERROR
    assert attributes(root)["verein.breach"] == ("error",)


def test_as_a_decorator_it_is_named_by_the_function(watched: Watched) -> None:
    """Each call is one operation; name, signature and result stay."""

    @operation()
    def nightly(number: int) -> int:
        """Import."""
        query()
        return number + 1

    results = [nightly(1), nightly(number=2)]

    assert [2, 3] == results
    assert ("nightly", "Import.") == (nightly.__name__, nightly.__doc__)
    assert [1, 1] == [attributes(root)["verein.db.query_count"] for root in watched.roots()]


def test_coroutines_keep_their_own_counts(watched: Watched) -> None:
    """Twenty at once: each operation has the queries of its own coroutine, over awaits."""

    @operation("job")
    async def job(number: int) -> None:
        for _ in range(number):
            query()
            await asyncio.sleep(0)

    async def all_of_them() -> None:
        await asyncio.gather(*(job(number) for number in range(20)))

    asyncio.run(all_of_them())

    assert list(range(20)) == sorted(attributes(root)["verein.db.query_count"] for root in watched.roots())


def test_a_generator_is_one_operation_and_leaks_nothing(watched: Watched) -> None:
    """Its queries are its own, not its consumer's, and between its items the context is the consumer's."""

    @operation("stream")
    def stream() -> Iterator[int]:
        for number in range(3):
            query()
            yield number

    with watched.tracer.start_as_current_span("consumer") as consumer:
        for _ in stream():
            query()
            assert trace.get_current_span() is consumer

    assert {"stream": 3, "consumer": 3} == named(watched)


def test_a_generator_takes_what_is_sent_and_thrown(watched: Watched) -> None:
    """It is the generator that it was: send, throw, close and return value work."""

    @operation("talk")
    def talk() -> Any:
        got = yield 1
        try:
            yield got
        except KeyError as thrown:
            yield repr(thrown)
        return "done"

    talking = talk()
    said = [next(talking), talking.send("hello"), talking.throw(KeyError("x"))]
    with pytest.raises(StopIteration) as end:
        next(talking)

    assert [1, "hello", "KeyError('x')"] == said
    assert end.value.value == "done"
    assert {"talk": 0} == named(watched)


def test_an_async_generator_closed_in_another_task_is_silent(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """One item taken here, closed there: one operation, no error, nothing logged."""

    @operation("rows")
    async def rows() -> AsyncIterator[int]:
        query()
        yield 1
        yield 2

    async def open_and_close() -> None:
        stream = rows()
        await asyncio.create_task(stream.__anext__())  # type: ignore[arg-type]
        await asyncio.create_task(stream.aclose())  # type: ignore[attr-defined]

    with caplog.at_level(logging.DEBUG, logger="opentelemetry"):
        asyncio.run(open_and_close())

    assert {"rows": 1} == named(watched)
    assert [] == caplog.records


def test_a_block_left_in_another_context_is_silent(watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """Entered in one context, left in another: the operation ends, nothing is raised or logged."""
    block = operation("across")
    contextvars.copy_context().run(block.__enter__)

    block.__exit__(None, None, None)

    assert {"across": 0} == named(watched)
    assert [] == caplog.records


def test_measure_is_a_part_of_the_operation(watched: Watched) -> None:
    """A measured part is a child span; its queries are the operation's."""
    with operation("import"):
        with measure("read", source="file"):
            query()
        query()

    assert {"import": 2} == named(watched)
    (part,) = [span for span in watched.exporter.get_finished_spans() if span.name == "read"]
    assert attributes(part)["source"] == "file"


KEEP = Config(sampling=Sampling(ratio=1.0), privacy=Privacy(entity_ids="keep"))


@pytest.mark.parametrize(
    ("watched", "id_shown"), [(None, None), (KEEP, "42")], ids=["dropped", "kept"], indirect=["watched"]
)
def test_entity_and_items_are_facts_of_the_operation(watched: Watched, id_shown: str | None) -> None:
    """Type and items stand on the root; the id only where the configuration lets it leave."""
    with operation("invoice run"):
        entity("member", 42)
        with measure("write"):
            items(100)
            items(20)

    (root,) = watched.roots()
    found = attributes(root)
    assert ("member", id_shown, 120) == (
        found["verein.entity.type"],
        found.get("verein.entity.id"),
        found["verein.items"],
    )


def test_outside_any_operation_nothing_happens(watched: Watched) -> None:
    """Facts without an operation are nobody's, and no error."""
    entity("member", 1)
    items(3)

    assert [] == watched.roots()


def test_ignored_repeats_are_no_finding_and_still_count(watched: Watched) -> None:
    """Twenty repeats under a reason: counted, not found, and no breach."""
    with operation("poll"), ignore("one query per branch is meant"):
        for number in range(20):
            query(number)

    (root,) = watched.roots()
    assert (20, ()) == (attributes(root)["verein.db.query_count"], root.events)
    assert "verein.breach" not in attributes(root)


def test_the_same_repeats_without_a_reason_are_a_finding(watched: Watched) -> None:
    """Twin: outside the block, and in a block that gives no reason, they are found."""
    with operation("poll"):
        for number in range(20):
            query(number)
    with operation("poll"), ignore(" "):
        for number in range(20):
            query(number)

    assert [1, 1] == [len(root.events) for root in watched.roots()]


def test_ignoring_is_nested_and_follows_the_context(watched: Watched) -> None:
    """It holds in the block's own parts and threads, ends with it, and leaves the span what it was."""
    with operation("poll") as root:
        with ignore("meant"):
            assert trace.get_current_span().get_span_context() == root.get_span_context()
            with measure("part"):
                for number in range(20):
                    query(number)
            context = contextvars.copy_context()
            thread = threading.Thread(target=lambda: [context.run(query, number) for number in range(20)])
            thread.start()
            thread.join()
        for number in range(20):
            query(number)

    (found,) = watched.roots()
    (finding,) = found.events
    assert (60, 20) == (
        attributes(found)["verein.db.query_count"],
        (finding.attributes or {})["verein.finding.repeats"],
    )


def test_without_a_set_up_everything_is_harmless() -> None:
    """With the API's own tracer the blocks run, and decorated functions give their results."""

    @operation()
    @measure()
    @ignore("meant")
    def work() -> int:
        entity("member", 1)
        items(1)
        return 7

    assert work() == 7
