"""Jaeger's answers that are none: each is an error that says what to check. Of a real one: the integration tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from otel_verein.errors import SourceError
from otel_verein.sources.backend import Backend
from otel_verein.sources.base import Ask
from otel_verein.sources.jaeger import Jaeger
from tests.services.http_answers import AnsweringServer, Asked, Reply
from tests.services.traces_drawn import trace

BEGIN = 1_764_072_000_000_000_000
SECOND = 1_000_000_000
WINDOW = Ask(start_ns=BEGIN, end_ns=BEGIN + 3600 * SECOND)
PORT = "the port of its query service (16686), not one that takes spans (4318)"
NOTHING = Reply(b'{"error":{"httpCode":404,"message":"No traces found"}}\n', status=404)
SERVICES = Reply(b'{"services":["shop"]}')


def jaeger(traces: Reply, services: Reply = SERVICES) -> AnsweringServer:
    """A Jaeger that answers so, to each question for traces or for services."""
    return AnsweringServer(lambda asked: services if asked.path == "/api/v3/services" else traces)


def result(*requests: dict[str, Any]) -> bytes:
    """The document in which Jaeger gives traces."""
    spans = [each for request in requests for each in request["resourceSpans"]]
    return json.dumps({"result": {"resourceSpans": spans}}, ensure_ascii=False).encode()


def fault_of(server: AnsweringServer, ask: Callable[[Jaeger], object] = lambda source: source.read(WINDOW)) -> str:
    """The error of a question, with the address as `URL`."""
    with pytest.raises(SourceError) as caught:
        ask(Jaeger(Backend(server.url)))
    return str(caught.value).replace(server.url, "URL")


PAGE = f"""answers with a web page in place of JSON; is there a login in front of it, is a path before `/api` missing \
in the address, and is this {PORT}?"""
WRONG = {
    "page": (Reply(b"<!DOCTYPE html><html>"), PAGE),
    "other-404": (
        Reply(b"404 page not found\n", status=404),
        f"answers 404 (404 page not found); is this {PORT}? And is a path before `/api` missing in the address?",
    ),
    "own-error": (
        Reply(b'{"error":{"httpCode":500,"message":"badger is closed"}}', status=500),
        'answers 500 ({"error":{"httpCode":500,"message":"badger is closed"}}); its own log tells more',
    ),
    "breaks-off": (
        Reply(result(trace(1, BEGIN)) + b'\n{"error":{"grpcCode":13,"message":"storage is gone"}}'),
        "the answer breaks off: storage is gone; its own log tells more",
    ),
    "breaks-off-on-the-line": (
        Reply(result(trace(1, BEGIN)) + b'{"error":{"grpcCode":13,"message":"storage is gone"}}'),
        "the answer breaks off: storage is gone; its own log tells more",
    ),
    "no-result": (Reply(b'{"data":[]}'), f"the answer is not that of Jaeger (no result); is this {PORT}?"),
    "list": (Reply(b"[]"), f"the answer is not that of Jaeger; is this {PORT}?"),
    "no-list-of-spans": (
        Reply(b'{"result":{"resourceSpans":{"a":1}}}'),
        f"the answer is not that of Jaeger (resourceSpans is no list of objects); is this {PORT}?",
    ),
    "no-spans": (
        Reply(b'{"result":{"resourceSpans":[{"scopeSpans":[{"spans":["x"]}]}]}}'),
        f"the answer is not that of Jaeger (spans is no list of objects); is this {PORT}?",
    ),
    "empty": (Reply(b""), "the answer is not JSON, or not all of it (it is empty)"),
}


@pytest.mark.parametrize(("reply", "message"), WRONG.values(), ids=WRONG.keys())
def test_another_answer_is_an_error(reply: Reply, message: str) -> None:
    """Nothing that is not understood counts as nothing found."""
    with jaeger(reply) as server:
        said = fault_of(server)

        assert f"jaeger:URL: {message}" == said


@pytest.mark.parametrize("cut", [10, 100, -1])
def test_json_that_is_cut_off_is_an_error(cut: int) -> None:
    """The half of it is not taken for the whole."""
    with jaeger(Reply(result(trace(1, BEGIN))[:cut])) as server:
        said = fault_of(server)

        assert said.startswith("jaeger:URL: the answer is not JSON, or not all of it (")


@pytest.mark.parametrize("services", [Reply(b'{"services":{"a":1}}'), Reply(b'{"services":[1]}')])
def test_services_of_another_form_are_an_error(services: Reply) -> None:
    """Without them it is not known what to ask for."""
    with jaeger(NOTHING, services) as server:
        said = fault_of(server)

        assert f"jaeger:URL: the answer is not that of Jaeger (services); is this {PORT}?" == said


def test_services_that_are_not_there_are_an_error() -> None:
    """A 404 for them is no Jaeger without services."""
    with jaeger(NOTHING, NOTHING) as server:
        said = fault_of(server)

        assert said.startswith("jaeger:URL: answers 404 (")


def test_nothing_found_is_no_error() -> None:
    """The silent twin: Jaeger says by 404 that it has no such traces."""
    with jaeger(NOTHING) as server:
        source = Jaeger(Backend(server.url))
        tables = source.read(WINDOW)

        assert ((), None, ()) == (tables.histograms, tables.window, tables.notes)
        assert () == source.trace(f"{1:032x}")
        assert source.state() is None


def test_several_documents_are_one_answer() -> None:
    """As a gateway streams them, one a line."""
    body = result(trace(1, BEGIN)) + b"\n" + result(trace(2, BEGIN + SECOND)) + b"\n"
    with jaeger(Reply(body)) as server:
        roots = Jaeger(Backend(server.url)).roots(WINDOW)

        assert [1, 2] == sorted(int(each.trace_id, 16) for each in roots.rows)


def test_a_trace_through_two_services_counts_once() -> None:
    """Each of its services is asked for, and each answer has all of it."""
    two = trace(1, BEGIN)
    two["resourceSpans"] += trace(1, BEGIN, service="stock")["resourceSpans"]
    for span in two["resourceSpans"][1]["scopeSpans"][0]["spans"]:
        span["spanId"] = "ff" + span["spanId"][2:]
    with jaeger(Reply(result(two)), Reply(b'{"services":["shop","stock"]}')) as server:
        roots = Jaeger(Backend(server.url)).roots(WINDOW)

        asked = sorted(each.query["query.service_name"] for each in server.asked if each.query)
        assert sorted(each.service for each in roots.rows) == ["shop", "stock"]
        assert {"shop", "stock"} == set(asked)


def test_lists_that_became_texts_are_lists_again() -> None:
    """As badger gives them; other attributes that look like lists stay texts."""
    failed = trace(1, BEGIN, failed=True)
    span = failed["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    for attribute in span["attributes"]:
        if "arrayValue" in attribute["value"]:
            attribute["value"] = {"stringValue": '["error"]'}
    span["attributes"].append({"key": "own", "value": {"stringValue": '["error"]'}})
    with jaeger(Reply(result(failed))) as server:
        source = Jaeger(Backend(server.url))
        (root,) = source.roots(WINDOW).rows

        assert (("error",), '["error"]') == (root.breaches, root.attributes["own"])


def test_an_answer_that_is_too_large_is_asked_for_in_smaller_parts() -> None:
    """Fewer traces at a time, and all of them in the end."""
    held = {each: trace(each, BEGIN + each * SECOND) for each in range(1, 41)}

    def answers(asked: Asked) -> Reply:
        if asked.path == "/api/v3/services":
            return SERVICES
        first, last = (asked.query[f"query.start_time_{name}"] for name in ("min", "max"))
        found = [each for number, each in held.items() if first <= f"2025-11-25T12:00:{number:02d}.000000000Z" <= last]
        found = found[-int(asked.query["query.num_traces"]) :]
        return Reply(result(*found)) if found else NOTHING

    with AnsweringServer(answers) as server:
        source = Jaeger(Backend(server.url))
        source._http.most_bytes = len(result(*list(held.values())[:9]))
        roots = source.roots(WINDOW)

        assert list(range(1, 41)) == sorted(int(each.trace_id, 16) for each in roots.rows)
        assert () == roots.notes


@pytest.mark.parametrize("package", ["duckdb", "pyarrow", "msgspec"])
@pytest.mark.parametrize("kind", ["jaeger", "tempo"])
def test_a_package_that_is_missing_is_named(kind: str, package: str) -> None:
    """Before anything is asked, and by the extra that brings it."""
    program = f"""
import sys
sys.modules[{package!r}] = None
from otel_verein.api.places import source_of
from otel_verein.config.schema import Config
from otel_verein.errors import MissingExtraError
try:
    source_of(Config(), "{kind}:http://127.0.0.1:9")
except MissingExtraError as missing:
    print(missing)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert f"reading from {kind.capitalize()}" in done.stdout
    assert package in done.stdout


def test_a_single_trace_that_is_too_large_is_an_error() -> None:
    """There is no smaller part to ask for."""
    with jaeger(Reply(result(trace(1, BEGIN)))) as server:
        source = Jaeger(Backend(server.url))
        source._http.most_bytes = 1000
        with pytest.raises(SourceError) as caught:
            source.read(replace(WINDOW, service="shop"))

        assert f"jaeger:{server.url}: an answer has more than 0.001 MB; ask for a shorter time" == str(caught.value)
