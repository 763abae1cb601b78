"""Globs as patterns of RE2, and conditions with bound values."""

from __future__ import annotations

from fnmatch import fnmatchcase

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_verein.sources.base import Ask
from otel_verein.sources.sql.dialect import CLICKHOUSE, DUCKDB, Query, asked, both, named, pattern_of, within

_DATABASE = duckdb.connect(":memory:")


def fits(text: str, glob: str) -> bool:
    """What the database says."""
    return bool(_DATABASE.execute("SELECT regexp_matches($1, $2)", [text, pattern_of(glob)]).fetchall()[0][0])


@pytest.mark.parametrize(
    ("glob", "text"),
    [
        ("GET *", "GET /a/{id}"), ("GET *", "POST /"), ("*", ""), ("", ""), ("", "a"), ("a?c", "abc"), ("a?c", "a\nc"),
        ("[ab]c", "bc"), ("[!ab]c", "bc"), ("[!ab]c", "xc"), ("[a", "[a"), ("[]a]", "]"), ("[!]a]", "]"),
        ("[a-c]", "b"), ("[c-a]", "b"), ("[!c-a]", "b"), ("a.b", "axb"), ("a+(b)", "a+(b)"), ("ü*", "über"),
        ("[^a]", "^"), ("[a-]", "-"),
    ],
)  # fmt: skip
def test_a_glob_fits_what_it_fits_in_python(glob: str, text: str):
    """Whatever its characters mean elsewhere."""
    assert fits(text, glob) == fnmatchcase(text, glob)


@settings(max_examples=300, deadline=None)
@given(st.text("ab[]!-*?^\\.]", max_size=7), st.text("ab[]!-^\\.", max_size=5))
def test_any_glob_fits_what_it_fits_in_python(glob: str, text: str):
    """Also those that nobody writes."""
    assert fits(text, glob) == fnmatchcase(text, glob)


def test_conditions_bind_their_values():
    """Nothing of what is asked for stands in the text."""
    ask = Ask(1, 2, "s", "e", "v", "GET *")

    assert asked(DUCKDB, ask) == Query(
        "service = $service AND environment = $environment AND version = $version",
        {"service": "s", "environment": "e", "version": "v"},
    )
    assert both(within(CLICKHOUSE, ask), asked(CLICKHOUSE, Ask(service="s")), named(CLICKHOUSE, Ask())) == Query(
        "start_ns >= {start_ns:Int64} AND start_ns < {end_ns:Int64} AND service = {service:String}",
        {"start_ns": 1, "end_ns": 2, "service": "s"},
    )
    assert both(asked(DUCKDB, Ask()), within(DUCKDB, Ask())) == Query("true")
