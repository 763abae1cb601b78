"""The groups of an operation: bounded, whatever it runs, and a repeat is still found."""

from __future__ import annotations

import pytest

from otel_verein.config import Config
from otel_verein.config.schema import Limits, NPlusOne
from otel_verein.ledger.verdict import find
from tests.unit.operations import a_record, a_span, an_operation, ended, run

LIMIT = NPlusOne(repeats=5, certain_repeats=10)
QUERY = "select name from author where id = ?"
ONCE = [f"select c{number} from t" for number in range(100)]


def small(records: int = 20, **limits: int) -> Config:
    """A configuration with low limits."""
    return Config(limits=Limits(records_per_operation=records, groups_per_operation=10, **limits))


@pytest.mark.parametrize("records", [20, 1000], ids=["folded", "not folded"])
def test_a_repeat_after_many_statements_has_a_group(records: int) -> None:
    """Statements that come once take no room from one that repeats after them."""
    operation = run(an_operation(small(records)), [*ONCE, *[QUERY] * 40])

    (finding,) = find(ended(operation).groups(), LIMIT)

    assert finding.fingerprint.text == QUERY
    assert 36 <= finding.repeats <= 40  # what came before it was known to repeat is with the rest
    assert finding.call_site is not None


@pytest.mark.parametrize("records", [20, 1000], ids=["folded", "not folded"])
def test_statements_that_come_once_make_no_finding_together(records: int) -> None:
    """Twin: the rest is no repeat, however many queries it holds."""
    operation = run(an_operation(small(records)), ONCE)

    assert find(ended(operation).groups(), LIMIT) == []
    assert operation.rest is not None
    assert operation.rest.count == 90


def test_groups_are_bounded() -> None:
    """However many statements repeat under however many spans: twice the limit, and the rest."""
    operation = an_operation(small())
    for number in range(3000):
        operation.append(a_record(operation, f"select c{number % 60} from t", parent=a_span(f"item {number % 7}")))

    groups = ended(operation).groups()

    assert len(groups) == 20
    assert operation.rest is not None
    assert sum(group.count for group in groups) + operation.rest.count == 3000


def test_a_loop_over_many_spans_is_one_finding() -> None:
    """Turns past the limit of groups are counted with those before it, by the name of their spans."""
    operation = an_operation(small())
    for number in range(50):
        operation.append(a_record(operation, QUERY, at_ns=number * 10, parent=a_span("item"), parameters=number + 1))

    (finding,) = find(ended(operation).groups(), LIMIT)

    assert (50, 50) == (finding.repeats, finding.parameters)


def test_spans_of_different_names_are_told_apart() -> None:
    """Twin: four turns each under spans of different names are no loop, past the limit, too."""
    operation = an_operation(small())
    for number in range(30):
        operation.append(a_record(operation, ONCE[number], at_ns=number, parent=a_span("first")))
    for number in range(20):
        operation.append(a_record(operation, QUERY, at_ns=100 + number, parent=a_span(f"kind {number % 5}")))

    assert find(ended(operation).groups(), LIMIT) == []


def test_equal_parameters_of_a_folded_statement_are_a_duplicate() -> None:
    """Whether parameters were equal is known past the cap on records."""
    operation = an_operation(small())
    for number in range(200):
        operation.append(a_record(operation, QUERY, at_ns=number, parameters=7))

    (finding,) = find(ended(operation).groups(), LIMIT)

    assert ("duplicate", 200, 1) == (finding.kind.value, finding.repeats, finding.parameters)


def test_parameters_of_very_many_groups_are_few() -> None:
    """The more groups there are, the fewer different parameters each remembers; two are still told apart from one."""
    operation = an_operation(Config(limits=Limits(records_per_operation=1000, groups_per_operation=500)))
    for number in range(60_000):
        operation.append(a_record(operation, f"select c{number % 600} from t", at_ns=number, parameters=number + 1))

    sizes = [len(group.identities) for group in ended(operation).groups()]

    assert min(sizes) >= 2
    assert sum(sizes) < 40_000


def test_batches_of_a_folded_statement_are_harmless() -> None:
    """How many values the first few statements carried is known past the cap on records."""
    lists = f"select name from author where id in ({', '.join('1' * 60)})"

    assert find(ended(run(an_operation(small()), [lists] * 200)).groups(), LIMIT) == []
