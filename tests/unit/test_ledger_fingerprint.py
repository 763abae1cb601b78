"""Fingerprints: equal for equal statements whatever the literals, in one form, and what kind of traffic they are."""

from __future__ import annotations

import pytest

from otel_verein.config.schema import Limits
from otel_verein.ledger.fingerprint import StatementKind, fingerprint

TEXTS = [
    pytest.param("", "SELECT  a\n FROM t -- c\n WHERE b = 1;", "SELECT a FROM t WHERE b = ?", id="canonical-spacing"),
    pytest.param("", "select * from t where a in (1,2) limit 20", "select * from t where a in (?) limit ?", id="in"),
    pytest.param("", "select 1 where a in ('1'::int, $2)", "select ? where a in (?)", id="in-with-cast"),
    pytest.param("", "select a in (%s, 1,'x' , NULL, -2)", "select a in (?)", id="in-mixed"),
    pytest.param("", "select a in (1, 2+2)", "select a in (?)", id="in-with-arithmetic"),
    pytest.param("", "select a in (b, 2)", "select a in (b, ?)", id="in-with-a-column"),
    pytest.param("", "select a in ((1, 'x'), (2, 'y'))", "select a in (?)", id="in-rows"),
    pytest.param("postgresql", "a = ANY(ARRAY[1, 2])", "a = ANY (?)", id="any-array"),
    pytest.param("postgresql", "a = any('{1,2}'::int[])", "a = any (?)", id="any-cast-array"),
    pytest.param("", "select -1, a, .5, b, 1e-5, c, 0xFF, a-1", "select ?, a, ?, b, ?, c, ?, a - ?", id="numbers"),
    pytest.param("", "select a, 1, 2, 3", "select a, ?", id="values-side-by-side"),
    pytest.param("", "select t1.a2 from s3.t1", "select t1.a2 from s3.t1", id="digits-in-names"),
    pytest.param("", "select X'ff', a, N'x', b, B'01'", "select ?, a, ?, b, ?", id="prefixed-strings"),
    pytest.param("mysql", "select _utf8'x', a, 0b01, b, 'x' 'y'", "select ?, a, ?, b, ?", id="mysql-literals"),
    pytest.param("mysql", 'select `x` where n = "a\\"b"', "select `x` where n = ?", id="mysql-double-quotes"),
    pytest.param("mysql", 'select n in ("a","b")', "select n in (?)", id="mysql-double-quoted-list"),
    pytest.param("mysql", "select 'a\\'b', a, 'c' # d", "select ?, a, ?", id="mysql-backslash"),
    pytest.param("mysql", "select 'a\\\\', a", "select ?, a", id="mysql-escaped-backslash"),
    pytest.param("mysql", "select a--1\n, b", "select a - ?, b", id="mysql-two-signs-are-no-comment"),
    pytest.param("mariadb", "select `tab X`.a, @b", "select `tab X`.a, @b", id="mariadb-names-and-variables"),
    pytest.param("postgresql", "select \"C\" where a = 'x''y'", 'select "C" where a = ?', id="pg"),
    pytest.param("postgresql", "select $a$ it's $a$, b, E'it\\'s'", "select ?, b, ?", id="pg-dollar-and-escape"),
    pytest.param(
        "postgresql", "select arr[1], a->>'k' from t", "select arr[?], a ->> ? from t", id="pg-array-and-json"
    ),
    pytest.param("postgresql", "a @> '{}' and b ? 'k' and c ?| %s", "a @> ? and b ? ? and c ?| ?", id="pg-operators"),
    pytest.param("postgresql", "/* a /* b */ 'x */ select 1", "select ?", id="pg-nested-comment"),
    pytest.param("postgresql", "a = '1'::double precision and b", "a = ? and b", id="pg-long-type"),
    pytest.param("sqlite", "select [a b] from t where c = :name", "select [a b] from t where c = ?", id="sqlite"),
    pytest.param("sqlite", 'a = "bob" and "t"."a" = "t"."b"', 'a = ? and "t"."a" = "t"."b"', id="sqlite-loose-string"),
    pytest.param("sqlite", "a like '%x' escape '\\' and b", "a like ? escape ? and b", id="sqlite-escape-clause"),
    pytest.param(
        "microsoft.sql_server",
        "select [it's] from [a].[b] where c = @p1",
        "select [it's] from [a].[b] where c = ?",
        id="brackets",
    ),
    pytest.param(
        "oracle.db", "select q'[it's]', a, :1, b, nq'!x'!' from d", "select ?, a, ?, b, ? from d", id="oracle"
    ),
    pytest.param("", "insert into t (a) values (1,'x'), (2,'y')", "insert into t(a) values (?)", id="rows"),
    pytest.param(
        "", "values (1, now()), (2, now()) on conflict", "values (?, now()) on conflict", id="rows-with-calls"
    ),
    pytest.param(
        "postgresql",
        "VALUES (1::double precision, ARRAY[1]), (2::double precision, ARRAY[2,3]) RETURNING id",
        "VALUES (?) RETURNING id",
        id="rows-with-casts-and-arrays",
    ),
    pytest.param(
        "mysql",
        "insert t values ((1),(2)), ((3),4) on duplicate key update a=1",
        "insert t values (?) on duplicate key update a = ?",
        id="rows-nested",
    ),
    pytest.param("", "f(cast(? as int), cast(? as int))", "f(cast(? as int))", id="equal-elements"),
    pytest.param("", "select a; select b;", "select a; select b", id="two-statements"),
    pytest.param("", 'select "a b"', 'select "a b"', id="quotes-of-names-stay"),
    pytest.param("", "select 'unclosed secret", "select ?", id="unclosed-string"),
    pytest.param("", 'select "unclosed secret', "select ?", id="unclosed-name"),
    pytest.param("", "select 1 /* unclosed secret", "select ?", id="unclosed-comment"),
    pytest.param("", "select 'a\\', secret, 'b'", "select ?", id="unknown-backslash-masks-the-rest"),
    pytest.param("mysql", "select 'a\\', secret, 'b'", "select ?", id="mysql-without-escapes-masks-the-rest"),
    pytest.param("postgresql", "select 'a\\'secret', 'c\\'d'", "select ?", id="pg-with-old-strings-masks-the-rest"),
]


@pytest.mark.parametrize(("dialect", "statement", "expected"), TEXTS)
def test_text_has_no_literals_and_one_form(dialect: str, statement: str, expected: str) -> None:
    """The text is the statement with ``?`` for every literal and placeholder, lists collapsed, spaced one way."""
    assert expected == fingerprint(statement, dialect).text


@pytest.mark.parametrize("style", ["%s", "%(a)s", "?", ":a", ":1", "$1", "@p1", "7", "'x'", "-7", "'7'::int"])
def test_every_placeholder_style_is_one_key(style: str) -> None:
    """How a value is given does not change what the statement is."""
    assert fingerprint("select a from t where b = 1").key == fingerprint(f"select a from t where b = {style}").key


def test_pretty_printed_is_the_same_statement() -> None:
    """Line breaks, indentation, comments and a trailing semicolon do not make another statement."""
    pretty = "\n  SELECT a,\n         b  -- names\n    FROM t /* big */\n   WHERE (c = 1)\n;\n"

    assert fingerprint("SELECT a, b FROM t WHERE (c = 1)").key == fingerprint(pretty).key


@pytest.mark.parametrize("length", [1, 2, 7, 2000])
@pytest.mark.parametrize("item", ["1", "'a'", "%s", "$1", "'1'::int", "(1, 'b')", "%(id_1)s::INTEGER"])
def test_length_of_a_list_is_no_difference(item: str, length: int) -> None:
    """A list of values is one statement whatever it holds and however long it is."""
    statement = f"select a from t where b in ({', '.join([item] * length)})"

    assert "select a from t where b in (?)" == fingerprint(statement, "postgresql").text


KINDS = [
    (
        StatementKind.TRANSACTION,
        [
            "BEGIN",
            "begin immediate",
            "commit",
            "ROLLBACK TO SAVEPOINT x",
            "SAVEPOINT s1",
            "release savepoint s1",
            "START TRANSACTION",
            "set autocommit = 0",
            "END",
            "BEGIN ; ROLLBACK",
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "SAVE TRAN x",
        ],
    ),
    (StatementKind.BLANK, ["", "  ", "-- x", "/* x */", ";", " ; ; "]),
    (StatementKind.SESSION, ["SET search_path = a", "USE shop", "ALTER SESSION SET a = 1", "RESET ALL"]),
    (
        StatementKind.QUERY,
        [
            "SELECT 1",
            "PRAGMA foreign_keys",
            "SHOW TABLES",
            "BEGIN proc(:1); END;",
            "BEGIN; SELECT 1",
            "SET a = 1; SELECT 2",
            "CALL p()",
            "(SELECT 1) UNION (SELECT 2)",
            "EXPLAIN SELECT 1",
        ],
    ),
]


@pytest.mark.parametrize(
    ("kind", "statement"), [(kind, statement) for kind, statements in KINDS for statement in statements]
)
def test_only_what_the_application_asks_is_a_query(kind: StatementKind, statement: str) -> None:
    """What steers a transaction or sets up a session, and what is empty, is no query."""
    found = fingerprint(statement)

    assert (kind, kind is StatementKind.QUERY) == (found.kind, found.counted)


@pytest.mark.parametrize(
    ("statement", "summary"),
    [
        ("select 1 from a join b on a.x = b.x", "SELECT a b"),
        ("select 1 from a x, b as y, c where d", "SELECT a b c"),
        ('insert into "shop"."line" values (1)', "INSERT shop.line"),
        ("update a set b = (select c from d)", "UPDATE a d"),
        ("with x as (select 1 from z), w(k) as (select 2) delete from y using x", "DELETE z y"),
        ("with recursive x as (select 1 union select 2 from x) select * from x", "SELECT"),
        ("with x as (select 1) update t set a = 1", "UPDATE t"),
        ("select extract(year from a), trim(b from c) from t", "SELECT t"),
        ("select a from t for update of t", "SELECT t"),
        ("insert into t values (1) on conflict do update set a = 2", "INSERT t"),
        ("select a from generate_series(1, 2)", "SELECT"),
        ("delete from t where a is distinct from b", "DELETE t"),
        ("truncate table t", "TRUNCATE t"),
        ("copy t (a) from stdin", "COPY t"),
        ("merge into t using s on a = b when matched then delete", "MERGE t s"),
        ("{call p(?)}", "CALL p"),
        ("select 1", "SELECT"),
        ("select a; update t set b = 1", "SELECT t"),
    ],
)
def test_summary_is_verb_and_tables(statement: str, summary: str) -> None:
    """The summary follows the semantic conventions: operation, then tables in order of appearance."""
    found = fingerprint(statement)

    assert (summary.split(" ")[0], summary) == (found.verb, found.summary)


WRITES = [
    "insert into t values (1)",
    "update t set a = 1",
    "delete from t",
    "replace t values (1)",
    "merge into t using s on a = b",
    "truncate t",
    "copy t from stdin",
    "with x as (delete from t returning a) select a from x",
    "with x as (select 1) insert t",
    "select a; delete from t",
]
READS = [
    "select 1",
    "select replace(a, 'b', 'c')",
    "call p()",
    "copy (select a from t) to stdout",
    "select a from t for update",
    "begin",
    "with x as (select 1) select a from x",
]


@pytest.mark.parametrize(
    ("write", "statement"), [*((True, text) for text in WRITES), *((False, text) for text in READS)]
)
def test_writes_are_told_from_reads(write: bool, statement: str) -> None:
    """A statement writes if its text says that rows change; what a procedure does is not known and reads as no."""
    assert write == fingerprint(statement).write


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SAVEPOINT s1_x1", 'SAVEPOINT "s9_x2"'),
        ("ROLLBACK TO SAVEPOINT s1", "ROLLBACK TO SAVEPOINT `s2`"),
        ('DECLARE "c_139_sync_1" CURSOR FOR SELECT a', 'DECLARE "c_140_sync_7" CURSOR FOR SELECT a'),
        ("FETCH FORWARD 10 FROM c_1", "FETCH FORWARD 20 FROM c_2"),
        ("CLOSE c_1", "CLOSE c_2"),
    ],
)
def test_generated_names_are_one_statement(one: str, other: str) -> None:
    """Names of savepoints and cursors are made anew for each use."""
    assert fingerprint(one, "postgresql").key == fingerprint(other, "postgresql").key


def test_numbered_tables_are_different_statements() -> None:
    """A number in a table's name may be a shard or a year, which are different tables; only the server could tell."""
    assert fingerprint("select a from sales_2024").key != fingerprint("select a from sales_2025").key


def test_backticks_tell_the_dialect_of_an_unknown_database() -> None:
    """Where the database is unknown and a text has backticks, double quotes are strings."""
    assert "select `a` where b = ?" == fingerprint('select `a` where b = "secret"', "other_sql").text


def test_text_past_the_bound_is_cut_and_says_so() -> None:
    """Only the first part of a long text is read, and texts that differ behind it are one."""
    limits = Limits(fingerprint_bytes=1024)
    texts = [f"insert into t values {', '.join(['(1, 2)'] * rows)}" for rows in (1000, 2000)]

    found = [fingerprint(text, "", limits) for text in texts]

    assert found[0] == found[1]
    assert found[0].text.startswith("insert into t values (?)")
    assert found[0].text.endswith("/* cut */")
