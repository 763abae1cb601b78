"""Skeletons: texts of one shape share one, and the compiled pass reads what most statements are made of."""

from __future__ import annotations

import pytest

from otel_verein.ledger import skeleton as module
from otel_verein.ledger.dialect import dialect_of
from otel_verein.ledger.skeleton import WHOLE, interpreted, skeleton
from tests.conftest import absent

SHAPES = {
    "literals": ("select a from t where b = 1 and c = 'x'", "select a  from t\nwhere b = 22 and c = 'it''s'"),
    "comments": ("select a from t -- one\n where b = 1", "/* two */ select a from t where b = 2 /* three */;"),
    "lists": ("select a from t where b in (1, 2, 3)", "select a from t where b in (4)"),
    "rows": ("insert into t values (1, 'a'), (2, 'b')", "insert into t values (3, 'c')"),
    "placeholders": ("select a from t where b in (%s, %s)", "select a from t where b in (1)"),
    "numbered": ("select a from t where b in ($1, $2)", "select a from t where b in ($3)"),
    "casts": ("insert into t values ($1::int, $2::text)", "insert into t values (1)"),
    "quoted names": ('select "a b" from "t" where "a b" = \'x\'', 'select "a b" from "t" where "a b" = \'y\''),
}
APART = {
    "columns": ("select a from t", "select b from t"),
    "spaces in names": ('select "a b" from t', 'select "a  b" from t'),
    "operators": ("select a from t where b < 1", "select a from t where b > 1"),
    "digits of names": ("select a from t1", "select a from t2"),
    "rows of a select": ("select (1), (2)", "select (1)"),
}


@pytest.fixture
def compiled() -> None:
    """The compiled pass is there; where services are required it has to be."""
    if module._skeleton is None:
        absent("the skeleton was not compiled: no C compiler or no Python headers when the package was installed")


@pytest.mark.parametrize(("one", "other"), SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.usefixtures("compiled")
def test_texts_of_one_shape_share_a_compiled_key(one: str, other: str) -> None:
    """What differs in literals, comments, spaces and lengths of lists only has one key, from the compiled pass."""
    rules = dialect_of("postgresql", one)
    key = skeleton(one, rules)

    assert key is not None
    assert key[1] == WHOLE
    assert key == skeleton(other, rules)


@pytest.mark.parametrize(("one", "other"), APART.values(), ids=APART.keys())
@pytest.mark.usefixtures("compiled")
def test_texts_of_two_shapes_have_two(one: str, other: str) -> None:
    """Twin: what differs in anything else is told apart, by either pass."""
    rules = dialect_of("postgresql", one)

    assert skeleton(one, rules) != skeleton(other, rules)
    assert interpreted(one, rules) is None or interpreted(one, rules) != interpreted(other, rules)


@pytest.mark.parametrize(
    "text",
    ["select E'a'", "select 'a\\'b'", "select $$a$$", "select 1e5", "select 'open", "/* open", "\0", 'select "open'],
    ids=repr,
)
@pytest.mark.usefixtures("compiled")
def test_what_takes_more_than_a_pass_has_no_compiled_key(text: str) -> None:
    """Prefixes, escapes, dollar quotes, odd numbers and what does not end are left to the reading in full."""
    rules = dialect_of("postgresql", text)

    assert module._skeleton.skeleton(text, rules.flags) is None


def test_without_the_compiled_pass_keys_are_the_interpreted_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing was compiled, plain texts still have a key."""
    monkeypatch.setattr(module, "_skeleton", None)
    rules = dialect_of("sqlite", "")
    text = "select a from t where b = 1"

    assert skeleton(text, rules) == interpreted(text, rules) is not None
