"""The answer on findings: all kinds, their bottlenecks and the way out, from one reading."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otel_verein.analysis.advice import advise
from otel_verein.api.findings import findings
from otel_verein.config.schema import Analysis, Config, Health, Thresholds
from otel_verein.sources.base import Ask, Statements, Tables
from otel_verein.sources.rows import FindingRow, Window
from tests.unit.fixed_source import FixedSource, breaches, calls_of, series

CONFIG = Config(
    thresholds=Thresholds(slow_query_s=0.1, queries=50, queries_critical=100),
    health=Health(minimum_operations=30),
    analysis=Analysis(chatty_queries=20, error_share=0.01),
)
REPEATED = FindingRow(
    "shop", "GET /", "n_plus_one", "f1", "/srv/app/views.py", 42, "index", 40, 40, 1000, 25, 960, 4800.0,
    "SELECT author", "SELECT name FROM author WHERE id = ?", "SELECT", "sqlite", (), "aa",
)  # fmt: skip
TABLES = Tables(
    histograms=(
        series("duration", [1.0] * 40),
        series("db.queries", [60.0] * 40),
        series("duration", [0.5] * 30, operation="GET /broken", status="error"),
        series("duration", [0.1] * 30, operation="GET /broken"),
    ),
    counters=(*breaches(queries=40, any=40), *breaches("GET /broken", error=30, any=30)),
    findings=(REPEATED,),
    window=Window(1_764_072_000_000_000_000, 1_764_072_060_000_000_000),
    notes=("one note",),
)
CALLS = Statements(
    rows=(
        calls_of({0.2: 40}, "SELECT a FROM t WHERE b = ?", fingerprint="f2", rows=2.0),
        calls_of({0.3: 40}, "SELECT a FROM t, u", fingerprint="f3"),
    ),
    traces=40,
    notes=("one note", "another"),
)


def answered(source: FixedSource, ask: Ask | None = None) -> dict[str, Any]:
    """The answer after a round trip through JSON."""
    return json.loads(json.dumps(findings(source, CONFIG, ask or Ask()).as_dict(), allow_nan=False))  # type: ignore[no-any-return]


def test_all_kinds_from_one_reading():
    """Repeats from events, statements from kept traces, whole operations from metrics, the most waste first."""
    source = FixedSource(TABLES, CALLS)

    answer = answered(source)

    assert [(each["kind"], each["fingerprint"]) for each in answer["findings"]] == [
        ("errors", ""),
        ("slow_query", "f3"),
        ("n_plus_one", "f1"),
        ("looks_unindexed", "f2"),
        ("chatty", ""),
    ]
    assert [asked for asked, _ in source.asked] == ["read", "statements"]
    assert (answer["operations"], answer["estimated"], answer["traces"]) == (100, False, 40)
    assert answer["notes"] == ["one note", "another"]


def test_bottlenecks_and_priorities():
    """Each operation has its bottlenecks; one critical makes it critical, and so do failures, however fast."""
    answer = answered(FixedSource(TABLES, CALLS))

    assert [(each["operation"], each["kind"], each["severity"]) for each in answer["bottlenecks"]] == [
        ("GET /", "high_query_count", "medium"),
        ("GET /", "slow_queries", "medium"),
        ("GET /", "n_plus_one", "critical"),
        ("GET /", "slow_queries", "medium"),
    ]
    assert [(each["operation"], each["priority"], each["level"]) for each in answer["judgements"]] == [
        ("GET /", "critical", "poor"),
        ("GET /broken", "critical", "excellent"),
    ]


def test_roadmap_has_every_finding_once():
    """In the order of the findings, with sums that end at what all of them save."""
    answer = answered(FixedSource(TABLES, CALLS))

    assert [step["kind"] for step in answer["roadmap"]] == [each["kind"] for each in answer["findings"]]
    saved = [each["saving"]["time_s"] or 0.0 for each in answer["findings"]]
    assert answer["roadmap"][-1]["cumulative_time_s"] == pytest.approx(sum(saved))
    assert answer["roadmap"][2]["share_of_operation"] == pytest.approx(4.8 / 40)


def test_healthy_operations_have_none():
    """Few fast queries and no failure: nothing is found, and the answer says on how many that rests."""
    tables = Tables(histograms=(series("duration", [0.1] * 40), series("db.queries", [4.0] * 40)))

    answer = answered(FixedSource(tables, Statements(rows=(calls_of({0.01: 160}),), traces=40)))

    assert (answer["findings"], answer["bottlenecks"], answer["roadmap"]) == ([], [], [])
    assert (answer["operations"], answer["window"]) == (40, {"start": None, "end": None})


def test_the_name_of_an_operation_limits_the_answer():
    """A glob on the name holds for events and operations; statements are asked for with it."""
    source = FixedSource(TABLES, Statements())
    ask = Ask(operation="*broken", service="shop")

    answer = answered(source, ask)

    assert [each["kind"] for each in answer["findings"]] == ["errors"]
    assert source.asked == [("read", Ask(service="shop")), ("statements", ask)]


def test_every_finding_has_its_advice():
    """What :func:`advise` says of it; for programs as for people."""
    found = findings(FixedSource(TABLES, CALLS), CONFIG)

    told = answered(FixedSource(TABLES, CALLS))["findings"]

    assert [each["advice"] for each in told] == [advise(finding).as_dict() for finding in found.findings]


def test_keys():
    """Every key is there, known or not."""
    answer = answered(FixedSource(TABLES, CALLS))

    assert " ".join(answer) == (
        "schema window operations estimated traces findings bottlenecks judgements roadmap notes"
    )
    for finding in answer["findings"]:
        assert " ".join(finding) == (
            "kind verb service operation summary statement fingerprint db_system operations_seen "
            "repeats_mean repeats_max queries_wasted time_wasted_s severity call_site stack "
            "example_trace_id orm orm_version via basis n call_p50_s call_p95_s why saving advice"
        )
    assert " ".join(answer["bottlenecks"][0]) == ("kind severity service operation value threshold unit n summary")
    assert " ".join(answer["roadmap"][0]) == (
        "rank kind severity service operation summary fingerprint call_site basis time_wasted_s saving "
        "share_of_operation share_of_all cumulative_queries cumulative_time_s cumulative_share"
    )
    assert answer["window"] == {"start": "2025-11-25T12:00:00.000Z", "end": "2025-11-25T12:01:00.000Z"}
