"""Ignore rules in the configuration: what is accepted, and the message for each mistake."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from otel_verein.config import load
from otel_verein.config.schema import IgnoreRule
from otel_verein.errors import ConfigError

RULE = "    - {reason: meant, until: 2027-03-31, statement: SELECT country}\n"


def given(tmp_path: Path, text: str) -> Path:
    """A directory whose verein.yaml is *text*."""
    (tmp_path / "verein.yaml").write_text(text)
    return tmp_path


def test_rules_are_read(tmp_path: Path) -> None:
    """A rule has its reason, its last day as a date, and its patterns."""
    config = load({}, given(tmp_path, "ignore:\n  rules:\n" + RULE))

    assert (IgnoreRule("meant", date(2027, 3, 31), statement="SELECT country"),) == config.ignore.rules


BAD = {
    "no list": ("rules: all", "is not a list of rules, each with reason, until and a pattern"),
    "no mapping": ("rules: [all]", "is not usable: rule 1 is not a mapping"),
    "unknown key": (
        "rules: [{reason: x, until: 2027-01-01, statment: y}]",
        "is not usable: rule 1 has an unknown key 'statment'; did you mean 'statement'?",
    ),
    "no reason": ("rules: [{until: 2027-01-01, statement: y}]", "is not usable: rule 1 has no reason"),
    "empty reason": (
        "rules: [{reason: ' ', until: 2027-01-01, statement: y}]",
        "is not usable: rule 1 reason is not a non-empty string",
    ),
    "no date": (
        "rules: [{reason: x, statement: y}]",
        "is not usable: rule 1 has no date in until, such as 2027-03-31: every rule ends some day",
    ),
    "date is text": (
        "rules: [{reason: x, until: next year, statement: y}]",
        "is not usable: rule 1 has no date in until, such as 2027-03-31: every rule ends some day",
    ),
    "no pattern": (
        "rules: [{reason: x, until: 2027-01-01}]",
        "is not usable: rule 1 has none of call_site, statement, operation",
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD.keys())
def test_a_bad_rule_is_named(text: str, message: str, tmp_path: Path) -> None:
    """The message says which rule, what is wrong, and how it would be right."""
    with pytest.raises(ConfigError) as raised:
        load({}, given(tmp_path, f"ignore:\n  {text}\n"))

    (problem,) = raised.value.problems
    assert str(problem).endswith(message)
    assert "verein.yaml:2" in str(problem)


def test_a_choice_has_to_be_one_of_those_offered(tmp_path: Path) -> None:
    """What is none of an option's choices is refused with the choices."""
    with pytest.raises(ConfigError) as raised:
        load({}, given(tmp_path, "privacy:\n  entity_ids: hash\n"))

    (problem,) = raised.value.problems
    assert str(problem).endswith("privacy.entity_ids: 'hash' must be one of drop, keep")
