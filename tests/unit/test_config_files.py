"""Configurations in files: good ones with the values they make, bad ones with every problem that is told.

What a file is expected to come to stands at its end, in comments: ``# value: sampling.ratio = 0.5`` for each option
that differs from its default, or ``# error: 3: thresholds.querys: unknown key; ...`` with the line of each problem.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from otel_verein.config import Config, load
from otel_verein.config.layers import changed
from otel_verein.config.rules import AT_MOST, AT_MOST_IF_GIVEN, BELOW, DANGEROUS_IN_PRODUCTION
from otel_verein.config.schema import option_fields
from otel_verein.errors import ConfigError

FOLDER = Path(__file__).with_name("config")
GOOD = sorted(FOLDER.glob("*.good.yaml"))
BAD = sorted(FOLDER.glob("*.bad.yaml"))

pytestmark = pytest.mark.skipif(not yaml.__with_libyaml__, reason="the words about what is no YAML are libyaml's")


def said_in(file: Path, word: str) -> list[str]:
    """The comments of *file* that begin with *word*, wherever they stand."""
    text = file.read_bytes().decode("utf-8", "replace")
    return re.findall(rf"^# {word}: (.*?)\r?$", text, re.MULTILINE)


def values_in(file: Path) -> list[str]:
    """What *file* makes different from the defaults, as its comments write it."""
    config = load({"VEREIN_CONFIG": str(file)}, file.parent)
    return [f"{key} = {value!r}" for key, _, value in changed(Config(), config)]


def problems_in(file: Path) -> list[str]:
    """Every problem that is told of *file*, as its comments write it."""
    with pytest.raises(ConfigError) as raised:
        load({"VEREIN_CONFIG": str(file)}, file.parent)
    shown = [str(problem).removeprefix(f"{file}:").strip() for problem in raised.value.problems]
    return [text.replace(str(file), "this file") for text in shown]


@pytest.mark.parametrize("file", GOOD, ids=lambda file: file.name.removesuffix(".good.yaml"))
def test_a_good_file_makes_these_values_and_no_others(file: Path) -> None:
    """Each option that differs from its default is named, with its value."""
    assert sorted(said_in(file, "value")) == sorted(values_in(file))


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.name.removesuffix(".bad.yaml"))
def test_a_bad_file_has_these_problems_and_no_others(file: Path) -> None:
    """All problems at once, each with its line, key, value and rule."""
    expected = said_in(file, "error")

    assert expected
    assert sorted(expected) == sorted(problems_in(file))


@pytest.fixture(scope="module")
def told() -> list[str]:
    """Every problem that a bad file names."""
    return [line for file in BAD for line in said_in(file, "error")]


def test_there_are_files_of_both_kinds() -> None:
    """A folder that is empty or elsewhere would test nothing."""
    assert (len(GOOD) >= 10, len(BAD) >= 65) == (True, True)


def test_every_section_stands_in_a_bad_file(told: list[str]) -> None:
    """No section is left out of the examples of what goes wrong."""
    sections = {section for section, _, _ in option_fields()}

    assert set() == {section for section in sections if not any(f" {section}." in line for line in told)}


def test_every_rule_over_two_options_is_broken_in_a_bad_file(told: list[str]) -> None:
    """So each has a message that somebody has read."""
    pairs = [*BELOW, *AT_MOST, *AT_MOST_IF_GIVEN]

    assert [] == [pair for pair in pairs if not any(all(f"{key}: " in line for key in pair) for line in told)]


def test_every_dangerous_setting_is_refused_in_a_bad_file(told: list[str]) -> None:
    """Those of production, and each limit that is too high to be safe."""
    keys = [key for key, _, _ in DANGEROUS_IN_PRODUCTION]
    keys += [f"{section}.{name}" for section, name, option in option_fields() if option.metadata["safe_at_most"]]

    assert [] == [key for key in keys if not any(f" {key}: " in line and "is refused" in line for line in told)]
