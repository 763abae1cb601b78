"""Edits of configuration files as people write them: every other character stays."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from otel_verein.config.editing import set_value, unset_value
from otel_verein.errors import ConfigError

RULES = [{"operation": "GET /health*", "ratio": 0.25}] * 3

SET: list[tuple[str, str, tuple[str, ...], Any, str]] = [
    ("replaced", "thresholds:\n  queries: 3  # few\n", ("thresholds", "queries"), 7,
     "thresholds:\n  queries: 7  # few\n"),
    ("appended to its section", "thresholds:\n    queries: 3\n\n# N+1\nn_plus_one:\n    repeats: 5\n",
     ("thresholds", "duration_s"), 1.5,
     "thresholds:\n    queries: 3\n    duration_s: 1.5\n\n# N+1\nn_plus_one:\n    repeats: 5\n"),
    ("after the section's own comments", "thresholds:\n  queries: 3  # and\n  # no more\n# next\nexport:\n",
     ("thresholds", "duration_s"), 1.5,
     "thresholds:\n  queries: 3  # and\n  # no more\n  duration_s: 1.5\n# next\nexport:\n"),
    ("after own comments below a blank line", "thresholds:\n  queries: 3\n\n  # duration_s: 2.0\n\nexport:\n",
     ("thresholds", "duration_s"), 1.5,
     "thresholds:\n  queries: 3\n\n  # duration_s: 2.0\n  duration_s: 1.5\n\nexport:\n"),
    ("new section", "# head\nsampling:\n  ratio: 1.0\n", ("thresholds", "queries"), 7,
     "# head\nsampling:\n  ratio: 1.0\nthresholds:\n  queries: 7\n"),
    ("new sections as deep as others", "sampling:\n    ratio: 1.0", ("environments", "production", "sampling", "ratio"),
     0.5, "sampling:\n    ratio: 1.0\nenvironments:\n    production:\n        sampling:\n            ratio: 0.5"),
    ("empty file", "", ("thresholds", "queries"), 7, "thresholds:\n  queries: 7\n"),
    ("only comments", "# nothing yet", ("thresholds", "queries"), 7, "# nothing yet\nthresholds:\n  queries: 7"),
    ("only a document start", "---\n", ("sampling", "ratio"), 0.5, "---\nsampling:\n  ratio: 0.5\n"),
    ("before a document end", "a: 1\n...\n# after\n", ("b",), 2, "a: 1\nb: 2\n...\n# after\n"),
    ("flow mapping", "thresholds: {queries: 3}  # few\n", ("thresholds", "duration_s"), 1.5,
     "thresholds: {queries: 3, duration_s: 1.5}  # few\n"),
    ("value in a flow mapping", "thresholds: {queries: 3, 'duration_s':2}\n", ("thresholds", "duration_s"), 1.5,
     "thresholds: {queries: 3, 'duration_s': 1.5}\n"),
    ("empty flow mapping", "thresholds: {}\n", ("thresholds", "queries"), 7, "thresholds: {queries: 7}\n"),
    ("flow mapping over lines", "thresholds: {\n  queries: 3,  # few\n  duration_s: 2,\n}\n", ("thresholds", "queries"),
     7, "thresholds: {\n  queries: 7,  # few\n  duration_s: 2,\n}\n"),
    ("new section in a flow mapping", "{sampling: {ratio: 1.0}}\n", ("thresholds", "queries"), 7,
     "{sampling: {ratio: 1.0}, thresholds: {queries: 7}}\n"),
    ("key without a value in a flow mapping", "thresholds: {queries}\n", ("thresholds", "queries"), 7,
     "thresholds: {queries: 7}\n"),
    ("empty section", "thresholds:  # none\n  # queries: 3\nexport:\n", ("thresholds", "queries"), 7,
     "thresholds:  # none\n  # queries: 3\n  queries: 7\nexport:\n"),
    ("section that is null", "thresholds: ~  # none\nexport:\n", ("thresholds", "queries"), 7,
     "thresholds:  # none\n  queries: 7\nexport:\n"),
    ("empty value", "export:\n  directory:  # here\n", ("export", "directory"), "/var",
     "export:\n  directory: /var  # here\n"),
    ("literal", "a: |\n  one\n  two\n\nb: 1\n", ("a",), "x", "a: x\n\nb: 1\n"),
    ("literal that keeps its end", "a: |+  # c\n  one\n\nb: 1\n", ("a",), "x", "a: x\nb: 1\n"),
    ("plain text over lines", "a: one\n  two\nb: 1\n", ("a",), "x", "a: x\nb: 1\n"),
    ("block list", "a:\n- 1\n# two\n- 2  # end\n\nb: 1\n", ("a",), [3], "a: [3]\n\nb: 1\n"),
    ("block list at the open end", "a:  # all\n  - 1\n  - 2", ("a",), [], "a: []  # all"),
    ("flow list over lines", "a: [1,\n    2]  # two\nb: 1\n", ("a",), [3, 4], "a: [3, 4]  # two\nb: 1\n"),
    ("long list", "sampling:\n  operations: []  # none\n  ratio: 1.0\n", ("sampling", "operations"), RULES,
     "sampling:\n  operations:  # none\n" + "    - {operation: 'GET /health*', ratio: 0.25}\n" * 3 + "  ratio: 1.0\n"),
    ("long list for a list", "sampling:\n  operations:\n  # some\n  - x\n  ratio: 1.0\n", ("sampling", "operations"),
     RULES, "sampling:\n  operations:\n  # some\n" + "    - {operation: 'GET /health*', ratio: 0.25}\n" * 3
     + "  ratio: 1.0\n"),
    ("long mapping", "", ("a", "b"), {"x" * 60: 1, "y" * 60: 2}, f"a:\n  b:\n    {'x' * 60}: 1\n    {'y' * 60}: 2\n"),
    ("section for a section", "a:\n  b: 1\n  c: 2\nd: 3\n", ("a",), {"b": 2}, "a: {b: 2}\nd: 3\n"),
    ("other line breaks", "a: 1\r\nb:\r\n  c: 2\r\n", ("b", "d"), 3, "a: 1\r\nb:\r\n  c: 2\r\n  d: 3\r\n"),
    ("byte order mark", "\ufeffa: 1\n", ("a",), 2, "\ufeffa: 2\n"),
    ("quotes stay", "a: \"x\"\nb: 'y'\n", ("a",), "z", "a: \"z\"\nb: 'y'\n"),
    ("other quotes stay", "a: \"x\"\nb: 'y'\n", ("b",), "it's", "a: \"x\"\nb: 'it''s'\n"),
    ("quoted and odd keys", "'a b':\n  \"3\": 1\n  4: 2\n", ("a b", "4"), 5, "'a b':\n  \"3\": 1\n  4: 5\n"),
    ("an alias that is the value", "a: &x 1\nb: *x\n", ("b",), 2, "a: &x 1\nb: 2\n"),
    ("an anchor that nothing uses", "a: &x\n  b: 1\n", ("a", "b"), 2, "a: &x\n  b: 2\n"),
    ("what is there already", "a: 0x10 # hex\n", ("a",), 16, "a: 0x10 # hex\n"),
    ("below another file's nodes", "distribution:\n  other: {}\n", ("distribution", "verein", "sampling", "ratio"), 0.5,
     "distribution:\n  other: {}\n  verein:\n    sampling:\n      ratio: 0.5\n"),
]  # fmt: skip

UNSET: list[tuple[str, str, tuple[str, ...], str]] = [
    ("with the comment beside it", "a:\n  # about b\n  b: 1  # one\n  c: 2\n", ("a", "b"), "a:\n  # about b\n  c: 2\n"),
    ("last of its section", "a:\n  b: 1\n\n# next\nc: 2\n", ("a", "b"), "\n# next\nc: 2\n"),
    ("last of several sections", "x: 1\na:\n  b:\n    c: 1\n", ("a", "b", "c"), "x: 1\n"),
    ("last of a section with comments", "a:\n  # b: 0\n  b: 1\nc: 2\n", ("a", "b"), "a:\n  # b: 0\nc: 2\n"),
    ("last, with comments below", "a:\n  b: 1\n\n  # c: 0\nc: 2\n", ("a", "b"), "a:\n\n  # c: 0\nc: 2\n"),
    ("comments further out", "a:\n  # keep\n  b:\n    c: 1\n", ("a", "b", "c"), "a:\n  # keep\n"),
    ("last of the file", "a: 1\nb: 2", ("b",), "a: 1"),
    ("only one", "a: 1\n", ("a",), ""),
    ("flow, first", "a: {b: 1, c: 2}\n", ("a", "b"), "a: {c: 2}\n"),
    ("flow, last", "a: {b: 1, c: 2 }\n", ("a", "c"), "a: {b: 1 }\n"),
    ("flow, only one", "a: {b: 1}\nc: 2\n", ("a", "b"), "c: 2\n"),
    ("flow root", "{a: {b: 1}}\n", ("a", "b"), "{}\n"),
    ("block list", "a:\n  - 1\n  - 2 # two\nb: 1\n", ("a",), "b: 1\n"),
    ("literal", "a: >-\n  x\n  y\n\nb: 1\n", ("a",), "\nb: 1\n"),
    ("section", "a:\n  # about b\n  b: 1\nc: 2\n", ("a",), "c: 2\n"),
    ("explicit key", "? a\n: 1\nb: 2\n", ("a",), "b: 2\n"),
    ("empty value", "a:\nb: 2\n", ("a",), "b: 2\n"),
    ("after a byte order mark", "\ufeffa: 1\r\nb: 2\r\n", ("a",), "\ufeffb: 2\r\n"),
]

REFUSED: list[tuple[str, str, tuple[str, ...], Any, str]] = [
    ("used elsewhere", "a: &x 1\nb: *x\n", ("a",), 2,
     "f:1: a: is repeated in line 2 by *x; edit it by hand"),
    ("section used elsewhere", "a: &x\n  b: 1\nc: *x\n", ("a", "d"), 2,
     "f:1: a.d: is repeated in line 3 by *x; edit it by hand"),
    ("through an alias", "a: &x\n  b: 1\nc: *x\n", ("c", "b"), 2,
     "f:3: c.b: stands elsewhere and is repeated here by *x; edit it by hand"),
    ("anchor deep in a value", "a:\n  b: [&x 1]\nc: *x\n", ("a",), 2,
     "f:2: a: is repeated in line 3 by *x; edit it by hand"),
    ("through a value", "a:\n  b: 1\n", ("a", "b", "c"), 2, "f: a.b.c: a.b is 1, which has no options in it"),
    ("through a list", "a: [1]\n", ("a", "b"), 2, "f: a.b: a is [1], which has no options in it"),
    ("no way to say it", "a: |\n  open", ("b",), 1,
     "f:1: b: cannot be changed by machine where it stands; edit it by hand"),
    ("document that is null", "null\n", ("b",), 1,
     "f:1: b: cannot be changed by machine where it stands; edit it by hand"),
    ("unreadable", "a: 1\nb: 2\na: 3\n", ("b",), 1, "f:3: a: is given twice; the first is in line 1"),
    ("no mapping", "- a\n", ("b",), 1, "f:1: must be a mapping of sections, such as `thresholds:`"),
    ("empty key", "a: 1\n", ("a", ""), 1, "f: the key is empty"),
    ("a time", "a: 1\n", ("a",), datetime(2027, 3, 31), "f:1: a: a datetime cannot be written to the file"),
    ("an object", "a: 1\n", ("b",), Path("x"), "f:1: b: a PosixPath cannot be written to the file"),
    ("half a character", "a: 1\n", ("a",), "\ud800", "f:1: a: '\\ud800' is not text that UTF-8 can hold"),
    ("a key that is no text", "a: 1\n", ("a",), {1: 2}, "f:1: a: 1 cannot be a key, which must be text"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "value", "expected"), [case[1:] for case in SET], ids=[c[0] for c in SET])
def test_a_value_is_set(text: str, path: tuple[str, ...], value: Any, expected: str) -> None:
    """Only the value, or the lines of the new key, are other than before."""
    assert expected == set_value(text, path, value, "f")


@pytest.mark.parametrize(("text", "path", "expected"), [case[1:] for case in UNSET], ids=[c[0] for c in UNSET])
def test_a_key_is_unset(text: str, path: tuple[str, ...], expected: str) -> None:
    """The lines of the key go, with the sections it leaves empty, unless comment lines stand in them."""
    assert expected == unset_value(text, path, "f")


@pytest.mark.parametrize(
    ("text", "path", "value", "message"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_what_cannot_be_edited_is_refused(text: str, path: tuple[str, ...], value: Any, message: str) -> None:
    """The message names place and key, and says what to do."""
    with pytest.raises(ConfigError) as raised:
        set_value(text, path, value, "f")

    assert message == str(raised.value)


def test_a_list_that_holds_itself_is_refused() -> None:
    """It ends with our error and not with that of the interpreter."""
    value: list[Any] = []
    value.append(value)

    with pytest.raises(ConfigError) as raised:
        set_value("a: 1\n", ("a",), value, "f")

    assert "f:1: a: is nested too deep" == str(raised.value)


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        pytest.param("a:\n  b: 1\n", ("a", "c"), "f: a.c: is not set here", id="absent"),
        pytest.param("a: 1\n", ("a", "c"), "f: a.c: is not set here", id="through-a-value"),
        pytest.param(
            "a: &x {b: 1}\nc: *x\n", ("a",), "f:1: a: is repeated in line 2 by *x; edit it by hand", id="used"
        ),
        pytest.param("", (), "f: the key is empty", id="no-key"),
    ],
)
def test_what_cannot_be_unset_is_refused(text: str, path: tuple[str, ...], message: str) -> None:
    """What is not set, and what other places repeat."""
    with pytest.raises(ConfigError) as raised:
        unset_value(text, path, "f")

    assert message == str(raised.value)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(True, "true", id="true"),
        pytest.param(None, "null", id="null"),
        pytest.param(1e-7, "1.0e-07", id="small"),
        pytest.param(1e22, "1.0e+22", id="large"),
        pytest.param(2.0, "2.0", id="whole"),
        pytest.param(date(2027, 3, 31), "2027-03-31", id="date"),
        pytest.param("2027-03-31", "'2027-03-31'", id="like-a-date"),
        pytest.param("on", "'on'", id="like-a-switch"),
        pytest.param("1:30", "'1:30'", id="like-a-time"),
        pytest.param("a: b #", "'a: b #'", id="like-a-mapping"),
        pytest.param("a\n\x00\u2028é", '"a\\n\\x00\\u2028é"', id="control-characters"),
        pytest.param(["a", {"b": "c, d"}], "[a, {b: 'c, d'}]", id="collection"),
    ],
)
def test_a_value_is_written_so_that_every_reader_takes_it_for_the_same(value: Any, written: str) -> None:
    """Whatever YAML 1.1 or 1.2 would read as something else is quoted."""
    assert f"a: {written}\n" == set_value("a: 0\n", ("a",), value)
