"""Fingerprints of any text at all: no literal gets out, known shapes are right, time is linear."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from otel_verein.config.schema import Limits
from otel_verein.ledger.dialect import dialect_of
from otel_verein.ledger.fingerprint import Fingerprints, fingerprint
from otel_verein.ledger.skeleton import interpreted, skeleton

DIALECTS = ["", "postgresql", "mysql", "mariadb", "sqlite", "microsoft.sql_server", "oracle.db"]

QUOTED = [
    "'a'",
    "'b''c'",
    "''",
    '"x"',
    '"y z"',
    '"w 1"',
    "`q`",
    "`r s`",
    "[k]",
    "[1 2]",
    "$$",
    "$a$",
    "E'",
    "N'",
    "x'",
    "q'",
]
QUOTED += ["Q'[", "]'", "'", '"', "`", "\\", "\\'", "/* it's */", "-- it's\n", "--", "/*", "*/", "#"]
VALUES = [
    "1",
    "22",
    "3.5",
    ".5",
    "1e5",
    "0xFF",
    "7up",
    "$1",
    "$2",
    ":n",
    ":m",
    "%s",
    "%(a)s",
    "%(b1)s",
    "%s1",
    "@p1",
    "?",
]
PLAIN = [
    "t1",
    "t2",
    "@x",
    "::int",
    "::text",
    "?|",
    ",",
    "(",
    ")",
    "),",
    "), (",
    "),(",
    "[",
    "]",
    ".",
    "-",
    "+",
    "=",
    "IN (",
    "in",
]
PLAIN += ["VALUES (", "select", "SET", "and", "as", "from", "a", "NULL", ";", ":", "$", "%", "é", "\u2013", "\n", "  "]
CONTROLS = ["\0", "\x01", "\x02", "\ud800", "\xa0"]
ATOMS = [*QUOTED, *VALUES, *PLAIN, *CONTROLS]

atoms = st.one_of(st.sampled_from(ATOMS), st.text(max_size=3))
glue = st.sampled_from(["", "", " ", ", ", "\n"])
texts = st.lists(st.tuples(atoms, glue), max_size=8).map(lambda parts: "".join(a + b for a, b in parts))
dialects = st.sampled_from(DIALECTS)


@settings(max_examples=400, deadline=None)
@given(st.lists(texts, min_size=1, max_size=12), dialects)
@example(["", " ", ";"], "")
def test_known_shapes_give_what_a_full_reading_gives(statements: list[str], dialect: str) -> None:
    """Whatever was seen before, and however often, the fingerprint is that of the text alone."""
    known = Fingerprints(Limits())

    found = [known.of(statement, dialect) for statement in statements * 3]

    assert [fingerprint(statement, dialect) for statement in statements] * 3 == found


@settings(max_examples=400, deadline=None)
@given(st.lists(atoms, min_size=1, max_size=6), st.data(), dialects)
def test_equal_skeletons_have_equal_fingerprints(parts: list[str], data: st.DataObject, dialect: str) -> None:
    """Two texts with one skeleton are one statement: the short way never joins what a full reading tells apart."""
    found = []
    for _ in range(6):
        changed = [data.draw(st.sampled_from([part, part, *ATOMS])) + data.draw(glue) for part in parts]
        found.append("".join(changed))

    by_skeleton: dict[object, set[object]] = {}
    for statement in found:
        rules = dialect_of(dialect, statement)
        for plain in (skeleton(statement, rules), interpreted(statement, rules)):
            if plain is not None:
                by_skeleton.setdefault((rules.names, plain), set()).add(fingerprint(statement, dialect))

    assert [1] * len(by_skeleton) == [len(fingerprints) for fingerprints in by_skeleton.values()]


STANDARD = ["'{}'", "'it''s {}'", "'{} -- x'", "'/* {}'", "N'{}'", "X'{}'", "'\"{}\"'", "'a' '{}'", "('x', '{}')"]
LITERALS = {
    "": [*STANDARD, "$$it's {}$$", "$t${}$t$", "'a\\'{}'"],
    "postgresql": [*STANDARD, "$$it's {}$$", "$t$ $$ {}$t$", "E'it\\'s {}'", "U&'{}'", "B'{}'", "'{}'::text"],
    "mysql": [*STANDARD, '"{}"', '"it\'s {}"', "'a\\'{}'", "_utf8'{}'", '"a\\"{}"', '("x", "{}")', "'a\\\\', '{}'"],
    "sqlite": [*STANDARD, "'C:\\', '{}'"],
    "microsoft.sql_server": [*STANDARD, "'C:\\', '{}'"],
    "oracle.db": [*STANDARD, "q'[it's {}]'", "Q'!{}!'", "nq'({}')'", "'C:\\', '{}'"],
}
LITERALS["mariadb"] = LITERALS["mysql"]
NUMBERS = ["{}", "-{}", "{}.5", ".{}", "0x{}", "{}e5", "1e-{}", "1, {}", "({})", "+{}"]
PLACES = [
    "select a from t where b = {}",
    "select a from t where b in (1, {}, c)",
    "insert into t values ({}, now()), ({}, 'x')",
    "update t set a = {} where b={}--c",
    "select a /* it's */ from t where b = {} limit 1",
    "select 'x' as b, {} from t order by a",
    "-- don't\nselect {}",
]


@settings(max_examples=500, deadline=None)
@given(dialects, st.integers(10**9, 10**12), st.data())
def test_no_literal_gets_out(dialect: str, number: int, data: st.DataObject) -> None:
    """No part of a literal of any form is in what leaves the process, nor in the text that the key is made of."""
    secret, form = data.draw(
        st.one_of(
            st.sampled_from(LITERALS[dialect]).map(lambda form: (f"secret{number}", form)),
            st.sampled_from(NUMBERS).map(lambda form: (str(number), form)),
        )
    )
    statement = data.draw(st.sampled_from(PLACES)).replace("{}", form.replace("{}", secret))
    known = Fingerprints(Limits(query_text_bytes=10**6))

    found = [known.of(statement, dialect), known.of(statement.replace(secret, "9" * 10), dialect)]

    assert [False, False] == [part in repr(found) for part in (secret, "9" * 10)]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=300), texts, st.text(st.characters(codec=None), max_size=50)), st.text(max_size=10))
def test_any_text_has_a_fingerprint(statement: str, dialect: str) -> None:
    """No text raises in any dialect, known or not, and a fingerprint can be encoded."""
    found = fingerprint(statement, dialect)

    assert 16 == len(found.key)
    assert found == fingerprint(statement, dialect)


@settings(max_examples=200, deadline=None)
@given(texts, dialects)
def test_a_sanitised_text_is_its_own_fingerprint_but_for_the_form(statement: str, dialect: str) -> None:
    """The sanitised text, read again, holds no digit that stands alone: nothing was left to mask."""
    found = fingerprint(statement, dialect)

    assert [] == [word for word in found.text.replace("(", " ").replace(",", " ").split() if word.isdecimal()]


HOSTILE = [
    *[
        "'",
        "'&",
        "''",
        "'a' ",
        '"',
        '"a"',
        '"a".',
        "`",
        "[",
        "]",
        "[a].",
        "/*",
        "*/",
        "/*/",
        "--",
        "-",
        "- ",
        " ",
        "\n",
        "#",
    ],
    *[
        "((",
        "(1,",
        "(1),",
        "(a,(1),",
        "))",
        "f(",
        "f(1),",
        "(f(1)),",
        "1",
        "1 ",
        "1,",
        "1.",
        "1e",
        "a1",
        ".1",
        "\0",
        "\\",
        "'\\",
    ],
    *[
        "$",
        "$a",
        "$a$",
        "$1",
        "$1,",
        "%s",
        "%s,",
        "%(",
        "%(a)s,",
        ":a",
        "::",
        "1::a,",
        "1::a::",
        "?",
        "@",
        "@a",
        "a",
        "a ",
        "a.",
        ";",
    ],
    *[
        "with x as (",
        ") as (",
        "from a,",
        "from ",
        "table ",
        "update ",
        "values (",
        "in (",
        "select (select ",
        "q'[",
        "E'\\",
        "é",
    ],
]


@pytest.mark.parametrize(
    ("dialect", "prefix"),
    [("postgresql", "select "), ("mysql", "insert into t values (1), "), ("microsoft.sql_server", "with a as (")],
)
def test_cost_is_linear(dialect: str, prefix: str) -> None:
    """Four times the text costs about four times the time, whatever repeats in it: sixteen would be quadratic."""
    slow = slow_ones(dialect, prefix, 4_000, limit=9)

    assert [] == slow


PREFIXES = ["select ", "select '", "with a as (", "insert into t values (1), "]


@pytest.mark.soak
@pytest.mark.parametrize(("dialect", "prefix"), list(zip(DIALECTS, PREFIXES * 2, strict=False)), ids=str)
def test_cost_is_linear_up_to_a_megabyte(dialect: str, prefix: str) -> None:
    """Up to a million characters four times the text costs 4 to 7 times the time: the caches get too small."""
    slow = [found for size in (62_500, 250_000) for found in slow_ones(dialect, prefix, size, limit=11)]

    assert [] == slow


def slow_ones(dialect: str, prefix: str, size: int, *, limit: float) -> list[tuple[str, float]]:
    """The hostile units whose cost grows by more than *limit* from *size* to four times of it."""
    limits = Limits(fingerprint_bytes=10_000_000)
    rules = dialect_of(dialect, "")
    found = []
    for unit in HOSTILE:
        for call in (lambda text: fingerprint(text, dialect, limits), lambda text: skeleton(text, rules)):
            texts = [prefix + unit * (length // len(unit)) for length in (size, 4 * size)]
            small, big = seconds(call, texts[0]), seconds(call, texts[1])
            if big > limit * max(small, 0.001) and seconds(call, texts[1]) > limit * max(
                seconds(call, texts[0]), 0.001
            ):
                found.append((unit, big / max(small, 0.001)))
    return found


def seconds(call: Callable[[str], object], text: str) -> float:
    """The processor time of one *call* with *text*."""
    started = time.process_time()
    call(text)
    return time.process_time() - started
