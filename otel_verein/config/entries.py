"""Values as they were given, with their places, and what they are as values of an option."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from otel_verein.config.document.problems import MAX_PROBLEMS
from otel_verein.config.document.scalars import meaning
from otel_verein.config.options import is_required
from otel_verein.config.shown import SHOWN_CHARS, shown, shown_key, shown_number
from otel_verein.errors import Problem

DEFAULT = "default"
PRESET = "preset"
FILE = "file"
BLOCK = "environment block"
STANDARD_VARIABLE = "OTEL variable"
VARIABLE = "VEREIN variable"
OVERRIDE = "override"
"""The layers, the weakest first."""

REFERENCE = "see docs/reference/configuration.md"
LONGEST_TEXT = 1000
_LIKE_A_DATE = re.compile(r"\d{4}-\d\d?-\d\d?")


@dataclass(frozen=True, slots=True)
class Given:
    """A plain value and its place; *items* and *pairs* are what a list or mapping holds, each with its own place."""

    value: object
    where: str
    items: tuple[Given, ...] = ()
    pairs: tuple[tuple[str, str, Given], ...] = ()
    is_text: bool = False
    """Whether it came as text that stands for any type, as in a variable."""

    @property
    def shown(self) -> str:
        """The value for a message: short, whatever it holds."""
        return shown(self.value)


@dataclass(frozen=True, slots=True)
class Entry:
    """One value for the option *key* (dotted); *key_where* is the place of the key where that differs."""

    key: str
    given: Given
    layer: str = FILE
    key_where: str = ""
    prefix: str = ""
    """What stands before the key in a file: the block of an environment, or nothing."""

    @property
    def name(self) -> str:
        """The key as it was written."""
        return self.prefix + self.key

    @property
    def where(self) -> str:
        """The place to show when something is wrong with it."""
        return self.key_where or self.given.where


class NotUsableError(ValueError):
    """A value that its option cannot take; *problems* says why, each with its place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, self.problems)))


def value_of(entry: Entry, metadata: Mapping[str, Any]) -> Any:
    """The value of *entry* for the option with *metadata*; raises :class:`NotUsableError` with all that is wrong."""
    if metadata["entries"] is not None:
        return tuple(_entries(entry.name, entry.given, metadata["entries"], entry.where))
    return _single(entry.name, entry.given, metadata, entry.where)


def suggestion(name: str, known: Iterable[str]) -> str:
    """A hint at the nearest of *known*, or at the reference."""
    return hint_at(name, known) or f"; {REFERENCE}"


def hint_at(name: str, known: Iterable[str]) -> str:
    """A hint at the nearest of *known*, or nothing."""
    near = nearest(name, known)
    return f"; did you mean {near!r}?" if near else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """The one of *known* that *name* is most like, or nothing."""
    import difflib  # only a mistake needs it

    close = difflib.get_close_matches(name[:SHOWN_CHARS], list(known), n=1, cutoff=0.6)
    return close[0] if close else ""


def _single(key: str, given: Given, metadata: Mapping[str, Any], where: str) -> Any:
    if given.value is None:
        raise NotUsableError([Problem(where, f"{key}: has no value; leave the key out to have the default")])
    value, wrong = _READERS[metadata["kind"]](given, metadata)
    if wrong:
        raise NotUsableError([Problem(where, f"{key}: {given.shown} {wrong}")])
    return value


def _entries(key: str, given: Given, kind: type, where: str) -> Iterator[Any]:
    names = [each.name for each in fields(kind)]
    required = [each.name for each in fields(kind) if is_required(each)]
    if not isinstance(given.value, list):
        wanted = " and ".join([", ".join(required[:-1]), required[-1]]) if len(required) > 1 else required[0]
        raise NotUsableError([Problem(where, f"{key}: {given.shown} is not a list of entries, each with {wanted}")])
    problems: list[Problem] = []
    made: list[Any] = []
    for index, each in enumerate(given.items):
        try:
            made.append(_entry(f"{key}[{index}]", each, kind, names))
        except NotUsableError as wrong:
            problems += wrong.problems
        if len(problems) >= MAX_PROBLEMS:
            problems.append(Problem(each.where, f"{key}: the entries after this one were not looked at"))
            break
    if problems:
        raise NotUsableError(problems)
    yield from made


def _entry(key: str, given: Given, kind: type, names: list[str]) -> Any:
    if not isinstance(given.value, dict):
        raise NotUsableError([Problem(given.where, f"{key}: {given.shown} is not a mapping of {', '.join(names)}")])
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    meant: set[str] = set()
    parts = {each.name: each for each in fields(kind)}
    for name, where, value in given.pairs:
        if name not in parts:
            meant.add(nearest(name, parts))
            problems.append(Problem(where, f"{key}.{shown_key(name)}: unknown key{suggestion(name, parts)}"))
            continue
        try:
            values[name] = _single(f"{key}.{name}", value, parts[name].metadata, where)
        except NotUsableError as wrong:
            problems += wrong.problems
    problems += _missing(key, given, kind, meant)
    if problems:
        raise NotUsableError(problems)
    return kind(**values)


def _missing(key: str, given: Given, kind: Any, meant: set[str]) -> Iterator[Problem]:
    """What an entry lacks, but for what a key of another name seems to be *meant* for."""
    named = {name for name, _, _ in given.pairs} | meant
    for each in fields(kind):
        if is_required(each) and each.name not in named:
            yield Problem(given.where, f"{key}: has no {each.name}, such as {each.metadata['example']}")
    one_of: tuple[str, ...] = getattr(kind, "needs_one_of", ())
    if one_of and not named & set(one_of):
        yield Problem(given.where, f"{key}: has none of {', '.join(one_of)}")


def _number(given: Given, metadata: Mapping[str, Any]) -> tuple[Any, str]:
    whole = metadata["kind"] is int
    value = _from_text(given.value, whole) if given.is_text else given.value
    name = "a whole number" if whole else "a number"
    if isinstance(value, str) and not given.is_text and isinstance(meaning(value), float if not whole else int):
        return None, f"is text: write it without quotes to make it {name}"
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value):
        return None, f"is not {name}"
    if whole and not isinstance(value, int):
        return None, "is not a whole number"
    return (value if whole else float(value)), _out_of_bounds(value, metadata)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond what a float can be
        return False


def _from_text(value: object, whole: bool) -> int | float | None:
    text = str(value).strip()
    try:
        return int(text) if whole else float(text)
    except ValueError:
        return None


def _out_of_bounds(given: float, metadata: Mapping[str, Any]) -> str:
    low, high, above = metadata["at_least"], metadata["at_most"], metadata["above"]
    if low is not None and given < low:
        return f"must be at least {shown_number(low)}"
    if high is not None and given > high:
        return f"must be at most {shown_number(high)}"
    if above is not None and given <= above:
        return f"must be above {shown_number(above)}"
    return ""


def _switch(given: Given, _: Mapping[str, Any]) -> tuple[Any, str]:
    """On or off, also as the words of a variable."""
    value = given.value
    if isinstance(value, bool):
        return value, ""
    known = (
        {"true": True, "false": False}.get(value.strip().lower()) if given.is_text and isinstance(value, str) else None
    )
    if isinstance(value, str) and not given.is_text and isinstance(meaning(value[:SHOWN_CHARS]), bool):
        return None, "is text: write it without quotes"
    return known, "" if known is not None else "is neither true nor false"


def _text(given: Given, metadata: Mapping[str, Any]) -> tuple[Any, str]:
    value, choices = given.value, metadata["choices"]
    if choices:
        if value in choices:
            return value, ""
        near = hint_at(value, choices) if isinstance(value, str) else ""
        return None, f"must be one of {', '.join(choices)}{near}"
    if value is not None and not isinstance(value, str | list | dict):
        return None, "is no text: write it in quotes"
    if value == "" and metadata["may_be_empty"]:
        return value, ""
    if not isinstance(value, str) or not value.strip():
        return None, "is not a non-empty string"
    if len(value) > LONGEST_TEXT:
        return None, f"is longer than {LONGEST_TEXT} characters"
    return (value, "") if value.isprintable() else (None, "holds characters that cannot be printed")


def _texts(given: Given, _: Mapping[str, Any]) -> tuple[Any, str]:
    value = given.value
    if given.is_text and isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        return None, "is not a list of strings, such as [one, two]"
    return tuple(value), ""


def _date(given: Given, metadata: Mapping[str, Any]) -> tuple[Any, str]:
    value = given.value
    if type(value) is date:
        return value, ""
    if isinstance(value, str) and type(meaning(value[:SHOWN_CHARS])) is date:
        return None, "is text: write it without quotes to make it a date"
    if isinstance(value, str) and _LIKE_A_DATE.fullmatch(value):
        return None, "is no day of the calendar"
    return None, f"is not a date, such as {metadata['example']}"


_READERS = {int: _number, float: _number, bool: _switch, str: _text, tuple: _texts, date: _date}
