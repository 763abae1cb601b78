"""Tempo, by a server that answers as its documentation says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from otel_verein import semconv
from otel_verein.errors import SourceError
from otel_verein.sources.backend import Backend
from otel_verein.sources.base import Ask
from otel_verein.sources.messages import Messages
from otel_verein.sources.tempo import Tempo
from tests.services.http_answers import AnsweringServer, Reply
from tests.services.same_answers import figures, ordered
from tests.services.tempo_contract import TempoContract
from tests.services.traces_drawn import n_plus_one, trace

BEGIN = 1_764_072_000_000_000_000
SECOND = 1_000_000_000
WINDOW = Ask(start_ns=BEGIN, end_ns=BEGIN + 3600 * SECOND)
PORT = "the port of its HTTP API (3200), not one that takes spans (4318)"


def requests(number: int = 30, **more: Any) -> list[dict[str, Any]]:
    """Traces one second after the other, the first of which has the number 1."""
    return [trace(each, BEGIN + each * SECOND, **more) for each in range(1, number + 1)]


def messages(of: list[dict[str, Any]]) -> Messages:
    """The same traces as files have them."""
    return Messages([json.dumps(each).encode() for each in of], "files")


def served(reply: Mapping[str, Any] | bytes, path: str = "/api/search") -> AnsweringServer:
    """A server with this answer at *path*; what it has of the other is well."""
    good = {"traces": [{"traceID": "1", "startTimeUnixNano": str(BEGIN)}], "metrics": {"inspectedTraces": 1}}
    body = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
    return AnsweringServer(lambda asked: Reply(body if asked.path.startswith(path) else json.dumps(good).encode()))


@pytest.mark.parametrize("versions", [(1,), (2,), (1, 2)], ids=["v1", "v2", "both"])
def test_what_it_gives_is_what_files_would(versions: tuple[int, ...]) -> None:
    """Ids in base64, enums as names and another name of the list make no difference, in any version of the API."""
    held = requests(finding=n_plus_one(BEGIN, 12), failed=True, threshold="8")
    with TempoContract(held, versions=versions) as server:
        source = Tempo(Backend(server.url))

        assert figures(messages(held).read(WINDOW)) == figures(source.read(WINDOW))
        assert ordered(messages(held).statements(WINDOW).rows) == ordered(source.statements(WINDOW).rows)
        assert messages(held).roots(WINDOW).rows == source.roots(WINDOW).rows


def test_counts_are_by_weight() -> None:
    """A trace with a threshold of one half stands for two."""
    with TempoContract(requests(threshold="8")) as server:
        tables = Tempo(Backend(server.url)).read(WINDOW)

        (durations,) = [each for each in tables.histograms if each.metric == semconv.METRIC_DURATION]
        assert (60, 30, True) == (durations.count, durations.samples, durations.estimated)


def test_of_more_traces_than_may_be_fetched_the_newest_count() -> None:
    """It is said how many, and since when; nothing older is in the figures."""
    with TempoContract(requests(30)) as server:
        source = Tempo(Backend(server.url, traces=10))
        roots = source.roots(WINDOW)

        numbers = sorted(int(each.trace_id, 16) for each in roots.rows)
        assert list(range(31 - len(numbers), 31)) == numbers
        assert 8 <= len(numbers) <= 10
        first = 31 - len(numbers)
        (note,) = roots.notes
        assert note.startswith(
            f"tempo:{server.url}: there are more traces than 10; figures are of the newest {len(numbers)}"
        )
        assert f"since 2025-11-25 12:00:{first:02d}Z; a higher source.traces fetches more" in note


def test_a_service_is_asked_for_by_its_name() -> None:
    """Whatever signs are in it, and without traces of others."""
    name = 'sh"o\\p ü'
    held = [*requests(3), trace(77, BEGIN + 9 * SECOND, service=name)]
    with TempoContract(held) as server:
        roots = Tempo(Backend(server.url)).roots(replace(WINDOW, service=name))

        assert [(f"{77:032x}", name)] == [(each.trace_id, each.service) for each in roots.rows]


def test_the_window_is_exact() -> None:
    """The search knows seconds only; what began before or at the end of the window is left out."""
    held = requests(5)
    with TempoContract(held) as server:
        ask = Ask(start_ns=BEGIN + 2 * SECOND, end_ns=BEGIN + 4 * SECOND)
        exact = Tempo(Backend(server.url)).roots(ask)
        later = Tempo(Backend(server.url)).roots(replace(ask, start_ns=ask.start_ns + 1, end_ns=ask.end_ns + 1))

        assert [2, 3] == sorted(int(each.trace_id, 16) for each in exact.rows)
        assert [3, 4] == sorted(int(each.trace_id, 16) for each in later.rows)


def test_a_trace_by_its_id() -> None:
    """All of its spans, the earliest first; none of one that is not there."""
    with TempoContract(requests(3)) as server:
        source = Tempo(Backend(server.url))
        spans = source.trace(f"{2:032X}")

        assert ["GET /größe", "SELECT author", "SELECT author"] == [each.name for each in spans]
        assert () == source.trace(f"{99:032x}")


def test_what_is_no_trace_id_is_an_error() -> None:
    """Before anything is asked."""
    with TempoContract([]) as server:
        with pytest.raises(SourceError) as caught:
            Tempo(Backend(server.url)).trace("../../x")

        assert "'../../x' is no trace id: it has 32 hexadecimal digits" == str(caught.value)
        assert [] == server.asked


def test_a_trace_that_comes_in_part_is_told_of() -> None:
    """In figures by a note; a single trace that is asked for is an error."""
    partial = {f"{2:032x}": "trace exceeds max size"}
    with TempoContract(requests(3), partial=partial) as server:
        source = Tempo(Backend(server.url))
        roots = source.roots(WINDOW)
        with pytest.raises(SourceError) as caught:
            source.trace(f"{2:032x}")

        assert (
            f"tempo:{server.url}: 1 traces came in part only (trace exceeds max size); what they lack is not counted",
        ) == roots.notes
        assert str(caught.value) == (
            f"tempo:{server.url}: trace {2:032x} comes in part only (trace exceeds max size); the limit is "
            "max_bytes_per_trace of its configuration"
        )


@pytest.mark.parametrize(
    "missing",
    [
        pytest.param(Reply(b"trace not found", status=404), id="404"),
        pytest.param(Reply(b'{"trace":{},"metrics":{}}'), id="empty"),
        pytest.param(Reply(b'{"metrics":{"inspectedBytes":"3"}}'), id="none"),
        pytest.param(Reply(b'{"trace":null,"message":"trace not found"}'), id="null"),
    ],
)
def test_traces_that_are_gone_are_told_of(missing: Reply) -> None:
    """Found by the search, and not there any more; how Tempo says so differs between its versions."""
    with TempoContract(requests(3), gone={f"{2:032x}"}, missing=missing) as server:
        roots = Tempo(Backend(server.url)).roots(WINDOW)

        assert 2 == len(roots.rows)
        assert (
            f"tempo:{server.url}: 1 of the traces that were found are gone by now; they are not counted",
        ) == roots.notes


def test_a_search_that_did_not_get_through_is_told_of() -> None:
    """Each note once, however many searches there were."""
    with TempoContract(requests(3), jobs=(2, 3)) as server:
        roots = Tempo(Backend(server.url)).roots(WINDOW)

        assert (
            f"tempo:{server.url}: a search got through 2 of 3 parts of the data; traces of the rest are missing",
        ) == roots.notes


def test_a_whole_answer_has_no_notes() -> None:
    """The silent twin of the notes above."""
    with TempoContract(requests(3)) as server:
        roots = Tempo(Backend(server.url)).roots(WINDOW)

        assert () == roots.notes


def test_without_a_beginning_it_says_how_far_it_looked_back() -> None:
    """It asks in stretches, since nobody keeps all there ever was."""
    with TempoContract(requests(3)) as server:
        roots = Tempo(Backend(server.url)).roots(Ask(end_ns=BEGIN + 3600 * SECOND))

        assert 3 == len(roots.rows)
        assert (
            f"tempo:{server.url}: looked back 366 days; what is older has to be asked for by its time",
        ) == roots.notes


def test_a_limit_of_its_own_is_found_out() -> None:
    """It gives no more than it is configured to, without a word; all traces are found nevertheless."""
    with TempoContract(requests(200), most=25) as server:
        roots = Tempo(Backend(server.url)).roots(WINDOW)

        assert (200, ()) == (roots.kept, roots.notes)


def test_a_tenant_is_shown() -> None:
    """One that has none is refused, which the error explains."""
    with TempoContract(requests(3), tenant="one") as server:
        roots = Tempo(Backend(server.url, tenant="one")).roots(WINDOW)
        with pytest.raises(SourceError) as caught:
            Tempo(Backend(server.url)).roots(WINDOW)

        assert 3 == len(roots.rows)
        assert str(caught.value) == (
            f"tempo:{server.url}: answers 401 (no org id); check source.token_file, or source.user and "
            "source.password_file, and source.tenant"
        )


OTHER = "the answer is not that of Tempo"
PAGE = (
    "answers with a web page in place of JSON; is there a login in front of it, is a path before `/api` missing in the "
)


@pytest.mark.parametrize(
    ("reply", "path", "message"),
    [
        pytest.param(b"<!doctype html>", "/api/search", f"{PAGE}address, and is this {PORT}?", id="page"),
        pytest.param(b"<!doctype html>", "/api/v2", f"{PAGE}address, and is this {PORT}?", id="page-of-trace"),
        pytest.param([], "/api/search", f"{OTHER}; is this {PORT}?", id="list"),
        pytest.param(
            {"data": []}, "/api/search", f"{OTHER} (neither traces nor metrics); is this {PORT}?",
            id="other-api",
        ),
        pytest.param(
            {"traces": {"a": 1}}, "/api/search", f"{OTHER} (traces); is this {PORT}?", id="traces"
        ),
        pytest.param(
            {"x": 1}, "/api/v2", f"{OTHER} (neither trace nor batches); is this {PORT}?",
            id="other-trace",
        ),
        pytest.param(
            {"trace": {"resourceSpans": [1]}}, "/api/v2",
            f"{OTHER} (resourceSpans is no list of objects); is this {PORT}?", id="spans",
        ),
    ],
)  # fmt: skip
def test_another_answer_is_an_error(reply: Any, path: str, message: str) -> None:
    """Nothing that is not understood counts as nothing found."""
    with served(reply, path) as server:
        with pytest.raises(SourceError) as caught:
            Tempo(Backend(server.url)).read(WINDOW)

        assert f"tempo:{server.url}: {message}" == str(caught.value)


def test_json_that_is_cut_off_is_an_error() -> None:
    """The half of it is not taken for the whole."""
    with served(b'{"traces": [{"traceID": "1"}') as server:
        with pytest.raises(SourceError) as caught:
            Tempo(Backend(server.url)).read(WINDOW)

        assert str(caught.value).startswith(f"tempo:{server.url}: the answer is not JSON, or not all of it (")
