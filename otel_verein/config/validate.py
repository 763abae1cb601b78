"""What is wrong with a configuration: every problem, with its line, value, rule and likely cure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import Field, dataclass, fields
from datetime import date
from typing import Any

from otel_verein.config.schema import Config, IgnoreRule, SamplingRule
from otel_verein.errors import Problem

SECTIONS: dict[str, Any] = {section.name: section.default_factory for section in fields(Config)}

_ORDERED = (
    ("thresholds", "queries", "queries_critical"),
    ("thresholds", "duration_s", "duration_critical_s"),
    ("thresholds", "db_duration_s", "db_duration_critical_s"),
    ("n_plus_one", "repeats", "certain_repeats"),
    ("n_plus_one", "medium_repeats", "high_repeats"),
    ("n_plus_one", "high_repeats", "critical_repeats"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One value as given: ``key`` is dotted, ``where`` its place in the file or the variable's name."""

    key: str
    value: object
    where: str


def option_fields() -> Iterator[tuple[str, str, Field[Any]]]:
    """Every option as (section, name, field), in the order of the schema."""
    for section, factory in SECTIONS.items():
        for option in fields(factory):
            yield section, option.name, option


def check(entries: Iterable[Entry]) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """The usable values by section, and every problem of the rest; it never raises."""
    known = {f"{section}.{name}": option for section, name, option in option_fields()}
    values: dict[str, dict[str, Any]] = {}
    places: dict[str, str] = {}
    problems: list[Problem] = []
    for entry in entries:
        option = known.get(entry.key)
        if option is None:
            problems.append(Problem(entry.where, f"{entry.key}: unknown key{_suggestion(entry.key, known)}"))
            continue
        value, wrong = _typed(option, entry.value)
        if wrong:
            problems.append(Problem(entry.where, f"{entry.key}: {entry.value!r} {wrong}"))
            continue
        section, name = entry.key.split(".")
        values.setdefault(section, {})[name] = value
        places[entry.key] = entry.where
    problems += _out_of_order(values, places)
    return values, problems


def _suggestion(key: str, known: Iterable[str]) -> str:
    import difflib  # only a mistake needs it

    section = key.partition(".")[0]
    close = difflib.get_close_matches(key, list(known), n=1, cutoff=0.6)
    return (
        f"; did you mean {close[0].removeprefix(section + '.')!r}?"
        if close
        else "; see docs/reference/configuration.md"
    )


def _typed(option: Field[Any], value: object) -> tuple[Any, str]:
    default = option.default
    if option.metadata["entries"] is not None:
        return _ENTRIES[option.metadata["entries"]](value)
    if isinstance(default, bool):
        return _switch(value)
    if option.metadata["choices"]:
        choices = option.metadata["choices"]
        return (value, "") if value in choices else (None, f"must be one of {', '.join(choices)}")
    if isinstance(default, tuple):
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            return None, "is not a list of strings"
        return tuple(value), ""
    if isinstance(default, str):
        return (value, "") if isinstance(value, str) and value else (None, "is not a non-empty string")
    number = _number(value, whole=isinstance(default, int))
    if number is None:
        return None, "is not a whole number" if isinstance(default, int) else "is not a number"
    return number, _out_of_bounds(option, number)


_RULE_KEYS = tuple(field.name for field in fields(IgnoreRule))
_PATTERNS = ("call_site", "statement", "operation")


def _rules(value: object) -> tuple[Any, str]:
    """Ignore rules from a list of mappings, or what is wrong with the first bad one."""
    if not isinstance(value, list):
        return None, "is not a list of rules, each with reason, until and a pattern"
    rules: list[IgnoreRule] = []
    for number, given in enumerate(value, start=1):
        wrong = _wrong_with_rule(given)
        if wrong:
            return None, f"is not usable: rule {number} {wrong}"
        rules.append(IgnoreRule(**given))
    return tuple(rules), ""


def _wrong_with_rule(given: object) -> str:
    if not isinstance(given, dict):
        return "is not a mapping"
    unknown = [str(key) for key in given if key not in _RULE_KEYS]
    if unknown:
        return f"has an unknown key {unknown[0]!r}{_suggestion(unknown[0], _RULE_KEYS)}"
    texts = {key: value for key, value in given.items() if key != "until"}
    not_text = [key for key, value in texts.items() if not isinstance(value, str) or not value.strip()]
    if not_text:
        return f"{not_text[0]} is not a non-empty string"
    if "reason" not in given:
        return "has no reason"
    if type(given.get("until")) is not date:
        return "has no date in until, such as 2027-03-31: every rule ends some day"
    if not any(given.get(pattern) for pattern in _PATTERNS):
        return f"has none of {', '.join(_PATTERNS)}"
    return ""


_RATIO_KEYS = tuple(field.name for field in fields(SamplingRule))


def _ratios(value: object) -> tuple[Any, str]:
    """Ratios by name from a list of mappings, or what is wrong with the first bad one."""
    if not isinstance(value, list):
        return None, "is not a list of entries, each with operation and ratio"
    rules: list[SamplingRule] = []
    for number, given in enumerate(value, start=1):
        wrong = _wrong_with_ratio(given)
        if wrong:
            return None, f"is not usable: entry {number} {wrong}"
        rules.append(SamplingRule(given["operation"], float(given["ratio"])))
    return tuple(rules), ""


def _wrong_with_ratio(given: object) -> str:
    if not isinstance(given, dict):
        return "is not a mapping"
    unknown = [str(key) for key in given if key not in _RATIO_KEYS]
    if unknown:
        return f"has an unknown key {unknown[0]!r}{_suggestion(unknown[0], _RATIO_KEYS)}"
    if not isinstance(given.get("operation"), str) or not given["operation"].strip():
        return "has no operation, such as 'GET /health*'"
    ratio = _number(given.get("ratio"), whole=False)
    if ratio is None or not 0 <= ratio <= 1:
        return "has no ratio between 0 and 1"
    return ""


_ENTRIES = {IgnoreRule: _rules, SamplingRule: _ratios}


def _switch(value: object) -> tuple[Any, str]:
    """On or off, also as the words of a variable."""
    if isinstance(value, bool):
        return value, ""
    known = {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None
    return known, "" if known is not None else "is neither true nor false"


def _number(value: object, *, whole: bool) -> int | float | None:
    """A finite number of the wanted kind; booleans and NaN are none."""
    if isinstance(value, str):
        try:
            value = int(value) if whole else float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    if whole:
        return value if isinstance(value, int) else None
    return float(value)


def _out_of_bounds(option: Field[Any], number: float) -> str:
    meta = option.metadata
    if meta["at_least"] is not None and number < meta["at_least"]:
        return f"must be at least {meta['at_least']:g}"
    if meta["at_most"] is not None and number > meta["at_most"]:
        return f"must be at most {meta['at_most']:g}"
    if meta["above"] is not None and number <= meta["above"]:
        return f"must be above {meta['above']:g}"
    return ""


def _out_of_order(values: dict[str, dict[str, Any]], places: dict[str, str]) -> Iterator[Problem]:
    for section, lower, upper in _ORDERED:
        given = values.get(section, {})
        if lower not in given and upper not in given:
            continue
        defaults = SECTIONS[section]()
        low = given.get(lower, getattr(defaults, lower))
        high = given.get(upper, getattr(defaults, upper))
        if low > high:
            where = places.get(f"{section}.{lower}") or places[f"{section}.{upper}"]
            yield Problem(where, f"{section}.{lower}: {low:g} must not be above {section}.{upper}: {high:g}")
