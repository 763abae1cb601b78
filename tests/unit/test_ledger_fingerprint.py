"""Fingerprints: equal for equal statements whatever the literals, no literal in the text, linear in the length."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_verein.config.schema import Limits
from otel_verein.ledger.fingerprint import Fingerprints, fingerprint

TEXTS = [
    pytest.param("", "SELECT  a\n FROM t -- c\n WHERE b = 1;", "SELECT a FROM t WHERE b = ?", id="canonical-spacing"),
    pytest.param("", "select * from t where a in (1,2) limit 20", "select * from t where a in (?) limit ?", id="in"),
    pytest.param("", "select 1 where a in ('1'::int, $2)", "select ? where a in (?)", id="in-with-cast"),
    pytest.param("", "select -1, .5, 1e-5, 0xFF, a-1", "select ?, ?, ?, ?, a - ?", id="numbers"),
    pytest.param("mysql", 'select `x` where n = "a\\"b"', "select `x` where n = ?", id="mysql-double-quotes"),
    pytest.param("mysql", "select 'a\\'b', 'c' # d", "select ?, ?", id="mysql-backslash"),
    pytest.param(
        "postgresql", "select \"Col\" from \"T\" where a = 'x''y'", 'select "Col" from "T" where a = ?', id="pg"
    ),
    pytest.param("postgresql", "select $a$ it's $a$, E'it\\'s'", "select ?, ?", id="pg-dollar-and-escape"),
    pytest.param("postgresql", "select arr[1], a->>'k'", "select arr[?], a ->> ?", id="pg-array-and-json"),
    pytest.param("sqlite", "select [a b] from t where c = :name", "select [a b] from t where c = ?", id="sqlite"),
    pytest.param("", "insert into t (a) values (1,'x'), (2,'y')", "insert into t(a) values (?)", id="rows"),
    pytest.param("", "select 'unclosed secret", "select ?", id="unclosed-string"),
    pytest.param("", "select 1 /* unclosed secret", "select ?", id="unclosed-comment"),
]


@pytest.mark.parametrize(("dialect", "statement", "expected"), TEXTS)
def test_text_has_no_literals_and_one_form(dialect: str, statement: str, expected: str) -> None:
    """The text is the statement with ``?`` for every literal and placeholder, lists collapsed, spaced one way."""
    assert fingerprint(statement, dialect).text == expected


@pytest.mark.parametrize("style", ["%s", "%(a)s", "?", ":a", "$1", "7", "'x'"])
def test_every_placeholder_style_is_one_key(style: str) -> None:
    """How a value is given does not change what the statement is."""
    assert fingerprint(f"select a from t where b = {style}").key == fingerprint("select a from t where b = 1").key


@pytest.mark.parametrize(
    "statement",
    ["BEGIN", "commit", "ROLLBACK TO SAVEPOINT x", "SAVEPOINT s1", "release savepoint s1", "START TRANSACTION",
     "set autocommit = 0", "", "  ", "-- x", "/* x */", ";"],
)  # fmt: skip
def test_transaction_verbs_and_blanks_are_not_queries(statement: str) -> None:
    """What steers a transaction, and what is empty, is no query."""
    assert not fingerprint(statement).counted


@pytest.mark.parametrize(
    ("statement", "verb", "summary"),
    [
        ("select 1 from a join b on a.x = b.x", "SELECT", "SELECT a b"),
        ('insert into "shop"."line" values (1)', "INSERT", "INSERT shop.line"),
        ("update a set b = (select c from d)", "UPDATE", "UPDATE a d"),
        ("with x as (select 1) delete from y", "DELETE", "DELETE y"),
        ("select 1", "SELECT", "SELECT"),
    ],
)
def test_summary_is_verb_and_tables(statement: str, verb: str, summary: str) -> None:
    """The summary follows the semantic conventions: operation, then tables in order of appearance."""
    found = fingerprint(statement)

    assert (found.verb, found.summary) == (verb, summary)


def test_savepoint_names_are_one_statement() -> None:
    """Generated savepoint names make no new fingerprints."""
    assert fingerprint("SAVEPOINT s1_x1").key == fingerprint('SAVEPOINT "s9_x2"').key


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400), st.sampled_from(["", "sqlite", "mysql", "postgresql"]))
def test_any_text_has_a_fingerprint(statement: str, dialect: str) -> None:
    """No text raises, and a fingerprint is stable."""
    assert fingerprint(statement, dialect) == fingerprint(statement, dialect)


@pytest.mark.parametrize("unit", ["'&", "/*", "$a$", "((", "(1,", '"', "-", "a.", "'a\\"])
def test_cost_is_linear(unit: str) -> None:
    """Four times the text costs at most about four times the time, whatever repeats in it."""
    limits = Limits(fingerprint_bytes=10_000_000)

    def cost(size: int) -> float:
        statement = "select " + unit * size
        best = []
        for _ in range(3):
            started = time.process_time()
            fingerprint(statement, "postgresql", limits)
            best.append(time.process_time() - started)
        return min(best)

    assert cost(40_000) < 12 * max(cost(10_000), 0.001)


def test_memory_is_bounded_over_distinct_texts() -> None:
    """A stream of unique statements never holds more than the configured number."""
    known = Fingerprints(Limits(fingerprints=100))

    for index in range(1000):
        known.of(f"select a{index} from t", "sqlite")

    assert len(known) <= 100
