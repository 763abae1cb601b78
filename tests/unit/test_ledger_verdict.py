"""The N+1 verdict on operations whose queries are known."""

from __future__ import annotations

import pytest

from otel_verein.config.schema import NPlusOne
from otel_verein.ledger import Operation
from otel_verein.ledger.verdict import FindingKind, find
from tests.unit.operations import a_record, a_span, an_operation, ended, run

LIMIT = NPlusOne(repeats=3, total_ms=1000, certain_repeats=6)
AUTHOR = "select name from author where id = ?"


def found(operation: Operation, options: NPlusOne = LIMIT) -> list[tuple[str, int, int]]:
    """(kind, repeats, statements) of each finding."""
    findings = find(ended(operation).groups(), options)
    return [(finding.kind.value, finding.repeats, finding.statements) for finding in findings]


def test_loop_over_authors_is_one_finding() -> None:
    """One statement repeated with different parameters under one parent is one N+1."""
    assert found(run(an_operation(), [AUTHOR] * 6)) == [("n_plus_one", 6, 1)]


def test_fewer_repeats_in_little_time_are_silent() -> None:
    """Below the certain number of repeats, time decides."""
    assert found(run(an_operation(), [AUTHOR] * 5)) == []


def test_fewer_repeats_in_much_time_are_a_finding() -> None:
    """From the lower number of repeats on, enough time in sum makes a finding."""
    assert found(run(an_operation(), [AUTHOR] * 3, took_ns=400_000_000)) == [("n_plus_one", 3, 1)]


def test_different_statements_are_silent() -> None:
    """Twin: as many queries, each of its own, are no finding."""
    assert found(run(an_operation(), [f"select c{index} from t" for index in range(20)])) == []


def test_inline_literals_are_one_statement() -> None:
    """Values written into the text do not hide the repeat."""
    assert found(run(an_operation(), [f"select name from author where id = {n}" for n in range(8)])) == [
        ("n_plus_one", 8, 1)
    ]


def test_equal_parameters_are_a_duplicate() -> None:
    """The same parameters every time: the same answer was asked for again."""
    operation = an_operation()
    for index in range(7):
        operation.append(a_record(operation, AUTHOR, at_ns=index * 10_000, parameters=42))

    assert found(operation) == [(FindingKind.DUPLICATE.value, 7, 1)]


def test_unknown_parameters_are_no_duplicate() -> None:
    """Parameters that could not be compared are not claimed to be equal."""
    operation = an_operation()
    for index in range(7):
        operation.append(a_record(operation, AUTHOR, at_ns=index * 10_000, parameters=None))

    assert found(operation) == [("n_plus_one", 7, 1)]


def test_a_sequence_that_repeats_is_one_finding() -> None:
    """A, B, A, B, ... is one loop, hence one finding."""
    assert found(run(an_operation(), [AUTHOR, "select city from address where author = ?"] * 6)) == [
        ("n_plus_one", 6, 2)
    ]


def test_statements_of_one_line_are_one_finding() -> None:
    """What one line of code repeats is one finding, named by its first statement, though the numbers differ."""
    operation = an_operation()
    for index in range(10):
        run(operation, [AUTHOR])
        if index % 2:
            run(operation, ["select city from address where author = ?"])

    (finding,) = find(ended(operation).groups(), LIMIT)

    assert (finding.fingerprint.text, finding.repeats, finding.queries, finding.statements) == (AUTHOR, 10, 15, 2)


def test_two_loops_one_after_the_other_are_two_findings() -> None:
    """Twin: the same numbers of queries that do not take turns are two loops."""
    operation = an_operation()
    for index in range(6):
        operation.append(a_record(operation, AUTHOR, at_ns=index))
    for index in range(6, 12):
        operation.append(a_record(operation, "select city from address where author = ?", at_ns=index))

    assert len(found(operation)) == 2


def test_repeats_under_different_parents_are_apart() -> None:
    """Repeats count for each parent span: two parents with five each are no ten."""
    operation = an_operation()
    for parent in (a_span("a"), a_span("b")):
        for index in range(5):
            operation.append(a_record(operation, AUTHOR, at_ns=index * 10_000, parent=parent))

    assert found(operation) == []


def test_turns_of_a_loop_with_spans_of_their_own_are_one_finding() -> None:
    """One query under each of many spans of one name: the loop is found over all of them."""
    operation = an_operation()
    turns = [a_span("render item") for _ in range(8)]
    for index, turn in enumerate(turns):
        operation.append(a_record(operation, AUTHOR, at_ns=index * 10_000, parent=turn, parameters=index))

    assert found(operation) == [("n_plus_one", 8, 1)]


def test_parts_of_different_names_are_no_loop() -> None:
    """Twin: the same query in eight parts of different names is eight times one query."""
    operation = an_operation()
    parts = [a_span(f"part {index}") for index in range(8)]
    for index, part in enumerate(parts):
        operation.append(a_record(operation, AUTHOR, at_ns=index * 10_000, parent=part))

    assert found(operation) == []


@pytest.mark.parametrize(("gap_ns", "concurrent"), [(500, True), (2000, False)], ids=["at once", "one by one"])
def test_repeats_at_the_same_time_are_concurrent(gap_ns: int, concurrent: bool) -> None:
    """A repeat that starts before the one before it has ended says that they ran at once."""
    operation = an_operation()
    for index in range(8):
        operation.append(a_record(operation, AUTHOR, at_ns=index * gap_ns, took_ns=1000, parameters=index))

    (finding,) = find(ended(operation).groups(), LIMIT)

    assert finding.concurrent is concurrent


def test_writes_are_apart_from_reads() -> None:
    """A loop that reads and writes in turns is two findings, of which one says that it writes."""
    operation = run(an_operation(), [AUTHOR, "update author set name = ? where id = ?"] * 8)

    findings = find(ended(operation).groups(), LIMIT)

    assert {("SELECT author", False), ("UPDATE author", True)} == {
        (finding.fingerprint.summary, finding.write) for finding in findings
    }


def test_a_finding_says_how_many_parameters_there_were() -> None:
    """Twelve repeats over three different parameters: three answers were asked for twelve times."""
    operation = an_operation()
    for index in range(12):
        operation.append(a_record(operation, AUTHOR, at_ns=index * 10_000, parameters=index % 3))

    (finding,) = find(ended(operation).groups(), LIMIT)

    assert (FindingKind.N_PLUS_ONE, 12, 3) == (finding.kind, finding.repeats, finding.parameters)


def test_literals_in_the_text_are_parameters() -> None:
    """Different literals make no duplicate, equal ones do."""
    different = run(an_operation(), [f"select name from author where id = {number}" for number in range(8)])
    equal = an_operation()
    for index in range(8):
        equal.append(a_record(equal, "select name from author where id = 4", at_ns=index * 10_000))

    assert [("n_plus_one", 8, 1), ("duplicate", 8, 1)] == [*found(different), *found(equal)]


@pytest.mark.parametrize(
    ("statement", "silent"),
    [
        (f"select name from author where id in ({', '.join(map(str, range(60)))})", True),
        ("select name from author where id in (1, 2, 3)", False),
        ("select 1", True),
        ("select 1 from author", False),
        ("fetch forward 100 from c1", True),
    ],
    ids=["batch", "short list", "check", "existence", "page of a cursor"],
)
def test_repeats_that_are_batches_or_ask_nothing_are_silent(statement: str, silent: bool) -> None:
    """Ten lists of sixty are batches, ten pings ask for no data; ten short lists are a loop."""
    assert (found(run(an_operation(), [statement] * 10)) == []) is silent


@pytest.mark.parametrize("verb", ["SAVEPOINT s", "COMMIT"])
def test_transaction_verbs_are_no_finding(verb: str) -> None:
    """Fifty savepoints are not an N+1."""
    assert found(run(an_operation(), [verb] * 50)) == []
