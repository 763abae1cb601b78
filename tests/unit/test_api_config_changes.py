"""Changes of a configuration: what they write, refuse and do, and the record of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from otel_verein.api.config_changes import Wish, change, history, rollback
from otel_verein.config.changes import UNSET
from otel_verein.errors import ConfigError
from tests.unit.config_commands import written

QUERIES = "thresholds.queries"


def effect(wish: Wish, environ: Mapping[str, str], directory: Path) -> tuple[Any, str | None, str]:
    """Value in force, the layer that hides the new one, and the environment elsewhere, after *wish*."""
    [only] = change(wish, environ, directory).effects
    assert only.setting is not None
    return only.setting.value, only.stronger and only.stronger.layer, only.elsewhere


BLOCKED = "environments:\n  staging:\n    thresholds: {queries: 45}\n"


@pytest.mark.parametrize(
    ("text", "wish", "environ", "expected"),
    [
        pytest.param("", Wish(QUERIES, 30), {}, (30, None, ""), id="in-force"),
        pytest.param(
            "", Wish(QUERIES, 30), {"VEREIN_THRESHOLDS_QUERIES": "7"}, (7, "VEREIN variable", ""), id="variable"
        ),
        pytest.param(
            BLOCKED,
            Wish(QUERIES, 30),
            {"VEREIN_ENVIRONMENT": "staging"},
            (45, "environment block", ""),
            id="own-block",
        ),
        pytest.param("", Wish(QUERIES, 30, "production"), {}, (50, None, "production"), id="elsewhere"),
        pytest.param(
            "", Wish(QUERIES, 30, "staging"), {"VEREIN_ENVIRONMENT": "staging"}, (30, None, ""), id="block-here"
        ),
        pytest.param(
            "",
            Wish(QUERIES, 30, override=True),
            {"VEREIN_THRESHOLDS_QUERIES": "7"},
            (30, None, ""),
            id="override-is-strongest",
        ),
        pytest.param("thresholds: {queries: 9}\n", Wish(QUERIES, UNSET), {}, (50, None, ""), id="unset"),
        pytest.param("", Wish(QUERIES, UNSET), {}, (50, None, ""), id="unset-what-is-not-set"),
        pytest.param("thresholds: {queries: 30}\n", Wish(QUERIES, 30), {}, (30, None, ""), id="unchanged"),
    ],
)
def test_a_change_says_what_is_in_force_after_it(
    text: str, wish: Wish, environ: dict[str, str], expected: tuple[Any, ...], tmp_path: Path
) -> None:
    """The value in force, what hides the new one if something is stronger, and whether it holds elsewhere only."""
    written(tmp_path, text)

    assert effect(wish, environ, tmp_path) == expected


def test_what_is_so_already_is_not_written(tmp_path: Path) -> None:
    """The same value again, or taking away what is not set: no entry, and not one byte of the file changes."""
    file = written(tmp_path, "thresholds:   {queries: 30} # ours\n")

    same, absent = change(Wish(QUERIES, 30), {}, tmp_path), change(Wish("sampling.ratio", UNSET), {}, tmp_path)

    assert (same.entry, absent.entry, history({}, directory=tmp_path)) == (None, None, ())
    assert file.read_text() == "thresholds:   {queries: 30} # ours\n"


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        pytest.param(Wish(QUERIES, -1), "thresholds.queries: -1 must be at least 1", id="bound"),
        pytest.param(Wish(QUERIES, True), "thresholds.queries: true is not a whole number", id="kind"),
        pytest.param(
            Wish(QUERIES, 100),
            "thresholds.queries: 100 must be below thresholds.queries_critical: 100 (as by default)",
            id="other-option",
        ),
        pytest.param(
            Wish("capabilities.metrics", False, "production"),
            "in production: capabilities.metrics: false is refused: the figures of production "
            "would be unknown; set allow.monitoring_off if that is meant",
            id="dangerous-elsewhere",
        ),
        pytest.param(Wish(QUERIES, 0, override=True), "thresholds.queries: 0 must be at least 1", id="override"),
        pytest.param(
            Wish("environment", "prod"),
            "environment: 'prod' must be one of development, staging, production; did you mean 'production'?",
            id="environment",
        ),
        pytest.param(
            Wish("environment", "staging", override=True),
            "names the environment of a process from its start; set it in the file itself, or VEREIN_ENVIRONMENT",
            id="environment-as-override",
        ),
    ],
)
def test_a_change_that_is_not_valid_changes_nothing(wish: Wish, message: str, tmp_path: Path) -> None:
    """The outcome is checked as a whole before a byte is written; then there is no entry either."""
    file = written(tmp_path, "sampling: {ratio: 0.5} # ours\n")

    with pytest.raises(ConfigError) as refused:
        change(wish, {}, tmp_path)

    assert [each.what for each in refused.value.problems] == [message]
    assert file.read_text() == "sampling: {ratio: 0.5} # ours\n"
    assert not (tmp_path / ".verein/config/override.yaml").exists()
    assert history({}, directory=tmp_path) == ()


HIGH = Wish("thresholds.queries_critical", 300, override=True, until=datetime.now(timezone.utc) + timedelta(hours=1))


def test_a_change_has_to_be_valid_after_the_end_of_an_override_too(tmp_path: Path) -> None:
    """What only an override makes valid would be refused by every process once that ends; so it is refused now."""
    change(HIGH, {}, tmp_path)
    assert HIGH.until is not None
    end = f"from {HIGH.until:%Y-%m-%d %H:%M:%S} UTC on"
    rule = "thresholds.queries: 200 must be below thresholds.queries_critical: 100 (as by default)"

    told = []
    for wish in (Wish(QUERIES, 200), Wish(QUERIES, 200, override=True)):
        with pytest.raises(ConfigError) as refused:
            change(wish, {}, tmp_path)
        told += [each.what for each in refused.value.problems]

    assert told == [f"{end}: {rule}", f"{end}: {rule}"]
    assert [each.id for each in history({}, directory=tmp_path)] == [1]


def test_a_change_of_the_file_has_to_be_valid_without_the_override(tmp_path: Path) -> None:
    """An override without an end may be taken away at any time; what then is left has to be valid."""
    change(Wish(QUERIES, 45, override=True), {}, tmp_path)

    with pytest.raises(ConfigError) as refused:
        change(Wish(QUERIES, 200), {}, tmp_path)

    assert [each.what for each in refused.value.problems] == [
        "without the override: thresholds.queries: 200 must be below thresholds.queries_critical: 100 (as by default)"
    ]


def test_a_change_goes_to_our_node_of_a_standard_file(tmp_path: Path) -> None:
    """Where OTEL_CONFIG_FILE carries us, its node `distribution.verein` is read and changed, and nothing else of it."""
    file = written(
        tmp_path, "file_format: '1.0' # theirs\ndistribution:\n  verein:\n    sampling: {ratio: 0.5}\n", "o.yaml"
    )
    environ = {"OTEL_CONFIG_FILE": "o.yaml"}

    outcome = change(Wish(QUERIES, 30), environ, tmp_path)

    assert outcome.file == file
    assert outcome.now.setting(QUERIES).value == 30
    assert file.read_text() == (
        "file_format: '1.0' # theirs\ndistribution:\n  verein:\n    sampling: {ratio: 0.5}\n"
        "    thresholds:\n      queries: 30\n"
    )


def test_a_roll_back_brings_back_the_file_or_the_override_that_the_entry_is_about(tmp_path: Path) -> None:
    """Entry 1 is about the file, entry 2 about the override; which of them can also be said."""
    change(Wish(QUERIES, 30), {}, tmp_path)
    change(Wish(QUERIES, 31, override=True), {}, tmp_path)
    change(Wish(QUERIES, 40), {}, tmp_path)
    change(Wish(QUERIES, 41, override=True), {}, tmp_path)

    def files() -> tuple[str, str]:
        override = tmp_path / ".verein/config/override.yaml"
        return (tmp_path / "verein.yaml").read_text(), override.read_text() if override.exists() else ""

    seen = []
    for arguments in ({"entry_id": 1}, {"entry_id": 2}, {"entry_id": 1, "override": True}):
        rollback(why="", environ={}, directory=tmp_path, **arguments)  # type: ignore[arg-type]
        seen.append(files())

    thirty, one = "thresholds:\n  queries: 30\n", "thresholds:\n  queries: 31\n"
    assert seen == [(thirty, one.replace("31", "41")), (thirty, one), (thirty, "")]


def test_the_history_of_a_key_leaves_others_out(tmp_path: Path) -> None:
    """An option or a section, in the file, in a block of it, or in the override; the newest first."""
    change(Wish(QUERIES, 30, why="slow"), {}, tmp_path)
    change(Wish("sampling.ratio", 0.5), {}, tmp_path)
    change(Wish(QUERIES, 31, "staging"), {}, tmp_path)
    change(Wish("thresholds.duration_s", 1.5, override=True), {}, tmp_path)

    ids = {key: [each.id for each in history({}, key, tmp_path)] for key in (None, QUERIES, "thresholds", "sampling")}

    assert ids == {None: [4, 3, 2, 1], QUERIES: [3, 1], "thresholds": [4, 3, 1], "sampling": [2]}
