"""Quick, comprehensive and batch: the figures of one entity beside those of all, from data with known figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from otel_verein.api.convenience import (
    batch_member_analysis,
    comprehensive_member_analysis,
    measure_member_performance,
    measure_payment_history_performance,
    quick_health_check,
)
from otel_verein.config.schema import Config, Entities
from tests.unit.convenience_known import HEALTHY, Known, Operation, dropped, entity, finding, ok

CONFIG = Config()


def quick(source: Known, member: str | None = None, **more: Any) -> Any:
    """The health summary."""
    return ok(quick_health_check(member, source=source, config=CONFIG, **more), "health_summary")


def test_all_good_is_a_hundred() -> None:
    """Without a bad operation the score is 100, and nothing is said of a member that was not asked for."""
    found = quick(Known((HEALTHY,)))

    assert (100.0, "excellent", None, []) == (
        found["overall_score"],
        found["status"],
        found["member_health"],
        found["recommendations"],
    )


def test_overall_is_seven_tenths_of_all_and_three_of_the_member() -> None:
    """2 % bad of all leave 60 points of an objective of 95 %, 1 of 40 leaves 50: 0.7 x 60 + 0.3 x 50 = 57."""
    found = quick(Known((replace(HEALTHY, bad=20),), (entity("M-1", "GET /", 40, 0.1, 4, bad=1),)), "M-1")

    assert (60.0, 50.0, 57.0, "critical") == (
        pytest.approx(found["system_health"]["score"]),
        pytest.approx(found["member_health"]["score"]),
        pytest.approx(found["overall_score"]),
        found["status"],
    )


def test_member_below_the_minimum_makes_the_whole_unknown() -> None:
    """29 kept operations of a member are no score, and then there is no overall one; the reason is told."""
    answer = quick_health_check("M-1", source=Known((HEALTHY,), (entity("M-1", "GET /", 29, 0.1, 4),)), config=CONFIG)
    found = ok(answer, "health_summary")

    assert (100.0, None, None, "unknown") == (
        found["system_health"]["score"],
        found["member_health"]["score"],
        found["overall_score"],
        found["status"],
    )
    assert (
        "All operations and member M-1: unknown; 29 of its operations were kept; below 30 there is no score."
        == answer["message"]
    )


def test_too_few_operations_are_unknown() -> None:
    """29 operations of all are no score."""
    found = quick(Known((replace(HEALTHY, count=29),)))

    assert (None, "unknown") == (found["overall_score"], found["status"])


@pytest.mark.parametrize("lost", [{"counters": (dropped(1),)}, {"metrics_lost": True}], ids=["dropped", "unreadable"])
def test_loss_makes_both_unknown(lost: dict[str, Any]) -> None:
    """What was lost may be the bad operations, of the member, too."""
    found = quick(Known((HEALTHY,), (entity("M-1", "GET /", 400, 0.1, 4),), **lost), "M-1")

    assert (None, None, None) == (
        found["system_health"]["score"],
        found["member_health"]["score"],
        found["overall_score"],
    )


def test_unknown_member_is_an_error_with_what_to_check() -> None:
    """A member that nothing names has no score, good or bad."""
    answer = quick_health_check("M-9", source=Known((HEALTHY,)), config=CONFIG)

    assert (False, "M-9") == (answer["success"], answer["member"])
    assert (
        "known: no kept operation names member 'M-9'; operations name it by `otel_verein.entity('member', id)`, and "
        "its id is kept with `privacy.entity_ids: keep`" == answer["error"]
    )


def test_member_that_may_be_among_others_is_told_so() -> None:
    """Where entities were folded together, nobody knows whether it was seen; that is no claim that it was not."""
    answer = quick_health_check("M-9", source=Known((HEALTHY,), (entity("other", "GET /", 40, 0.1, 4),)), config=CONFIG)

    assert (
        "known: no kept operation names member 'M-9'; 40 are of those that are not told apart, it may be among them"
        == answer["error"]
    )


def test_others_together_are_no_member() -> None:
    """All the rest is not one entity."""
    source = Known((HEALTHY,), (entity("other", "GET /", 40, 0.1, 4),))
    answer = quick_health_check("other", source=source, config=CONFIG)

    assert "member_name: 'other' stands for all entities beyond those that are told apart; name one" == answer["error"]


def test_entity_type_is_that_of_the_configuration_unless_given() -> None:
    """The names speak of members; any type can be meant."""
    rows = (entity("1", "GET /", 40, 0.1, 4), replace(entity("1", "GET /", 50, 0.2, 8), entity_type="invoice"))
    source, invoices = Known((HEALTHY,), rows), replace(CONFIG, entities=Entities(default_type="invoice"))
    samples = [
        ok(measure_member_performance("1", kind, source=source, config=config), "measurement")["figures"]["samples"]
        for kind, config in ((None, CONFIG), ("invoice", CONFIG), (None, invoices), ("member", invoices))
    ]

    assert [40, 50, 50, 40] == samples


def test_hours_limit_what_is_read() -> None:
    """The last hours begin at a whole minute, so that questions within one share what was read."""
    source = Known((HEALTHY,))
    quick(source, hours="2")

    begin = source.asks[0].start_ns
    assert begin is not None
    assert 0 == begin % (60 * 10**9)


def test_recommendation_says_where_what_and_how_much() -> None:
    """The N+1 that was counted is named with its line and what it saves, computed."""
    found = quick(Known((HEALTHY,), findings=(finding("GET /", 100, 11),)))

    (told,) = found["recommendations"]
    assert told.startswith("GET /, /srv/shop/views.py:12: ")
    assert told.endswith(
        "It saves 1000 queries and 10 s: all repeats but one: 1000 of 1100 queries in 100 runs; time: the measured "
        "mean of a repeat, for each of those."
    )


def analysis(source: Known, member: str = "M-1") -> Any:
    """The comprehensive analysis."""
    return ok(comprehensive_member_analysis(member, source=source, config=CONFIG), "analysis")


def test_member_is_compared_with_all_in_the_same_operations() -> None:
    """Slow operations do not make a slow member: its like are those who do the same."""
    fast, slow = Operation("GET /", 9_000, 0.01, 2), Operation("GET /report", 1_000, 1.0, 40)
    found = analysis(Known((fast, slow), (entity("M-1", "GET /report", 40, 1.0, 40),)))

    assert (1.0, 1.0, "same") == (
        pytest.approx(found["combined_metrics"]["relative_performance"]),
        pytest.approx(found["combined_metrics"]["efficiency_ratio"]),
        found["insights"]["comparison_to_baseline"]["time"],
    )


def test_slower_member_with_more_queries_says_so() -> None:
    """Twice the time is 2.0 and slower, four times the queries are 0.25 and more."""
    found = analysis(Known((HEALTHY,), (entity("M-1", "GET /", 40, 0.2, 16),)))

    assert (2.0, 0.25, "slower", "more") == (
        pytest.approx(found["combined_metrics"]["relative_performance"]),
        pytest.approx(found["combined_metrics"]["efficiency_ratio"]),
        found["insights"]["comparison_to_baseline"]["time"],
        found["insights"]["comparison_to_baseline"]["queries"],
    )


def test_few_operations_are_not_compared_in_words() -> None:
    """The ratio of a handful is shown with its n, and no word is made of it."""
    comparison = analysis(Known((HEALTHY,), (entity("M-1", "GET /", 5, 0.2, 16),)))["insights"][
        "comparison_to_baseline"
    ]

    assert ("unknown", "unknown", 5) == (comparison["time"], comparison["queries"], comparison["n"])


def test_potential_is_the_part_that_findings_would_save() -> None:
    """Ten of the twenty queries of an operation are repeats, in half of all operations: a quarter can go."""
    all_of_it = Operation("GET /", 1000, 0.1, 20)
    found = analysis(Known((all_of_it,), (entity("M-1", "GET /", 40, 0.1, 20),), (finding("GET /", 500, 11),)))

    assert pytest.approx(0.25) == found["combined_metrics"]["optimization_potential"]


def test_findings_of_other_operations_are_none_of_the_member() -> None:
    """What happens where the member never was promises nothing for it."""
    there = (HEALTHY, Operation("GET /other", 1000, 0.1, 20))
    found = analysis(Known(there, (entity("M-1", "GET /", 40, 0.1, 4),), (finding("GET /other", 500, 11),)))

    assert (0.0, [], []) == (
        found["combined_metrics"]["optimization_potential"],
        found["action_items"],
        found["insights"]["optimization_opportunities"],
    )


def test_action_items_carry_priority_and_saving() -> None:
    """Each finding is a thing to do, as urgent as it is severe."""
    found = analysis(Known((HEALTHY,), (entity("M-1", "GET /", 40, 0.1, 4),), (finding("GET /", 100, 30),)))

    (item,) = found["action_items"]
    assert ("critical", 2900, "GET /") == (item["priority"], item["saving"]["queries"], item["operation"])
    assert ["n_plus_one"] == [each["kind"] for each in found["insights"]["bottlenecks_identified"]]


def test_queries_that_nobody_counted_are_unknown() -> None:
    """Where no driver was watched there are no queries, not zero of them."""
    row = replace(entity("M-1", "GET /", 40, 0.1, 4), queries=None, queries_max=None, db_s=None)
    source = Known((HEALTHY,), (row,))
    measured = ok(measure_member_performance("M-1", source=source, config=CONFIG), "measurement")

    assert [None] * 4 == [
        measured[key] for key in ("query_count", "total_query_time", "avg_query_time", "queries_per_second")
    ]
    assert None is analysis(source)["combined_metrics"]["optimization_potential"]


def test_measurement_has_the_figures_of_one_operation() -> None:
    """Means over the member's operations: 0.2 s, 8 queries in 0.1 s."""
    source = Known((HEALTHY,), (entity("M-1", "GET /", 10, 0.1, 4), entity("M-1", "POST /pay", 10, 0.3, 12)))
    found = ok(measure_member_performance("M-1", source=source, config=CONFIG), "measurement")

    expected = {"execution_time": 0.2, "query_count": 8.0, "total_query_time": 0.1, "avg_query_time": 0.0125}
    assert expected == {key: pytest.approx(found[key]) for key in expected}
    assert pytest.approx(80.0) == found["queries_per_second"]
    assert (None, None, None) == (found["max_query_time"], found["slow_queries"], found["query_patterns"])


def test_payment_history_is_what_its_name_matches() -> None:
    """The glob picks operations by name, upper or lower case."""
    rows = (entity("M-1", "GET /", 10, 0.1, 4), entity("M-1", "GET /Payments/history", 10, 0.3, 67))
    found = ok(measure_payment_history_performance("M-1", source=Known((HEALTHY,), rows), config=CONFIG), "measurement")

    assert (67.0, ["GET /Payments/history"]) == (
        found["query_count"],
        [each["operation"] for each in found["operations"]],
    )


def test_payment_history_without_such_an_operation_says_which_there_are() -> None:
    """Nothing that matches is an error that helps to name the right one, not zero queries."""
    source = Known((HEALTHY,), (entity("M-1", "GET /", 10, 0.1, 4),))
    answer = measure_payment_history_performance("M-1", source=source, config=CONFIG)

    assert (
        "known: no kept operation of member M-1 matches '*payment*'; `operation` has to be a glob on one of: GET /"
        == answer["error"]
    )


MEMBERS = tuple(entity(f"M-{number}", "GET /", 40, 0.1, 4, bad=number) for number in range(4))


def batch(names: Any, limit: Any = 10) -> Any:
    """The batch report on four members, of which each has one bad operation more than the one before."""
    answer = batch_member_analysis(names, limit, source=Known((HEALTHY,), MEMBERS), config=CONFIG)
    return ok(answer, "batch_report")


@pytest.mark.parametrize(
    "names",
    [["M-0", "M-1"], ("M-0", "M-1"), '["M-0", "M-1"]', "M-0,M-1", " M-0 , M-1 ,"],
    ids=["list", "tuple", "JSON", "commas", "spaces"],
)
def test_names_in_every_form(names: Any) -> None:
    """A list, JSON or commas name the same members."""
    assert ["M-0", "M-1"] == [each["member"] for each in batch(names)["member_results"]]


@pytest.mark.parametrize("limit", [2, "2", " 2 ", 2.0])
def test_limit_does_not_hide_how_many_were_asked_for(limit: Any) -> None:
    """Two of four are processed, four were requested."""
    found = batch("M-0,M-1,M-2,M-3", limit)

    assert (4, 2, 0) == (found["requested_count"], found["processed_count"], found["failed_count"])


def test_one_failing_member_does_not_stop_the_rest() -> None:
    """The unknown one has its error, the others their figures; averages are those of the scored ones."""
    found = batch("M-0,nobody,M-1")

    assert [True, False, True] == [each["success"] for each in found["member_results"]]
    assert (3, 3, 1, 2 / 3) == (
        found["requested_count"],
        found["processed_count"],
        found["failed_count"],
        found["batch_summary"]["success_rate"],
    )
    assert (pytest.approx(75.0), 2) == (
        found["batch_summary"]["average_health_score"],
        found["batch_summary"]["scored_count"],
    )
    assert {"excellent": 1, "good": 0, "fair": 0, "poor": 0, "critical": 1, "unknown": 0} == (
        found["batch_summary"]["performance_distribution"]
    )


@pytest.mark.parametrize(
    ("names", "limit", "error"),
    [
        ("", 10, "member_names: is empty; it has to be a list of texts, or as `a, b`"),
        ([], 10, "member_names: is empty; it has to be a list of texts, or as `a, b`"),
        ([1.5, None], 10, "member_names[1]: None is no text"),
        ('["a"', 10, "member_names: '[\"a\"' is not JSON: Expecting ',' delimiter: line 1 column 5 (char 4)"),
        ({"a": 1}, 10, "member_names: {'a': 1} is no list; it has to be a list of texts, or as `a, b`"),
        ("M-0", 0, "limit: 0 is out of bounds; it has to be a whole number from 1 to 1000"),
        ("M-0", "many", "limit: 'many' is no whole number; it has to be a whole number from 1 to 1000"),
        ("M-0", True, "limit: True is no whole number; it has to be a whole number from 1 to 1000"),
        ("M-0", None, "limit: None is no whole number; it has to be a whole number from 1 to 1000"),
    ],
    ids=["nothing", "no member", "a null", "broken JSON", "a mapping", "zero", "words", "a truth", "null limit"],
)
def test_wrong_arguments_are_told(names: Any, limit: Any, error: str) -> None:
    """What is wrong with an argument is the error, with what would be right."""
    answer = batch_member_analysis(names, limit, source=Known((HEALTHY,)), config=CONFIG)

    assert (False, error) == (answer["success"], answer["error"])
