"""What is written from the schema: the JSON Schema for editors, the commented sample, the page of the reference."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from otel_verein.config import Config, load
from otel_verein.config.describe import json_schema, sample
from otel_verein.config.document import plain, read
from otel_verein.config.layers import values_of
from otel_verein.config.presets import ENVIRONMENTS, PRESETS
from otel_verein.config.schema import SECTIONS, option_fields
from otel_verein.errors import ConfigError

CORPUS = Path(__file__).parent / "config"
KEYS = [f"{section}.{name}" for section, name, _ in option_fields()]
LISTS = {f"{section}.{name}" for section, name, option in option_fields() if option.metadata["entries"]}


def refused(text: str | bytes) -> list[str]:
    """Where the schema refuses the configuration *text*, and by which of its rules."""
    node, problems = read(text.encode() if isinstance(text, str) else text, "verein.yaml")
    assert problems == []
    data = json.loads(json.dumps(None if node is None else plain(node), default=date.isoformat))
    faults = Draft202012Validator(json_schema()).iter_errors(data)
    return [f"{'.'.join(map(str, fault.absolute_path))}: {fault.validator}" for fault in faults]


def uncommented(text: str) -> str:
    """*text* with every option in force: a ``#`` without a space after it is taken away."""
    return re.sub(r"^( *)#(?=\S)", r"\1", text, flags=re.M)


def loaded(text: str, directory: Path) -> Config:
    """The configuration that *text* makes."""
    (directory / "verein.yaml").write_text(text)
    return load({}, directory)


def test_schema_is_a_schema():
    """It keeps to the draft that it names."""
    Draft202012Validator.check_schema(json_schema())

    assert json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_schema_is_plain_data():
    """It survives the way through JSON, NaN and tuples apart, so that any editor reads it."""
    assert json.loads(json.dumps(json_schema(), allow_nan=False)) == json_schema()


def test_schema_has_every_option_with_help_and_default():
    """No option is left out, none is added, and each says what it is for and what it is by default."""
    described = {
        f"{section}.{name}": option
        for section, definition in json_schema()["$defs"].items()
        if section != "block"
        for name, option in definition["properties"].items()
    }

    assert list(described) == KEYS
    assert {key: option["default"] for key, option in described.items()} == {
        key: list(value) if isinstance(value, tuple) else value for key, value in values_of(Config()).items()
    }
    assert [
        f"{section}.{name}"
        for section, name, option in option_fields()
        if not described[f"{section}.{name}"]["description"].startswith(option.metadata["help"])
    ] == []


def test_schema_describes_an_option_with_unit_default_and_presets():
    """What an editor shows at a key is all that there is to know of its values."""
    assert json_schema()["$defs"]["thresholds"]["properties"]["queries"] == {
        "description": "Queries one operation may run before it breaches. Unit: {query}. "
        "Default: 50, in development 100, in staging 50, in production 20.",
        "default": 50,
        "type": "integer",
        "minimum": 1,
    }


def test_schema_describes_the_entries_of_a_list():
    """Their keys come from the fields of the entry: types, bounds, what is needed, an example."""
    entry = json_schema()["$defs"]["sampling"]["properties"]["operations"]["items"]

    assert entry == {
        "description": "The ratio of the operations whose name matches a glob.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "operation": {
                "description": "A glob on the name.",
                "type": "string",
                "minLength": 1,
                "pattern": r"\S",
                "maxLength": 1000,
                "examples": ["GET /health*"],
            },
            "ratio": {
                "description": "Their ratio.",
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "examples": [0.01],
            },
        },
        "required": ["operation", "ratio"],
    }


GOOD = {
    "nothing": "",
    "an empty section": "thresholds:\n",
    "every kind of value": "sampling: {ratio: 1, decide: collector, dry_run: true}\nlimits: {open_spans: 100}\n"
    "export: {directory: /var/verein}\ncall_site: {application: [shop]}\n",
    "an environment": "environment: staging\n",
    "blocks": "environments:\n  production:\n    sampling: {ratio: 0.2}\n  staging:\n",
    "entries": "thresholds:\n  operations: [{operation: 'GET /export*', queries: 300, queries_critical: 400}]\n",
    "an ignore rule": "ignore:\n  rules: [{reason: small, until: 2027-03-31, statement: SELECT x}]\n",
    "a switch that a variable could set": "limits: {open_spans: 1000000}\n",
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_schema_takes_what_is_valid(text: str, tmp_path: Path):
    """An editor does not complain about a configuration that loads."""
    loaded(text, tmp_path)

    assert [] == refused(text)


BAD = {
    "a list": ("[]", ": type"),
    "an unknown section": ("tresholds:\n", ": additionalProperties"),
    "an unknown option": ("thresholds: {querys: 3}", "thresholds: additionalProperties"),
    "a section that is a number": ("thresholds: 3", "thresholds: type"),
    "text for a number": ("thresholds: {queries: '3'}", "thresholds.queries: type"),
    "a switch for a number": ("thresholds: {queries: true}", "thresholds.queries: type"),
    "a fraction of queries": ("thresholds: {queries: 2.5}", "thresholds.queries: type"),
    "no value": ("thresholds: {queries: }", "thresholds.queries: type"),
    "below the least": ("thresholds: {queries: 0}", "thresholds.queries: minimum"),
    "above the most": ("sampling: {ratio: 1.5}", "sampling.ratio: maximum"),
    "at what it has to be above": ("thresholds: {duration_s: 0}", "thresholds.duration_s: exclusiveMinimum"),
    "no choice": ("sampling: {decide: nobody}", "sampling.decide: enum"),
    "a number for a switch": ("capabilities: {tagging: 1}", "capabilities.tagging: type"),
    "blank text": ("export: {directory: ' '}", "export.directory: pattern"),
    "long text": (f"export: {{directory: {'x' * 1001}}}", "export.directory: maxLength"),
    "text for a list": ("call_site: {application: shop}", "call_site.application: type"),
    "a number in a list of text": ("call_site: {ignore: [1]}", "call_site.ignore.0: type"),
    "an unknown environment": ("environment: prod", "environment: enum"),
    "a block for an unknown environment": ("environments: {prod: {}}", "environments: additionalProperties"),
    "an environment in a block": (
        "environments: {staging: {environment: staging}}",
        "environments.staging: additionalProperties",
    ),
    "a bad value in a block": (
        "environments: {staging: {sampling: {ratio: 2}}}",
        "environments.staging.sampling.ratio: maximum",
    ),
    "an entry that is text": ("sampling: {operations: [GET]}", "sampling.operations.0: type"),
    "an entry without its ratio": ("sampling: {operations: [{operation: GET}]}", "sampling.operations.0: required"),
    "an entry with an unknown key": (
        "sampling: {operations: [{operation: GET, ratio: 1, rate: 2}]}",
        "sampling.operations.0: additionalProperties",
    ),
    "an entry without any of what it needs": (
        "thresholds: {operations: [{operation: GET}]}",
        "thresholds.operations.0: anyOf",
    ),
    "no date": ("ignore: {rules: [{reason: a, until: soon, statement: b}]}", "ignore.rules.0.until: pattern"),
}


@pytest.mark.parametrize(("text", "fault"), BAD.values(), ids=BAD)
def test_schema_refuses_what_it_can_know_to_be_wrong(text: str, fault: str, tmp_path: Path):
    """Types, bounds, choices and names are told while the file is typed, and none of these would load."""
    with pytest.raises(ConfigError):
        loaded(text, tmp_path)

    assert [fault] == refused(text)


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in sorted(CORPUS.glob("*.good.yaml"))])
def test_schema_takes_the_good_files(path: Path):
    """The files that the tests of loading call good are good to an editor, too."""
    assert [] == refused(path.read_bytes())


BEYOND = re.compile(
    r"must be below|must not be above|is refused|is shorter than"  # several options
    r"|(nan|inf) is not a number|\.0 is not a whole number"  # no numbers of JSON, and no difference in it
    r"|'\d{4}-\d\d-\d\d' is (text: write it without quotes to make it a date|no day of the calendar)"  # text, to JSON
    r"|cannot be printed"
)
"""What is wrong with a configuration, and a schema cannot know."""


def test_schema_refuses_the_bad_files_that_it_can_know_to_be_bad():
    """What it lets pass of the files that do not load are rules over several options and what JSON does not tell."""
    readable = [path for path in sorted(CORPUS.glob("*.bad.yaml")) if not read(path.read_bytes(), "")[1]]
    taken = [path for path in readable if not refused(path.read_bytes())]

    errors = {path.name: re.findall("^# error: (.*)", path.read_text(), re.M) for path in taken}

    assert len(readable) - len(taken) > 50
    assert [] == [name for name, told in errors.items() if not all(map(BEYOND.search, told))]


def test_sample_loads_as_the_defaults(tmp_path: Path):
    """As it is, it sets nothing."""
    assert loaded(sample(), tmp_path) == Config()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_sample_of_an_environment_loads_as_what_it_presets(environment: str, tmp_path: Path):
    """It names the environment, and sets nothing else."""
    config = loaded(sample(environment), tmp_path)

    assert config.environment == environment
    assert values_of(config) == values_of(Config()) | PRESETS[environment]


@pytest.mark.parametrize("environment", ["", *ENVIRONMENTS])
def test_sample_shows_the_values_that_hold_without_it(environment: str, tmp_path: Path):
    """With all its options put in force nothing changes, but for the lists, which show an entry."""
    before = values_of(loaded(sample(environment), tmp_path))

    all_set = uncommented(sample(environment)).partition("\nenvironments:")[0]
    unnamed = re.sub("^environment:.*\n", "", all_set, flags=re.M)
    after = values_of(loaded(f"environment: {environment}\n{unnamed}" if environment else unnamed, tmp_path))

    assert {key for key, value in after.items() if value != before[key]} == LISTS
    assert {key: len(after[key]) for key in LISTS} == dict.fromkeys(LISTS, 1)


@pytest.mark.parametrize("environment", ["", *ENVIRONMENTS])
def test_sample_loads_with_every_option_in_force(environment: str, tmp_path: Path):
    """All of it at once, the blocks of the environments too, is a valid configuration that sets every option."""
    text = uncommented(sample(environment))

    loaded(text, tmp_path)

    data = yaml.safe_load(text)
    assert [f"{section}.{name}" for section in SECTIONS for name in data[section]] == KEYS
    assert list(data["environments"]) == list(ENVIRONMENTS)
    assert [] == refused(text)


def test_sample_loads_with_any_single_option_in_force(tmp_path: Path):
    """One # less is one option more, wherever it is; an entry of a list takes its lines together."""
    lines = sample().splitlines()
    single = [number for number, line in enumerate(lines) if re.fullmatch(r"  #\w+: .+", line)]

    for number in single:
        changed = [*lines[:number], lines[number].replace("#", "", 1), *lines[number + 1 :]]
        loaded("\n".join(changed), tmp_path)

    assert len(single) == len(KEYS) - len(LISTS)


def test_sample_says_all_of_an_option():
    """Help, kind, bounds, unit and default, what is special about it, and then the option."""
    assert (
        "  # Kept operations that may wait; further ones are dropped, counted. Takes effect at the next start\n"
        "  # of a process. Above 1000000 only with `allow.large_memory`.\n"
        "  # A whole number, at least 1. Unit: {operation}. Default: 2048.\n"
        "  #queue_operations: 2048\n"
    ) in sample()


def test_sample_marks_what_is_not_read_yet():
    """An option that is planned says so, any other does not."""
    planned = [name for _, name, option in option_fields() if option.metadata["planned"]]

    assert sample().count("Not read yet.") == len(planned)


def test_sample_has_no_long_lines():
    """It is read in a terminal."""
    assert [line for line in sample("development").splitlines() if len(line) > 100] == []


def test_every_example_of_an_entry_is_shown():
    """A key of an entry without an example would leave the sample without a value for it."""
    kinds: list[Any] = [option.metadata["entries"] for _, _, option in option_fields() if option.metadata["entries"]]

    assert [
        f"{kind.__name__}.{part.name}" for kind in kinds for part in fields(kind) if not part.metadata["example"]
    ] == []
