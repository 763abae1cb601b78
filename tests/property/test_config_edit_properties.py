"""Edits of configuration files: what they say afterwards, and that nothing else of the text has moved."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from otel_verein.config.document import plain, read
from otel_verein.config.editing import set_value, unset_value
from otel_verein.config.editing.written import on_one_line

NAMES = ("thresholds", "sampling", "n_plus_one", "ignore", "export", "a b", "yes", "3", "x: y", "ü#")
WORDS = ("yes", "no", "on", "off", "y", "null", "~", "true", "1", "1.5", "0x1f", "1e3", "1:30", "1_000", "2027-03-31",
         "", " a", "a ", "a: b", "a #b", "- a", "? a", "[a", "{a", "&a", "*a", "!a", "%a", "@a", "`a", "'", '"', "|",
         ">", "\\", "a\nb", "\t", "é😀", "\u2028", "\x85", "\x7f", ".inf", "<<", "=", "---", "...",
         "GET /health*")  # fmt: skip

texts = st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
scalars = texts | numbers | st.booleans() | st.none() | st.dates(date(1000, 1, 1))
entries = scalars | st.dictionaries(st.sampled_from(NAMES), scalars, max_size=3)
values = scalars | st.lists(entries, max_size=4) | st.dictionaries(st.sampled_from(NAMES), entries, max_size=3)
options = st.dictionaries(st.sampled_from(NAMES), scalars | st.lists(entries, max_size=3), max_size=4)
sections = options | st.dictionaries(st.sampled_from(NAMES), options, max_size=3) | st.none()
configurations = st.dictionaries(st.sampled_from(NAMES), sections, max_size=4)
paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(tuple)


class Layout:
    """Random choices of how a file is written; it is always the same data."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self._draw = draw
        self._step = draw(st.sampled_from((1, 2, 4)))
        self._comments = draw(st.booleans())
        self._line_break = draw(st.sampled_from(("\n", "\r\n", "\r")))
        self._last = draw(st.booleans())
        self._mark = draw(st.sampled_from(("", "", "\ufeff")))

    def text(self, data: dict[str, Any]) -> str:
        """The whole file."""
        lines = self._section(data, 0) if data else []
        if self._chance():
            lines = ["# head", "", *lines]
        if self._chance():
            lines += ["", "# foot"]
        ending = self._line_break if self._last and lines else ""
        return self._mark + self._line_break.join(lines) + ending

    def _section(self, data: dict[str, Any], column: int) -> list[str]:
        lines: list[str] = []
        for key, value in data.items():
            if self._chance():
                lines += self._draw(st.sampled_from(([""], ["# at the margin"], [" " * column + "# above"])))
            lines += self._member(" " * column + on_one_line(key, self._quotes()), value, column)
        return lines

    def _member(self, key: str, value: Any, column: int) -> list[str]:
        beside = "  # beside" if self._chance() else ""
        deeper = column + self._step
        if isinstance(value, dict) and value and not self._chance():
            return [f"{key}:{beside}", *self._section(value, deeper)]
        if isinstance(value, list) and value and not self._chance():
            column = self._draw(st.sampled_from((column, deeper)))
            return [f"{key}:{beside}", *(" " * column + f"- {on_one_line(item)}" for item in value)]
        if isinstance(value, list) and value and self._chance():
            *items, last = (on_one_line(item) for item in value)
            return [f"{key}: [", *(" " * deeper + item + "," for item in items), " " * deeper + last + "]" + beside]
        if isinstance(value, str) and value.strip(" ") == value != "" and value.isprintable() and self._chance():
            return [f"{key}: |-{beside}", " " * deeper + value]
        if value is None and self._chance():
            return [f"{key}:{beside}"]
        return [f"{key}: {on_one_line(value, self._quotes())}{beside}"]

    def _quotes(self) -> str:
        return self._draw(st.sampled_from(("", "'", '"')))

    def _chance(self) -> bool:
        return self._comments and self._draw(st.booleans())


@st.composite
def files(draw: Callable[..., Any]) -> tuple[str, dict[str, Any]]:
    """A text and what it says."""
    data = draw(configurations)
    return Layout(draw).text(data), data


def said(text: str) -> Any:
    """What our reader makes of a text."""
    root, problems = read(text.encode(), "f")
    assert problems == []
    return plain(root) or {}


def found(data: Any, path: tuple[str, ...]) -> Any:
    """What stands at a path; the ellipsis if nothing does."""
    for part in path:
        data = data.get(part, ...) if isinstance(data, dict) else ...
    return data


def changed(data: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """The data with a value at a path; discards the example if something on the way has no members."""
    assume(all(found(data, path[:depth]) is None or isinstance(found(data, path[:depth]), dict | type(...))
               for depth in range(1, len(path))))  # fmt: skip
    data = copy.deepcopy(data)
    here = data
    for part in path[:-1]:
        if here.get(part) is None:
            here[part] = {}
        here = here[part]
    here[path[-1]] = value
    return data


def lines_gone(old_text: str, new_text: str) -> list[str]:
    """The old lines between those that both texts begin and end with."""
    old, new = (re.split("\r\n|[\r\n]", text.removeprefix("\ufeff")) for text in (old_text, new_text))
    begin = 0
    while begin < min(len(old), len(new)) and old[begin] == new[begin]:
        begin += 1
    end = 0
    while end < min(len(old), len(new)) - begin and old[-1 - end] == new[-1 - end]:
        end += 1
    return old[begin : len(old) - end]


EXAMPLES = [
    pytest.param(300, id="short"),
    pytest.param(10_000, id="long", marks=pytest.mark.soak),
]


@pytest.mark.parametrize("examples", EXAMPLES)
def test_what_is_set_is_said_and_nothing_else_moves(examples: int) -> None:
    """The file says what it said with just the change; lines without the value are the same, byte for byte."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(files(), paths, values)
    def holds(file: tuple[str, dict[str, Any]], path: tuple[str, ...], value: Any) -> None:
        text, data = file
        expected = changed(data, path, value)

        new = set_value(text, path, value)

        assert repr(said(text)) == repr(data)
        assert repr(said(new)) == repr(expected)
        gone = lines_gone(text, new)
        if found(data, path) is ...:
            above = [found(data, path[:depth]) for depth in range(len(path))]
            in_place = "{" in "".join(gone) or None in above or {} in above
            assert len(gone) <= in_place
        elif not isinstance(found(data, path), list | dict | str):
            assert len(gone) <= 1

    holds()


@pytest.mark.parametrize("examples", EXAMPLES)
def test_setting_and_unsetting_a_new_key_changes_nothing(examples: int) -> None:
    """A key that was not there, in a section that had others or was not there either, leaves no trace."""

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(files(), paths, values)
    def holds(file: tuple[str, dict[str, Any]], path: tuple[str, ...], value: Any) -> None:
        text, data = file
        changed(data, path, value)
        assume(found(data, path) is ...)
        assume(all(found(data, path[:depth]) not in (None, {}) for depth in range(1, len(path))))

        new = set_value(text, path, value)

        assert new != text
        assert unset_value(new, path) == text

    holds()


@settings(max_examples=400, deadline=None)
@given(values)
def test_a_value_means_the_same_in_both_versions_of_the_language(value: Any) -> None:
    """What is written reads back as the same value under YAML 1.1 (PyYAML) and 1.2 (our reader)."""
    text = f"key: {on_one_line(value)}\n"

    assert repr(yaml.safe_load(text)["key"]) == repr(said(text)["key"]) == repr(value)
