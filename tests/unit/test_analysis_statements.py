"""Statements: which are slow, which look unindexed, and what is told once only."""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from otel_verein.analysis.findings import Finding
from otel_verein.analysis.histogram import spread
from otel_verein.analysis.statements import reads_one_table, repeated_queries, slow_statements, statements
from otel_verein.config.schema import Analysis, Config, Health, ThresholdRule, Thresholds
from otel_verein.sources.rows import StatementRow
from tests.unit.fixed_source import SCALE, calls_of, index_of

CONFIG = Config(
    thresholds=Thresholds(slow_query_s=0.1, db_duration_s=1.0, db_duration_critical_s=2.5),
    health=Health(minimum_operations=30),
    analysis=Analysis(few_rows=20),
)
FAST, SLOW, TAIL = {0.01: 100}, {0.2: 100}, {0.01: 90, 0.2: 10}


def slow(
    *rows: StatementRow, config: Config = CONFIG, saved: Mapping[tuple[str, str, str], int] | None = None
) -> list[Finding]:
    """The findings about these statements."""
    return slow_statements(statements(rows), config, saved or {})


def test_a_slow_statement_is_a_finding_with_its_figures():
    """It tells the middle, the tail, the time in all, from how many calls; the time beyond the bound is its waste."""
    (found,) = slow(calls_of(SLOW, weight=10.0))

    assert (found.kind, found.severity, found.basis, found.n) == ("slow_query", "medium", "sampled", 100)
    assert found.call_p50_s == pytest.approx(0.2, rel=0.01)
    assert found.time_wasted_s == found.saving.time_s == pytest.approx(1000 * 0.1, rel=0.02)
    assert (found.queries_wasted, found.saving.queries, found.repeats_max) == (0, 0, None)
    assert found.why == (
        "one call takes 0.2 s in the middle, 0.2 s at the 95th percentile; 200 s in about 1000 calls (+- 186 at "
        "95 %), estimated from 100 seen"
    )
    assert found.saving.how == (
        "the time beyond 0.1 s of about 1000 calls, estimated from 100 seen: what is saved if no call takes longer "
        "than that; whether it can be had shows only when it is tried"
    )


@pytest.mark.parametrize(
    "row",
    [calls_of(FAST), calls_of({0.01: 96, 30.0: 4}), calls_of({0.2: 29})],
    ids=["fast", "four bad moments of a hundred", "too few"],
)
def test_what_is_not_slow_is_silent(row: StatementRow):
    """Fast calls, a few outliers however long, and too few calls to tell, are no finding."""
    assert slow(row) == []


def test_partial_rows_are_one_statement():
    """Rows of one statement add up, also where each alone has too few calls."""
    (found,) = slow(calls_of({0.2: 20}), calls_of({0.4: 20}))

    assert (found.n, found.operations_seen) == (40, 40)
    assert found.time_wasted_s == pytest.approx(20 * 0.1 + 20 * 0.3, rel=0.02)


@pytest.mark.parametrize(
    ("times", "word"),
    [(TAIL, "low"), (SLOW, "medium"), ({1.5: 50}, "high"), ({3.0: 50}, "critical")],
    ids=["only the tail", "the middle", "past the budget", "past the critical one"],
)
def test_severity_is_what_one_call_does_to_the_budget(times: Mapping[float, int], word: str):
    """A call that breaks the budget of database time of its whole operation is worse than one that is slow."""
    (found,) = slow(calls_of(times))

    assert found.severity == word


def test_budgets_of_the_operation_hold():
    """An entry of thresholds.operations says how bad a slow statement is in its operation."""
    lenient = ThresholdRule(operation="GET *", db_duration_s=20.0, db_duration_critical_s=30.0)
    config = replace(CONFIG, thresholds=replace(CONFIG.thresholds, operations=(lenient,)))

    (here,) = slow(calls_of({3.0: 50}), config=config)
    (there,) = slow(calls_of({3.0: 50}, operation="job"), config=config)

    assert (here.severity, there.severity) == ("medium", "critical")


def test_slow_reads_of_few_rows_look_unindexed():
    """One table, a condition, few rows, slow in the middle: it says that it looks so, and what to ask the database."""
    (found,) = slow(calls_of(SLOW, rows=1.0))

    assert found.kind == "looks_unindexed"
    assert found.why.endswith(
        "; for 1 rows of one table, which looks as if no index served its condition: ask the database with "
        "EXPLAIN (ANALYZE, BUFFERS)"
    )


@pytest.mark.parametrize(
    "row",
    [
        calls_of(SLOW),
        calls_of(SLOW, rows=500.0),
        calls_of(TAIL, rows=1.0),
        replace(calls_of(SLOW, rows=1.0), rows_known=40.0),
        calls_of(SLOW, "SELECT a FROM t", rows=1.0),
        calls_of(SLOW, "SELECT count(*) FROM t WHERE b = ?", rows=1.0),
        calls_of(SLOW, "SELECT a FROM t JOIN u ON t.id = u.t WHERE b = ?", rows=1.0),
        calls_of(SLOW, "UPDATE t SET a = ? WHERE b = ?", rows=1.0),
    ],
    ids=["rows unknown", "many rows", "only the tail", "rows of few calls", "all rows", "count", "join", "write"],
)
def test_where_the_data_does_not_show_it_nothing_looks_unindexed(row: StatementRow):
    """It stays a slow statement, and nothing is said of indexes."""
    (found,) = slow(row)

    assert (found.kind, "index" in found.why) == ("slow_query", False)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ('SELECT "t"."a", "t"."b" FROM "t" WHERE "t"."id" = ? LIMIT 21', True),
        ("select a from s.t as x where b like ?", True),
        ("SELECT a FROM t WHERE b IN (?)", True),
        ("SELECT a FROM t, u WHERE t.id = u.id", False),
        ("SELECT a FROM t WHERE b IN (SELECT b FROM u)", False),
        ("SELECT a FROM (SELECT a FROM t) WHERE a = ?", False),
        ("SELECT a FROM t WHERE b = ? ORDER BY c LIMIT ?", False),
        ("SELECT a FROM t WHERE b = ? FOR UPDATE", False),
        ("SELECT DISTINCT a FROM t WHERE b = ?", False),
        ("SELECT a, max(b) FROM t WHERE c = ? GROUP BY a", False),
        ("SELECT a FROM t WHERE b = ? UNION SELECT a FROM u", False),
        ("SELECT ?", False),
        (None, False),
    ],
)
def test_reads_of_one_table(statement: str | None, expected: bool):
    """Only what returns what it reads is judged by the rows that it returns."""
    assert reads_one_table(statement) is expected


def test_a_long_statement_is_read_in_linear_time():
    """No text makes it go over the same words again and again: half a megabyte takes no time to speak of."""
    start = time.perf_counter()

    found = [reads_one_table("SELECT " + word * 50_000) for word in ("FROM ", "FROM x WHERE ", "ORDER BY ", "GROUP  ")]

    assert (found, time.perf_counter() - start < 5) == ([False, True, False, False], True)


def test_a_repeated_statement_is_slow_only_when_its_calls_are():
    """Of an N+1 the repeats are told already; a slow tail of them is no second finding, slow calls are."""
    saved = {("shop", "GET /", "f1"): 90}

    assert slow(calls_of(TAIL), saved=saved) == []
    (found,) = slow(calls_of(SLOW), saved=saved)
    assert found.time_wasted_s == pytest.approx(10 * 0.1, rel=0.02)
    assert "about 100 calls, of the calls that are left without its repeats" in found.saving.how


def test_estimates_have_an_error():
    """A hundred seen for a thousand have that of a hundred operations kept one in ten; all seen have none."""
    (sampled,) = statements([calls_of(SLOW, weight=10.0)])
    (whole,) = statements([calls_of(SLOW)])
    (several,) = statements([replace(calls_of(SLOW, weight=10.0), operations=250.0)])

    assert sampled.calls_error == pytest.approx(1.96 * math.sqrt(100 * 10 * 9), rel=1e-3)
    assert sampled.excess(0.1)[1] == pytest.approx(0.1 * sampled.calls_error, rel=0.02)
    assert (whole.calls_error, whole.excess(0.1)[1]) == (0.0, 0.0)
    assert several.calls_error == pytest.approx(2 * sampled.calls_error)


def test_error_of_estimates_holds_what_is_true():
    """Of 400 samples, one operation in ten of 1000 that make four calls each, about 95 % hold the true figures."""
    chance = random.Random(7)
    times = [chance.choice((0.15, 0.2, 0.4)) for _ in range(1000)]  # all four calls of an operation alike
    truth = spread(4000.0, [(SCALE, [(index_of(time), 4.0) for time in times])])
    held = []
    for _ in range(400):
        seen = Counter(time for time in times if chance.random() < 0.1)
        kept = calls_of({time: 4 * number for time, number in seen.items()}, weight=10.0)
        (stats,) = statements([replace(kept, operations=kept.calls / 4)])
        excess, error = stats.excess(0.1)
        held.append((abs(stats.calls - 4000) <= stats.calls_error, abs(excess - truth.above(0.1)[1]) <= error))

    assert 0.92 <= sum(calls for calls, _ in held) / 400 <= 0.98
    assert 0.92 <= sum(excess for _, excess in held) / 400 <= 0.98


def test_repeats_are_known_by_fingerprint_and_by_text():
    """A backend that keeps no fingerprint still knows the statement that a finding told."""
    (found,) = slow(calls_of(SLOW))
    repeats = [replace(found, kind="n_plus_one", queries_wasted=7, call_site=None)] * 2

    assert repeated_queries(repeats) == {
        ("shop", "GET /", "f1"): 14,
        ("shop", "GET /", "SELECT a FROM t WHERE b = ?"): 14,
    }


def test_most_time_comes_first():
    """Statements are in the order of the time they take in all."""
    rows = [calls_of({0.01: 10}, fingerprint="little"), calls_of({0.02: 50}, fingerprint="much")]

    assert [each.fingerprint for each in statements(rows)] == ["much", "little"]
