"""The configuration and the source of this process, as the convenience functions find and remember them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from otel_verein.api.convenience import (
    get_environment_config,
    get_performance_config,
    quick_health_check,
    reset_performance_config,
    update_performance_config,
    validate_performance_config,
)
from otel_verein.api.convenience.here import HERE, Anew, Here, asked
from otel_verein.config.schema import Config
from otel_verein.errors import ConfigError
from otel_verein.sources.remembered import Remembered
from tests.unit.convenience_known import Known, Operation, ok


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a configuration, and no variable of ours."""
    for name in [each for each in os.environ if each.startswith(("VEREIN_", "OTEL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_configuration_follows_its_file(place: Path) -> None:
    """What is written is in force with the next question."""
    before = HERE.config().thresholds.queries
    (place / "verein.yaml").write_text("thresholds: {queries: 33}\n", encoding="utf-8")

    assert (Config().thresholds.queries, 33) == (before, HERE.config().thresholds.queries)


def test_invalid_change_leaves_the_configuration_as_it_was(place: Path) -> None:
    """A file that becomes invalid is not taken, as in processes that run."""
    (place / "verein.yaml").write_text("thresholds: {queries: 33}\n", encoding="utf-8")
    here = Here()
    here.config()
    (place / "verein.yaml").write_text("thresholds: {queries: many}\n", encoding="utf-8")

    assert 33 == here.config().thresholds.queries


def test_configuration_that_never_was_valid_is_an_error(place: Path) -> None:
    """There is nothing to go on with, and the envelope says so."""
    (place / "verein.yaml").write_text("thresholds: {queries: many}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"thresholds\.queries"):
        Here().config()
    answer = quick_health_check()

    assert (False, True) == (answer["success"], "thresholds.queries" in answer["error"])


def test_variables_are_looked_at_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is set in this process counts at once."""
    HERE.config()
    monkeypatch.setenv("VEREIN_THRESHOLDS_QUERIES", "44")

    assert 44 == HERE.config().thresholds.queries


def test_source_is_the_same_for_the_same_configuration() -> None:
    """What was read for one question is there for the next; equal configurations are one."""
    one, equal, other = Config(), replace(Config()), replace(Config(), environment="staging")
    here = Here()

    assert here.source(one) is here.source(equal)
    assert here.source(one) is not here.source(other)


def test_sources_are_bounded() -> None:
    """However many configurations come along, the oldest goes."""
    here, first = Here(), Config()
    source = here.source(first)
    for name in ("a", "b", "c", "d"):
        here.source(replace(Config(), environment=name))

    assert source is not here.source(first)


def test_another_directory_is_another_source(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are relative to the directory that a process is in."""
    here = Here()
    source = here.source(here.config())
    (place / "elsewhere").mkdir()
    monkeypatch.chdir(place / "elsewhere")

    assert source is not here.source(here.config())


def test_source_that_is_given_is_read_once_for_one_answer() -> None:
    """All parts of an answer rest on one reading, so that they fit together."""
    source = Known((Operation("GET /", 100, 0.1, 4),))
    quick_health_check(source=source, config=Config())

    assert 1 == len(source.asks)


def test_remembered_source_that_is_given_stays_what_it_is() -> None:
    """It is not remembered twice."""
    source = Remembered(Known(), 5.0)

    assert source is asked(source, Config()).source


def test_place_is_looked_up_anew() -> None:
    """Where there were files a store can come to be: another source, whose answers are others."""
    places = [Known(name="files"), Known(name="store")]
    source = Anew(lambda: places[0])
    before = source.name
    places.pop(0)

    assert ("files", "store") == (before, source.name)


def test_forked_child_begins_anew() -> None:
    """A lock that another thread held at the fork is not held in the child for ever."""
    HERE._lock.acquire()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            HERE.config()
            os._exit(0)
        finally:
            os._exit(1)
    HERE._lock.release()

    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_update_is_in_force_with_who_and_why() -> None:
    """A change goes into the override, is on record, and holds for the next question."""
    answer = update_performance_config('{"thresholds.queries": "60"}', reason="a sale", who="ada")
    (changed,) = ok(answer, "update")["changed"]

    assert {"key": "thresholds.queries", "old": 50, "value": 60, "from": "override", "at_start": False} == changed
    assert ("ada", 1) == (answer["update"]["who"], answer["update"]["entry"])
    assert (
        60
        == ok(get_performance_config("thresholds.queries"), "config")["categories"]["thresholds"]["thresholds.queries"]
    )


def test_update_is_all_or_nothing(place: Path) -> None:
    """One value that is refused keeps the others out, and says which and why."""
    answer = update_performance_config({"thresholds.queries": 60, "thresholds.duration_s": 9.0})

    assert (False, True, False) == (
        answer["success"],
        "thresholds.duration_s" in answer["error"],
        (place / ".verein" / "config" / "override.yaml").exists(),
    )


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"thresholds.querys": 1}, "changes: thresholds.querys: unknown key; did you mean 'thresholds.queries'?"),
        ({}, 'changes: is empty; it has to be such as {"thresholds.queries": 40}'),
        ("{", "changes: '{' is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    ],
    ids=["unknown", "nothing", "broken"],
)
def test_wrong_update_is_told(changes: Any, error: str) -> None:
    """What is no change says what would be one."""
    assert error == update_performance_config(changes)["error"]


def test_reset_takes_the_override_away() -> None:
    """Only what was overridden is reset, to what the file and the defaults say."""
    update_performance_config({"thresholds.queries": 60, "health.objective": 0.9})
    one = ok(reset_performance_config("thresholds.queries"), "reset")["changed"]
    rest = ok(reset_performance_config(), "reset")["changed"]
    nothing = reset_performance_config()

    assert [["thresholds.queries"], ["health.objective"]] == [[each["key"] for each in found] for found in (one, rest)]
    assert (50, "Nothing: not overridden.") == (one[0]["value"], nothing["message"])


def test_validation_writes_nothing(place: Path) -> None:
    """A dangerous change is told, a good one is fine, and neither is made."""
    bad = ok(validate_performance_config({"thresholds.queries": -1}), "validation")
    good = ok(validate_performance_config({"thresholds.queries": 60}), "validation")

    assert ([False, True], 50) == ([bad["valid"], good["valid"]], HERE.config().thresholds.queries)
    assert ["thresholds.queries: -1 must be at least 1"] == [each["message"] for each in bad["problems"]]
    assert not (place / ".verein").exists()


def test_given_configuration_cannot_be_changed() -> None:
    """An object has no file."""
    answer = update_performance_config({"thresholds.queries": 60}, config=Config())

    assert "config: is fixed, so there is no file of it to change or check; leave it out" == answer["error"]


def test_environment_says_what_it_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which it is, what says so, and what is not as by default."""
    monkeypatch.setenv("VEREIN_ENVIRONMENT", "production")
    found = ok(get_environment_config(), "environment_config")

    assert ("production", "VEREIN_ENVIRONMENT", 20) == (
        found["environment"],
        found["detected_by"],
        found["presets"]["thresholds.queries"],
    )
    assert {"value": 20, "default": 50, "from": "preset"} | {
        "from": found["differs_from_defaults"]["thresholds.queries"]["from"]
    } == (found["differs_from_defaults"]["thresholds.queries"])


@pytest.mark.parametrize("category", ["thresholds", "retention", "monitoring"])
def test_categories_hold_every_option_once(category: str) -> None:
    """The three categories are all options, and a category alone is its part."""
    whole = ok(get_performance_config(), "config")["categories"]
    part = ok(get_performance_config(category), "config")["categories"]

    assert whole[category] == part[category]
    assert part[category]
    assert all(not values for name, values in part.items() if name != category)


def test_unknown_category_is_told() -> None:
    """The error names the categories."""
    answer = get_performance_config("treshold")

    assert (
        "category: treshold: unknown key; did you mean 'thresholds'?; it has to be one of thresholds, retention, "
        "monitoring, a section or an option" == answer["error"]
    )
