"""Before and after: exact counts, times with intervals, and a verdict that says when it cannot tell."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace

import pytest

from otel_verein.analysis.compare import Comparison, compared
from otel_verein.analysis.compare_sides import Side
from otel_verein.config.schema import Analysis, Config, Health
from otel_verein.sources.rows import CounterRow
from tests.unit.two_sides import finding, operation, side

CONFIG = replace(Config(), health=Health(minimum_operations=30), analysis=Analysis(margin=0.05, error_share=0.01))


def durations(seed: int, n: int, factor: float = 1.0) -> list[float]:
    """So many durations, most of them short."""
    chance = random.Random(seed)
    return [0.02 * factor * math.exp(chance.gauss(0, 0.5)) for _ in range(n)]


def answer(before: Side, after: Side) -> Comparison:
    """The comparison of two sides."""
    return compared(before, after, CONFIG)


def verdicts(comparison: Comparison) -> dict[str, str]:
    """What is said of each figure of the only operation."""
    (change,) = comparison.operations
    return {figure.name: figure.verdict for figure in change.figures}


def test_queries_that_never_vary_are_compared_exactly():
    """Ten queries instead of eleven are fewer, however small the margin would make that, and so many are removed."""
    before = side(*operation(durations(1, 100), [111] * 100))
    after = side(*operation(durations(2, 200), [110] * 200))

    (change,) = answer(before, after).operations
    figure = change.figure("queries_mean")

    assert (figure.before, figure.after, figure.difference, figure.verdict) == (111.0, 110.0, -1.0, "better")
    assert figure.method == "exact: every operation has the same"
    assert change.queries_removed == 200.0


def test_one_query_more_is_worse_when_none_varies():
    """A query that every operation runs now is no noise."""
    before, after = (side(*operation(durations(1, 100), [number] * 100)) for number in (100, 101))

    assert answer(before, after).verdict == "worse"
    assert answer(before, after).queries_removed == -100.0
    assert verdicts(answer(before, before))["queries_mean"] == "same"


def test_queries_that_vary_have_an_interval():
    """A mean that changed by chance is no change; its difference is told all the same."""
    chance = random.Random(5)
    first, second = ([chance.randint(1, 20) for _ in range(60)] for _ in range(2))
    before, after = side(*operation([0.01] * 60, first)), side(*operation([0.01] * 60, second))

    (change,) = answer(before, after).operations
    figure = change.figure("queries_mean")

    assert figure.difference == pytest.approx((sum(second) - sum(first)) / 60)
    assert figure.verdict == "inconclusive"
    assert figure.why == "the interval reaches across the margin"
    assert figure.interval is not None
    assert figure.interval.low < 0 < figure.interval.high


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.3, "worse"), (0.7, "better"), (1.0, "same")], ids=["more", "less", "as before"]
)
def test_times_are_judged_by_their_interval(factor: float, verdict: str):
    """Whole interval beyond the margin, below it, or within."""
    before, after = side(*operation(durations(1, 4000))), side(*operation(durations(2, 4000, factor)))

    assert verdicts(answer(before, after))["duration_mean_s"] == verdict
    assert answer(before, after).verdict == verdict


def test_change_that_is_not_beyond_the_margin_is_not_worse():
    """Three per cent, however sure, are less than what is worth telling."""
    before, after = side(*operation(durations(1, 20_000))), side(*operation(durations(1, 20_000, 1.03)))

    assert verdicts(answer(before, after))["duration_mean_s"] == "same"


def test_few_operations_are_unknown():
    """Below the minimum on either side nothing is judged; figures are still shown."""
    few, many = side(*operation(durations(1, 29), [3] * 29)), side(*operation(durations(1, 30), [4] * 30))

    found = answer(few, many)

    assert set(verdicts(found).values()) == {"unknown"}
    assert found.verdict == "unknown"
    assert found.reasons == ("no operation is on both sides often enough",)
    assert found.operations[0].figure("queries_mean").why == "too few operations: 29 before, of 30"
    assert found.operations[0].figure("queries_mean").before == 3.0
    assert answer(many, many).verdict != "unknown"


@pytest.mark.parametrize("lost", ["before", "after"])
def test_loss_on_a_side_is_unknown(lost: str):
    """Figures that are not complete cannot be compared."""
    rows = operation(durations(1, 100), [3] * 100)
    found = answer(side(*rows, lossy=lost == "before"), side(*rows, lossy=lost == "after"))

    assert (found.verdict, found.reasons) == ("unknown", ("telemetry was lost: shop",))
    assert set(verdicts(found).values()) == {"unknown"}


def test_queries_that_were_not_watched_are_unknown():
    """Not measured is no zero, and nothing is said to be removed."""
    found = answer(side(*operation(durations(1, 100))), side(*operation(durations(2, 100), [3] * 100)))

    assert verdicts(found)["queries_mean"] == "unknown"
    assert (found.operations[0].queries_removed, found.queries_removed) == (None, None)


def test_operations_of_one_side_are_listed_and_not_matched():
    """A renamed operation is two operations."""
    rows = operation(durations(1, 100), [3] * 100)
    found = answer(
        side(*rows, *operation([0.1] * 40, name="GET /old")), side(*rows, *operation([0.1] * 40, name="GET /new"))
    )

    assert [each.key.operation for each in found.only_before] == ["GET /old"]
    assert [each.key.operation for each in found.only_after] == ["GET /new"]
    assert [each.key.operation for each in found.operations] == ["GET /"]


def test_other_stands_for_different_names():
    """What is past the cap of names is never compared, nor part of what was removed."""
    rows = operation(durations(1, 100), [3] * 100)
    found = answer(
        side(*rows, *operation([0.1] * 40, [9] * 40, "other")), side(*rows, *operation([0.1] * 40, [1] * 40, "other"))
    )

    other = next(each for each in found.operations if each.key.operation == "other")
    assert other.verdict == "unknown"
    assert other.figures[0].why == "`other` stands for many names, and not for the same ones on both sides"
    assert found.queries_removed == 0.0
    assert found.notes == ("`other` is not part of the queries removed",)


def test_errors_are_a_difference_of_shares():
    """From none to a tenth is worse; the same share is not; operations that failed are among all."""
    fine = side(*operation(durations(1, 900), failed=durations(2, 9)))
    failing = side(*operation(durations(3, 900), failed=durations(4, 100)))

    assert verdicts(answer(fine, failing))["error_share"] == "worse"
    assert verdicts(answer(failing, fine))["error_share"] == "better"
    assert verdicts(answer(fine, fine))["error_share"] in ("same", "inconclusive")


def test_breaches_of_an_estimate_that_counts_none_are_unknown():
    """Spans alone do not say which operations broke a budget, unless the source says so."""
    rows = [replace(row, estimated=True, samples=100) for row in operation(durations(1, 100), [3] * 100)]
    breach = CounterRow("verein.operation.breaches", "shop", "GET /", "server", "any", 7)

    assert verdicts(answer(side(*rows), side(*rows)))["breach_share"] == "unknown"
    (change,) = answer(side(*rows, counters=[breach]), side(*rows, counters=[breach])).operations
    assert change.figure("breach_share").before == 0.07


def test_estimates_rest_on_their_samples():
    """A thousand operations that were estimated from twenty spans are too few."""
    rows = [replace(row, estimated=True, samples=20, variance=49_000.0) for row in operation(durations(1, 1000))]

    found = answer(side(*rows), side(*rows))

    assert found.operations[0].figures[0].why == "no driver was watched"
    assert found.operations[0].figure("duration_mean_s").why == "too few operations: 20 before and 20 after, of 30"
    assert found.estimated
    assert found.notes == ("estimated from sampled spans: counts have an error, too",)


def test_inconclusive_operations_count_by_their_traffic():
    """One rare operation that cannot be told does not hide that all the others are better."""
    often = [[number] * 4000 for number in (9, 3)]
    before, after = (
        side(
            *operation(durations(seed, 4000), queries),
            *operation(durations(10 + seed, 40, 1.1), name="GET /rare"),
        )
        for seed, queries in zip((1, 2), often, strict=True)
    )

    found = answer(before, after)

    assert {each.key.operation: each.verdict for each in found.operations}["GET /rare"] == "inconclusive"
    assert (found.verdict, found.queries_removed) == ("better", None)


def test_finding_that_is_gone_takes_its_queries_along():
    """What was removed is exact: what its repeats would have cost in the operations after."""
    before = side(*operation(durations(1, 100), [12] * 100), findings=[finding(100, 900)])
    after = side(*operation(durations(2, 200), [3] * 200))

    found = answer(before, after)
    (change,) = found.findings

    assert (change.status, change.queries_removed) == ("gone", 1800.0)
    assert found.queries_removed == 1800.0
    assert found.verdict == "better"
    assert found.reasons[-1] == "GET /: n_plus_one gone: SELECT author"


def test_new_finding_is_worse():
    """Also when no figure says so."""
    rows = operation(durations(1, 4000), [3] * 4000)

    found = answer(side(*rows), side(*rows, findings=[finding(4000, 8000)]))

    assert (found.findings[0].status, found.findings[0].queries_removed) == ("new", -8000.0)
    assert found.verdict == "worse"
    assert "GET /: n_plus_one new: SELECT author" in found.reasons


def test_finding_whose_line_moved_stayed():
    """The line is no part of what a finding is; its call sites are added up."""
    rows = operation(durations(1, 100), [3] * 100)
    before = side(*rows, findings=[finding(50, 100, line=42), finding(50, 100, line=60)])

    (change,) = answer(before, side(*rows, findings=[finding(100, 200, line=43)])).findings

    assert (change.status, change.queries_removed) == ("stayed", 0.0)
    assert change.shown.call_site == "views.py:43 in index"


@pytest.mark.parametrize("where", ["before", "after"])
def test_rare_finding_may_just_not_have_come_up(where: str):
    """One in a thousand is not gone because a hundred operations did not show it, nor new."""
    many, few = operation(durations(1, 1000), [3] * 1000), operation(durations(2, 100), [3] * 100)
    rare, none = side(*many, findings=[finding(1, 5)]), side(*few)

    (change,) = answer(*((rare, none) if where == "before" else (none, rare))).findings

    assert (change.status, change.why) == (
        "unclear",
        "it was in 1 of 1000 operations, and 100 are too few to miss it in",
    )


def test_finding_of_an_operation_that_is_gone_is_unclear():
    """Nobody ran it: nothing is said about the code."""
    before = side(*operation(durations(1, 100), [3] * 100, "GET /old"), findings=[finding(100, 500, name="GET /old")])

    (change,) = answer(before, side(*operation(durations(1, 100), [3] * 100))).findings

    assert (change.status, change.queries_removed) == ("unclear", None)
    assert change.why == "the operation is on one side only"


def test_answer_is_json():
    """All of it, with unknown figures as null and no number that JSON does not have."""
    before = side(*operation(durations(1, 30), [12] * 30), findings=[finding(30, 90)])
    after = side(*operation(durations(2, 30)), *operation([0.0] * 30, name="GET /new"))

    plain = answer(before, after).as_dict()

    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert list(plain) == [
        "schema", "verdict", "reasons", "margin", "tested", "before", "after", "queries_removed", "estimated",
        "operations", "only_before", "only_after", "findings", "notes",
    ]  # fmt: skip
    assert plain["operations"][0]["figures"]["duration_p95_s"]["relative_interval"]["high"] is None
