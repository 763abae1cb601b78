"""What is in force and why, what is wrong with a configuration, and how two differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from otel_verein.api.config import differences, in_force, jsonable, options_of, unknown_key
from otel_verein.api.config_changes import Wish, change
from otel_verein.api.config_check import validate
from otel_verein.config.layers import digest
from otel_verein.config.presets import PRESETS
from otel_verein.config.schema import Config, IgnoreRule, ThresholdRule
from otel_verein.config.validate import OPTIONS
from otel_verein.errors import ConfigError
from tests.unit.config_commands import written

NOON = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)
QUERIES = "thresholds.queries"


def problems(directory: Path, environ: Mapping[str, str] = {}, file: Path | None = None) -> list[str]:
    """What validation says, with the file as seen from *directory*."""
    found = validate(environ, file, directory).problems
    return [str(each).replace(f"{directory}/", "") for each in found]


def test_every_layer_that_speaks_of_an_option_is_told_the_strongest_first(tmp_path: Path) -> None:
    """The override hides the variable of ours, that the standard one, the block, the file, the preset, the default."""
    file = written(
        tmp_path, "environment: staging\nsampling: {ratio: 0.2}\nenvironments:\n  staging: {sampling: {ratio: 0.3}}\n"
    )
    override = written(tmp_path, "sampling:\n  ratio: 0.6\n", ".verein/config/override.yaml")
    environ = {
        "OTEL_TRACES_SAMPLER": "traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.4",
        "VEREIN_SAMPLING_RATIO": "0.55",
    }

    setting = in_force(environ, tmp_path).setting("sampling.ratio")

    assert setting.value == 0.6
    assert [(each.layer, each.where, each.value) for each in setting.origins] == [
        ("override", f"{override}:2", 0.6),
        ("VEREIN variable", "VEREIN_SAMPLING_RATIO", "0.55"),
        ("OTEL variable", "OTEL_TRACES_SAMPLER_ARG", "0.4"),
        ("environment block", f"{file}:4", 0.3),
        ("file", f"{file}:2", 0.2),
        ("preset", "staging", 0.5),
        ("default", "", 0.1),
    ]


def test_all_options_are_there_once_in_the_order_of_the_schema(tmp_path: Path) -> None:
    """What is in force names every option there is; without a file all are as by default."""
    answer = in_force({}, tmp_path)

    assert [each.key for each in answer.settings] == list(OPTIONS)
    assert [each.key for each in answer.settings if each.differs] == []
    assert (answer.has_file, answer.overridden, answer.digest) == (False, 0, digest(Config()))


def test_an_override_holds_until_its_end(tmp_path: Path) -> None:
    """A second before its end an override is in force, with that end; at its end it is not there any more."""
    text = "thresholds: {queries: 9}\nuntil: {thresholds.queries: '2026-11-27T12:00:00Z'}\n"
    written(tmp_path, text, ".verein/config/override.yaml")

    before = in_force({}, tmp_path, now=NOON - timedelta(seconds=1)).setting(QUERIES)
    after = in_force({}, tmp_path, now=NOON).setting(QUERIES)

    assert (before.value, before.until) == (9, NOON)
    assert (after.value, after.until, len(after.origins)) == (50, None, 1)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("thresholds.querys", "; did you mean 'thresholds.queries'?", id="misspelled"),
        pytest.param("querys", "; did you mean 'thresholds.queries'?", id="without-section"),
        pytest.param("ratio", "; did you mean 'sampling.ratio'?", id="option-alone"),
        pytest.param(
            "operations", "; did you mean 'thresholds.operations' or 'sampling.operations'?", id="in-two-sections"
        ),
        pytest.param("threshold", "; did you mean 'thresholds'?", id="section"),
        pytest.param("zzz", "; see docs/reference/configuration.md", id="nothing-near"),
    ],
)
def test_an_unknown_key_says_what_is_probably_meant(name: str, hint: str) -> None:
    """A key that is no option is told with the nearest one; its section may be left out."""
    assert options_of(name) == ()
    assert unknown_key(name) == f"{name}: unknown key{hint}"


def test_a_section_stands_for_its_options() -> None:
    """A section is all its options, an option is itself."""
    assert options_of("compression") == ("compression.repeats", "compression.slowest", "compression.failed")
    assert options_of(QUERIES) == (QUERIES,)


def test_entries_of_lists_are_json_without_what_they_leave_open() -> None:
    """An entry of a list has the parts that were given, with dates as text."""
    rules = (ThresholdRule("GET /export*", queries=500), IgnoreRule("three rows", NOON.date(), statement="x"))

    assert jsonable(rules) == [
        {"operation": "GET /export*", "queries": 500},
        {"reason": "three rows", "until": "2026-11-27", "statement": "x"},
    ]


@pytest.mark.parametrize("environment", PRESETS)
def test_an_environment_differs_from_the_defaults_by_its_presets(environment: str, tmp_path: Path) -> None:
    """`diff defaults production` are the presets of production that are not the default anyway."""
    found = differences("defaults", environment, {}, tmp_path).options

    assert {key: new for key, _, new in found} == {
        key: value for key, value in PRESETS[environment].items() if value != OPTIONS[key].default
    }


def test_the_file_alone_is_without_variables_and_override(tmp_path: Path) -> None:
    """`file` is what the file says in the environment here; `now` has the variable and the override, too."""
    written(tmp_path, "thresholds: {queries: 30}\n")
    written(tmp_path, "sampling: {ratio: 0.6}\n", ".verein/config/override.yaml")
    environ = {"VEREIN_THRESHOLDS_QUERIES": "40"}

    assert differences("file", "now", environ, tmp_path).options == (
        ("thresholds.queries", 30, 40),
        ("sampling.ratio", 0.1, 0.6),
    )
    assert differences("defaults", "file", environ, tmp_path).options == (("thresholds.queries", 50, 30),)


def test_a_path_is_a_configuration_by_itself(tmp_path: Path) -> None:
    """Any other file can be compared; what is no file and no word for one is told."""
    written(tmp_path, "thresholds: {queries: 12}\n", "other.yaml")

    assert differences("now", "other.yaml", {}, tmp_path).options == (("thresholds.queries", 50, 12),)
    with pytest.raises(ConfigError) as refused:
        differences("now", "others.yaml", {}, tmp_path)
    assert str(refused.value) == (
        "others.yaml: is none of defaults, development, staging, production, file, now, an id of the history, or a file"
    )


def test_an_entry_of_the_history_is_both_files_as_they_were_after_it(tmp_path: Path) -> None:
    """Entry 2 is the file of entry 1 with the override of entry 2, which held then though it has ended since."""
    change(Wish(QUERIES, 30), {}, tmp_path)
    ended = datetime.now(timezone.utc) + timedelta(hours=1)
    change(Wish("sampling.ratio", 0.6, override=True, until=ended), {}, tmp_path)
    change(Wish(QUERIES, 40), {}, tmp_path)
    later = ended + timedelta(seconds=1)

    found = {entry: differences("defaults", entry, {}, tmp_path, later).options for entry in ("1", "2", "3", "now")}

    assert found == {
        "1": ((QUERIES, 50, 30),),
        "2": ((QUERIES, 50, 30), ("sampling.ratio", 0.1, 0.6)),
        "3": ((QUERIES, 50, 40), ("sampling.ratio", 0.1, 0.6)),
        "now": ((QUERIES, 50, 40),),
    }
    with pytest.raises(ConfigError, match=r"the history has no entry 9$"):
        differences("9", "now", {}, tmp_path)


def test_an_entry_before_the_first_of_the_file_has_the_file_that_was_found_then(tmp_path: Path) -> None:
    """Entry 1 is of the override; the file was changed later, and what it was before that is on record, too."""
    written(tmp_path, "thresholds: {queries: 30}\n")
    change(Wish("sampling.ratio", 0.6, override=True), {}, tmp_path)
    change(Wish(QUERIES, 40), {}, tmp_path)

    assert differences("1", "now", {}, tmp_path).options == ((QUERIES, 30, 40),)


def test_an_entry_of_the_history_has_the_overrides_that_held_then(tmp_path: Path) -> None:
    """An override that held for the first of January is in an entry of that day, and not in force now."""
    change(Wish(QUERIES, 9, override=True, until=datetime(2026, 1, 2, tzinfo=timezone.utc)), {}, tmp_path)
    log = tmp_path / ".verein/config/history.jsonl"
    [entry] = [json.loads(line) for line in log.read_text().splitlines()]
    log.write_text(json.dumps(entry | {"when": "2026-01-01T12:00:00.000Z"}) + "\n")

    assert differences("1", "now", {}, tmp_path).options == ((QUERIES, 9, 50),)


VALIDATIONS = [
    pytest.param("thresholds: {queries: 30}\n", [], id="valid"),
    pytest.param(
        "thresholds:\n  querys: 3\nenvironments:\n  production:\n    sampling: {ratio: 3}\n",
        [
            "verein.yaml:2: thresholds.querys: unknown key; did you mean 'queries'?",
            "verein.yaml:5: environments.production.sampling.ratio: 3 must be at most 1",
        ],
        id="told-once",
    ),
    pytest.param(
        "capabilities: {metrics: false}\n",
        [
            "verein.yaml:1: in production: capabilities.metrics: false is refused: the figures of production would be "
            "unknown; set allow.monitoring_off if that is meant"
        ],
        id="only-in-production",
    ),
    pytest.param("environment: staging\ncapabilities: {metrics: false}\n", [], id="production-ruled-out"),
    pytest.param(
        "environment: staging\nenvironments:\n  production: {capabilities: {counting: false}}\n",
        [
            "verein.yaml:3: in production: capabilities.counting: false is refused: no query of "
            "production would be counted; set allow.monitoring_off if that is meant"
        ],
        id="block-that-is-not-in-force",
    ),
    pytest.param(
        "thresholds:\n  queries: 150\n",
        [
            "verein.yaml:2: without an environment: thresholds.queries: 150 must be below thresholds.queries_critical: "
            "100 (as by default)",
            "verein.yaml:2: in staging: thresholds.queries: 150 must be below thresholds.queries_critical: 100 "
            "(as staging presets)",
            "verein.yaml:2: in production: thresholds.queries: 150 must be below thresholds.queries_critical: 100 "
            "(as production presets)",
        ],
        id="each-with-its-reason",
    ),
]


@pytest.mark.parametrize(("text", "expected"), VALIDATIONS)
def test_validation_tries_every_environment(text: str, expected: list[str], tmp_path: Path) -> None:
    """Problems are told once; those of some environments say which; it is the same for a file that is named."""
    file = written(tmp_path, text)

    assert problems(tmp_path) == expected
    assert problems(tmp_path, file=file) == expected


def test_a_named_file_is_checked_without_the_variables_here(tmp_path: Path) -> None:
    """A wrong variable is a problem of what a process here would read, and none of the file."""
    file = written(tmp_path, "thresholds: {queries: 30}\n")
    environ = {"VEREIN_SAMPLING_RATIO": "2"}

    assert problems(tmp_path, environ, file) == []
    assert problems(tmp_path, environ) == ["VEREIN_SAMPLING_RATIO: sampling.ratio: '2' must be at most 1"]


def test_problems_are_json_for_editors(tmp_path: Path) -> None:
    """Each problem has file, line, key and message; one of a variable has no file."""
    file = written(tmp_path, "\nthresholds: {queries: 0}\n")
    answer = validate({"VEREIN_SAMPLING_RATIO": "2"}, directory=tmp_path).as_dict()

    assert json.loads(json.dumps(answer))["problems"] == [
        {
            "file": str(file),
            "line": 2,
            "where": f"{file}:2",
            "key": QUERIES,
            "message": "thresholds.queries: 0 must be at least 1",
        },
        {
            "file": None,
            "line": None,
            "where": "VEREIN_SAMPLING_RATIO",
            "key": "sampling.ratio",
            "message": "sampling.ratio: '2' must be at most 1",
        },
    ]
