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


def test_a_choice_has_to_be_one_of_those_offered(tmp_path: Path) -> None:
    """What is none of an option's choices is refused with the choices."""
    with pytest.raises(ConfigError) as raised:
        load({}, given(tmp_path, "privacy:\n  entity_ids: hash\n"))

    (problem,) = raised.value.problems
    assert str(problem).endswith("privacy.entity_ids: 'hash' must be one of drop, keep")
