"""Operations: totals stay exact past every cap and from many threads; call sites are taken while on the stack."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from otel_verein.config import Config
from otel_verein.config.schema import Limits
from tests.unit.operations import a_record, an_operation, ended, run

SMALL = Config(limits=Limits(records_per_operation=50, groups_per_operation=10))


def test_no_queries_are_zero() -> None:
    """An operation without queries reads 0 everywhere."""
    totals = ended(an_operation()).totals()

    assert (totals.queries, totals.distinct, totals.errors, totals.db_duration_ns) == (0, 0, 0, 0)


def test_totals_count_queries_but_time_all() -> None:
    """Transaction verbs are no queries; their time is database time."""
    operation = run(an_operation(), ["BEGIN", "select 1 from a", "select 2 from a", "select b from b", "COMMIT"])

    totals = ended(operation).totals()

    assert (totals.queries, totals.distinct, totals.db_duration_ns) == (3, 2, 5000)


def test_folding_keeps_counts_exact() -> None:
    """Past the cap on records the totals and the group's count stay exact, and memory stays bounded."""
    operation = run(an_operation(SMALL), ["select a from t where b = ?"] * 12_345)

    totals = ended(operation).totals()
    (group,) = ended(operation).groups()

    assert (totals.queries, group.count, group.total_ns) == (12_345, 12_345, 12_345_000)
    assert len(operation.records) < 100


def test_more_statements_than_groups_keep_totals_exact() -> None:
    """Statements past the cap on groups still count."""
    operation = run(an_operation(SMALL), [f"select c{index} from t" for index in range(500)])

    totals = ended(operation).totals()

    assert (totals.queries, totals.distinct) == (500, 500)
    assert len(ended(operation).groups()) == 10


def test_errors_are_counted() -> None:
    """A query whose call raised is a query and an error."""
    operation = an_operation()
    operation.append(a_record(operation, "select 1 from t", error="OperationalError"))

    assert (ended(operation).totals().queries, ended(operation).totals().errors) == (1, 1)


def test_many_threads_lose_nothing(hasty: None) -> None:
    """Sixteen threads that append at once, through folds: every query is counted once."""
    operation = an_operation(SMALL)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: run(operation, ["select a from t where b = ?"] * 500), range(16)))

    assert ended(operation).totals().queries == 8000
    assert sum(group.count for group in ended(operation).groups()) == 8000


def load_author(operation: object) -> None:
    """One query, from a function that a call site can name."""
    run(operation, ["select name from author where id = ?"])  # type: ignore[arg-type]


def test_call_site_is_the_application_line() -> None:
    """The repeat that proves an N+1 names the innermost line of application code."""
    operation = an_operation()
    for _ in range(12):
        load_author(operation)

    (site,) = operation.call_sites.values()

    assert site is not None
    assert site.file.endswith("operations.py")
    assert any("load_author" in frame for frame in site.outer)


def test_no_call_site_without_repeats() -> None:
    """Twin: a stack is never walked for statements that do not repeat."""
    operation = run(an_operation(), [f"select c{index} from t" for index in range(200)])

    assert operation.call_sites == {}


def test_more_distinct_statements_than_remembered_are_unknown() -> None:
    """Past the cap the number of different statements is not known; the count of queries still is."""
    config = Config(limits=Limits(distinct_per_operation=20))
    totals = ended(run(an_operation(config), [f"select c{index} from t" for index in range(100)])).totals()

    assert (totals.queries, totals.distinct) == (100, None)
