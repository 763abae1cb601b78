"""ClickHouse as a source, in its own engine over HTTP: what it refuses, what came twice, and both kinds of points."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_verein import semconv
from otel_verein.errors import SourceError
from otel_verein.sources.backend import Backend
from otel_verein.sources.base import ALL, Ask, Tables
from otel_verein.sources.clickhouse import ClickHouse
from otel_verein.sources.clickhouse_client import Client
from otel_verein.sources.otlp_files import OtlpFiles
from otel_verein.sources.sql.dialect import CLICKHOUSE, Query, named
from tests.contracts.sources_world import unlike
from tests.services.clickhouse_exported import DATABASE, exported
from tests.services.clickhouse_http import Access, ClickHouseHttp
from tests.services.http_answers import AnsweringServer, Drip, Reply
from tests.services.store_load import Load, Traffic

TRAFFIC = Traffic(operations=120, seconds=300, services=2, interval_s=60)
SECRET = "correct horse"
MINUTE_NS = 60 * 10**9


@pytest.fixture(scope="module")
def empty() -> Iterator[ClickHouseHttp]:
    """A server without a table of ours."""
    with ClickHouseHttp() as server:
        yield server


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Telemetry as a collector hands it on: points that count from the start of their process."""
    place = tmp_path_factory.mktemp("collected")
    Load(TRAFFIC).write_collector(place)
    return place


@pytest.fixture(scope="module")
def filled(written: Path) -> Iterator[ClickHouseHttp]:
    """The same in a server, every request twice, as after an answer that was lost."""
    with ClickHouseHttp() as server:
        exported(server, written, copies=2)
        yield server


def source(server: ClickHouseHttp, database: str = DATABASE, **more: str) -> ClickHouse:
    """The source under test."""
    return ClickHouse(Backend(f"{server.url}/{database}", **more))  # type: ignore[arg-type]


def refused(asked: ClickHouse) -> str:
    """What it says when it cannot be read, without its address."""
    with pytest.raises(SourceError) as caught:
        asked.read()
    return str(caught.value).removeprefix(f"{asked.name}: ")


def counts(tables: Tables) -> Counter[tuple[str, str]]:
    """Operations by service and name."""
    found: Counter[tuple[str, str]] = Counter()
    for row in tables.histograms:
        if row.metric == semconv.METRIC_DURATION:
            found[row.service, row.operation] += row.count
    return found


def test_what_came_twice_counts_once(filled: ClickHouseHttp, written: Path):
    """Points as spans; cumulative points are the same counts, buckets and extremes as files have."""
    found, wanted = source(filled).read(), OtlpFiles(written).read()

    assert [] == unlike(found.histograms, wanted.histograms)
    assert [] == unlike(found.counters, wanted.counters)
    assert [] == unlike(found.findings, wanted.findings)
    assert wanted.window == found.window


def test_cumulative_points_of_a_window_are_what_came_in_it(filled: ClickHouseHttp, written: Path):
    """What a process counted before the window is not in it; two windows are the whole."""
    middle = TRAFFIC.begin_ns + 2 * MINUTE_NS
    parts = (Ask(end_ns=middle), Ask(start_ns=middle))

    found = [counts(source(filled).read(part)) for part in parts]

    assert [counts(OtlpFiles(written).read(part)) for part in parts] == found
    assert counts(source(filled).read()) == found[0] + found[1]
    assert all(found)


def test_nothing_is_changed_and_no_question_is_without_end(filled: ClickHouseHttp):
    """Each is sent as one that only reads, with the time and the rows that it may take."""
    before = len(filled.seen.settings)
    source(filled, timeout_s=7).entities()  # type: ignore[arg-type]

    assert {("2", "7", "1000000", "throw")} == {
        tuple(said[name] for name in ("readonly", "max_execution_time", "max_result_rows", "result_overflow_mode"))
        for said in filled.seen.settings[before:]
        if "readonly" in said
    }


@pytest.fixture(scope="module")
def names(filled: ClickHouseHttp) -> list[str]:
    """The operations that there are."""
    return sorted({operation for _, operation in counts(source(filled).read())})


@pytest.mark.parametrize(
    "glob", ["GET /", "GET *", "*basket*", "[!G]*", "GET /[bs]*", "GET /books/{slug}", "get /", "*[0-9]*", "", "GET ?"]
)
def test_a_glob_means_the_same_as_everywhere(filled: ClickHouseHttp, names: list[str], glob: str):
    """The engine picks the names that the contract of sources would."""
    client = Client(Backend(f"{filled.url}/{DATABASE}"))
    condition = named(CLICKHOUSE, Ask(operation=glob))
    listed = ", ".join(f"'{name}'" for name in names)

    picked = client.rows(
        Query(
            f"SELECT operation FROM (SELECT arrayJoin([{listed}]) AS operation) WHERE {condition.text}",
            condition.values,
        )
    )

    assert [name for name in names if Ask(operation=glob).matches(name)] == sorted(name for [name] in picked)


def test_a_database_without_tables_is_no_empty_answer(empty: ClickHouseHttp):
    """It may be the wrong one."""
    assert (
        "there is no table of spans, such as otel_traces; check the database in the address, that a collector writes "
        "to it, and that the user may read it"
    ) == refused(source(empty, "default"))


def test_a_database_that_is_not_there_is_named(empty: ClickHouseHttp):
    """With the address that would name another."""
    assert (
        "it says: Database nowhere does not exist. (UNKNOWN_DATABASE); check the database in the address, such as "
        "clickhouse:http://localhost:8123/otel"
    ) == refused(source(empty, "nowhere"))


def test_a_wrong_password_is_refused_and_never_told():
    """It says which options to look at."""
    with ClickHouseHttp(Access("reader", SECRET)) as server:
        said = refused(source(server, user="reader", password="wrong horse"))

    assert (
        "it says: reader: Authentication failed: password is incorrect, or there is no user with such name. "
        "(AUTHENTICATION_FAILED); check source.user and source.password_file"
    ) == said


def test_the_right_password_lets_in(written: Path):
    """As the exporter's own does."""
    with ClickHouseHttp(Access("writer", SECRET)) as server:
        exported(server, written, metrics=False)

        assert source(server, user="writer", password=SECRET).roots().kept


def test_a_grant_that_is_missing_is_named(filled: ClickHouseHttp):
    """The answer does without no table that is there."""
    filled.access.forbidden = "otel_traces_long"
    try:
        said = refused(source(filled))
    finally:
        filled.access.forbidden = None

    assert said.endswith("check the grants of the user: SELECT on the tables otel_traces* and otel_metrics_*")


def test_a_tier_that_cannot_be_seen_is_noted(filled: ClickHouseHttp):
    """Its operations are missing, which nothing else tells."""
    filled.engine.run("RENAME TABLE otel.otel_traces_medium TO otel.aside")
    try:
        notes = source(filled).entities().notes
    finally:
        filled.engine.run("RENAME TABLE otel.aside TO otel.otel_traces_medium")

    place = f"clickhouse:{filled.url}/{DATABASE}"
    assert (f"{place}: otel_traces_medium cannot be read, or is not there; what it holds is missing",) == notes


def test_an_answer_that_takes_too_long_is_none(filled: ClickHouseHttp):
    """The server is told to give up; the message says what helps."""
    client = Client(Backend(f"{filled.url}/{DATABASE}", timeout_s=1))
    with pytest.raises(SourceError) as caught:
        client.rows(Query("SELECT count() FROM numbers(100000000000) WHERE number % 7 = 8"))

    assert str(caught.value).startswith(f"{client.name}: ")
    assert "source.timeout_s" in str(caught.value)


def test_a_server_that_drips_is_given_up():
    """Each byte comes in time, the whole never."""
    with AnsweringServer(lambda _: Drip()) as server:
        said = refused(ClickHouse(Backend(server.url, timeout_s=1)))

    assert "no whole answer within 1 s; ask for less, or raise source.timeout_s" == said


@pytest.mark.parametrize(
    "body",
    [b"<html>Please log in</html>", b"{}", b"", b"\x00\xff" * 40, b"26.5.1.1\tUTC\n"],
    ids=["page", "json", "empty", "bytes", "cut"],
)
def test_nonsense_is_no_answer(body: bytes):
    """A login page, another service, an answer that was cut."""
    with AnsweringServer(lambda _: Reply(body)) as server:
        said = refused(ClickHouse(Backend(server.url)))

    assert said.startswith(
        "gave no whole answer of ClickHouse; check that the address is that of its HTTP port (8123): "
    )


def test_another_place_that_wants_a_login_is_told():
    """Such as a proxy in front of it."""
    with AnsweringServer(lambda _: Reply(b"who are you", status=401)) as server:
        said = refused(ClickHouse(Backend(server.url, token=SECRET)))

    assert "asked for other credentials; check source.user, source.password_file and source.token_file" == said


def test_attributes_as_json_are_refused(empty: ClickHouseHttp):
    """The exporter's other schema has other columns."""
    empty.engine.run("CREATE DATABASE of_json")
    empty.engine.run("CREATE TABLE of_json.otel_traces (SpanAttributes JSON) ENGINE = MergeTree ORDER BY tuple()")

    assert "otel_traces holds attributes as JSON; set `json: false` in the exporter" == refused(
        source(empty, "of_json")
    )


def test_an_answer_that_blames_the_client_is_no_failure(tmp_path: Path):
    """Though its span has the status of one, as some instrumentations have it; as in files."""
    Load(TRAFFIC).write(tmp_path / "failed")
    spans = tmp_path / "blaming" / "spans"
    spans.mkdir(parents=True)
    failures = 0
    for file in (tmp_path / "failed").rglob("spans/*.jsonl"):
        parts = file.read_bytes().split(b'"intValue":"500"')
        failures += len(parts) - 1
        blame = b'"intValue":"404"' if failures == 1 else b'"intValue":"500"'
        (spans / file.name).write_bytes(blame.join(parts))
    files = OtlpFiles(tmp_path / "blaming")
    with ClickHouseHttp() as server:
        exported(server, tmp_path / "blaming", metrics=False)
        asked = source(server)
        found = asked.roots(ALL, 1000, failed=True)
        histograms = asked.read().histograms

    wanted = files.roots(ALL, 1000, failed=True)
    assert 0 < wanted.kept < failures
    assert (wanted.kept, {row.trace_id for row in wanted.rows}) == (found.kept, {row.trace_id for row in found.rows})
    assert [] == unlike(histograms, files.read().histograms)


def test_all_of_time_is_asked_for_without_a_window(filled: ClickHouseHttp):
    """As by those who name none."""
    assert source(filled).read(ALL).window
