"""The layers of the configuration: every variable, what is no option, where files stand, digests, and what changed."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from otel_verein.config import Config, load
from otel_verein.config.files import Files
from otel_verein.config.layers import Origin, changed, digest, files_of, resolve, values_of
from otel_verein.config.validate import OPTIONS
from otel_verein.errors import ConfigError
from tests.unit.valid_options import as_text, in_force, valid_values, variable

NOON = datetime(2027, 1, 1, 12, tzinfo=timezone.utc)


def refused(environ: dict[str, str], directory: Path) -> list[str]:
    """The problems of a configuration that is not taken."""
    with pytest.raises(ConfigError) as raised:
        load(environ, directory)
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize("key", OPTIONS)
def test_every_option_has_a_variable(key: str, tmp_path: Path) -> None:
    """``VEREIN_<SECTION>_<OPTION>`` says what the option of the file says: each of its values, and nothing else."""
    for value in valid_values(key):
        config = load({variable(key): as_text(key, value)}, tmp_path)

        assert {key: in_force(key, value)} == {name: new for name, _, new in changed(Config(), config)}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("VEREIN_SAMPLING_DRY_RUN", " TRUE ", True),
        ("VEREIN_CAPABILITIES_TAGGING", "False", False),
        ("VEREIN_THRESHOLDS_QUERIES", " 7 ", 7),
        ("VEREIN_THRESHOLDS_DURATION_S", "1e-3", 0.001),
        ("VEREIN_CALL_SITE_IGNORE", " shop/repository ,, shop/base,", ("shop/repository", "shop/base")),
        ("VEREIN_CALL_SITE_IGNORE", "", ()),
        ("VEREIN_SAMPLING_OPERATIONS", "[]", ()),
    ],
)
def test_a_variable_may_be_written_in_many_ways(name: str, text: str, expected: object, tmp_path: Path) -> None:
    """Space around a value, the case of a switch and empty parts of a list do not matter."""
    key = next(each for each in OPTIONS if variable(each) == name)

    assert values_of(load({name: text}, tmp_path))[key] == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("VEREIN_SAMPLING_DRY_RUN", "yes", "sampling.dry_run: 'yes' is neither true nor false"),
        ("VEREIN_THRESHOLDS_QUERIES", "7.5", "thresholds.queries: '7.5' is not a whole number"),
        ("VEREIN_SAMPLING_RATIO", "nan", "sampling.ratio: 'nan' is not a number"),
        ("VEREIN_SAMPLING_RATIO", "50%", "sampling.ratio: '50%' is not a number"),
        ("VEREIN_SAMPLING_DECIDE", "colector",
         "sampling.decide: 'colector' must be one of process, collector; did you mean 'collector'?"),
        ("VEREIN_SAMPLING_OPERATIONS", "GET /",
         "sampling.operations: 'GET /' is not a list of entries, each with operation and ratio"),
    ],
    ids=["switch", "fraction", "nan", "percent", "choice", "entries"],
)  # fmt: skip
def test_a_variable_that_cannot_be_taken_says_why(name: str, text: str, expected: str, tmp_path: Path) -> None:
    """The problem stands at the variable, with its value and the rule."""
    assert [f"{name}: {expected}"] == refused({name: text}, tmp_path)


@pytest.mark.parametrize("code", [0xD800, 0xDC80], ids=["half a character", "an odd byte"])
def test_a_variable_that_is_no_text_is_told(code: int, tmp_path: Path) -> None:
    """Whatever the environment holds, or a caller gives for it, ends in a problem."""
    (problem,) = refused({"VEREIN_IGNORE_RULES": chr(code)}, tmp_path)

    assert problem.startswith("VEREIN_IGNORE_RULES:1: is not UTF-8 text")


def test_an_empty_variable_is_not_set(tmp_path: Path) -> None:
    """As with the variables of OpenTelemetry: whoever empties one takes it back."""
    assert Config() == load({variable(key): " " for key in OPTIONS}, tmp_path)


def test_the_null_device_is_a_file_without_options(tmp_path: Path) -> None:
    """The usual way to say that no file is wanted, although it is no regular one."""
    (tmp_path / "verein.yaml").write_text("thresholds: {queries: 7}\n")

    assert Config() == load({"VEREIN_CONFIG": "/dev/null"}, tmp_path)


def test_problems_in_a_variable_of_entries_have_its_line(tmp_path: Path) -> None:
    """A list in a variable is YAML, and what is wrong in it has the line within the variable."""
    text = "- {operation: GET /a, ratio: 2}\n- {operation: GET /b, rato: 1}"

    assert [
        "VEREIN_SAMPLING_OPERATIONS:1: sampling.operations[0].ratio: 2 must be at most 1",
        "VEREIN_SAMPLING_OPERATIONS:2: sampling.operations[1].rato: unknown key; did you mean 'ratio'?",
    ] == refused({"VEREIN_SAMPLING_OPERATIONS": text}, tmp_path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("VEREIN_THRESHOLDS_QUERYS", "is no option; did you mean 'VEREIN_THRESHOLDS_QUERIES'?"),
        ("VEREIN_N_PLUS_ONE_REPEAT", "is no option; did you mean 'VEREIN_N_PLUS_ONE_REPEATS'?"),
        ("VEREIN_ALLOW_", "is no option; did you mean 'VEREIN_ALLOW_LARGE_MEMORY'?"),
    ],
)
def test_an_unknown_variable_of_a_section_is_told(name: str, expected: str, tmp_path: Path) -> None:
    """What begins as an option of ours and is none is a mistake, with the nearest option."""
    assert [f"{name}: {expected}"] == refused({name: "1"}, tmp_path)


def test_other_variables_are_left_alone(tmp_path: Path) -> None:
    """The silent twin: variables of other tools and of other parts of ours, and names in small letters."""
    environ = {"VEREIN_REQUIRE_SERVICES": "1", "VEREIN_SHOP": "x", "verein_thresholds_querys": "1", "VEREIN_": ""}

    assert Config() == load(environ, tmp_path)


def test_two_keys_in_one_section_come_from_two_layers(tmp_path: Path) -> None:
    """Layers are laid over each other option by option, not section by section; a list is replaced as a whole."""
    (tmp_path / "verein.yaml").write_text(
        "thresholds:\n  queries: 30\n  operations: [{operation: A, queries: 1}, {operation: B, queries: 2}]\n"
    )

    found = load({"VEREIN_THRESHOLDS_OPERATIONS": "[{operation: C, queries: 3}]"}, tmp_path).thresholds

    assert (30, ["C"]) == (found.queries, [rule.operation for rule in found.operations])


@pytest.mark.parametrize(
    ("environ", "file", "state", "named"),
    [
        ({}, "verein.yaml", ".verein/config", False),
        ({"VEREIN_CONFIG": ""}, "verein.yaml", ".verein/config", False),
        ({"VEREIN_CONFIG": "etc/ours.yaml"}, "etc/ours.yaml", "etc/.verein/config", True),
        ({"VEREIN_CONFIG": "etc/ours.yaml", "VEREIN_CONFIG_STATE": "var"}, "etc/ours.yaml", "var", True),
    ],
)
def test_files_stand_where_variables_say(
    environ: dict[str, str], file: str, state: str, named: bool, tmp_path: Path
) -> None:
    """The file, and the directory of override and history beside it unless a variable names one."""
    found = files_of(environ, tmp_path)

    assert Files(tmp_path / file, tmp_path / state, named) == Files(found.file, found.state, found.named)
    assert found.override == tmp_path / state / "override.yaml"


def test_the_working_directory_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a directory paths are relative to where the process is."""
    monkeypatch.chdir(tmp_path)

    assert files_of({}).file == tmp_path / "verein.yaml"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with a name here")
@pytest.mark.parametrize("name", ["verein.yaml", ".verein/config/override.yaml"])
def test_a_pipe_is_refused_and_does_not_hang(name: str, tmp_path: Path) -> None:
    """What waits for a writer would keep the application from starting."""
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(tmp_path / name)
    code = f"from pathlib import Path; from otel_verein.config import load; load({{}}, Path({str(tmp_path)!r}))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=20)

    told = f"otel_verein.errors.ConfigError: {tmp_path / name}: cannot be read: it is not a regular file\n"
    assert done.stderr.endswith(told), done.stderr


def test_a_path_that_cannot_be_looked_at_is_a_problem(tmp_path: Path) -> None:
    """Whatever the system says of the default file, but that it is not there, is told; no other error comes out."""
    file = tmp_path / ("long" * 100) / "verein.yaml"

    assert [f"{file}: cannot be read: File name too long"] == refused({}, file.parent)[:1]


def test_bytes_may_stand_for_the_files(tmp_path: Path) -> None:
    """*data* and *override_data* are checked in the place of what is there, under the same names."""
    (tmp_path / "verein.yaml").write_text("nonsense: 1\n")

    found = resolve({}, tmp_path, data=b"thresholds:\n  queries: 9\n", override_data=b"sampling:\n  ratio: 0.25\n")

    assert (9, 0.25) == (found.config.thresholds.queries, found.config.sampling.ratio)
    assert Origin("file", f"{tmp_path / 'verein.yaml'}:2", 9) == found.origins["thresholds.queries"][0]
    assert found.origins["sampling.ratio"][0].where == f"{tmp_path / '.verein/config/override.yaml'}:2"


def test_problems_of_all_layers_are_told_at_once(tmp_path: Path) -> None:
    """File, block of another environment, variable and override: one error has them all."""
    (tmp_path / "verein.yaml").write_text("sampling: {ratio: 7}\nenvironments: {staging: {helth: {}}}\n")

    with pytest.raises(ConfigError) as raised:
        resolve({"VEREIN_HEALTH_GOOD": "x"}, tmp_path, override_data=b"limits:\n  spans_per_operation: 0\n")

    file, override = tmp_path / "verein.yaml", tmp_path / ".verein/config/override.yaml"
    assert {
        f"{file}:1: sampling.ratio: 7 must be at most 1",
        f"{file}:2: environments.staging.helth: unknown key; did you mean 'health'?",
        "VEREIN_HEALTH_GOOD: health.good: 'x' is not a number",
        f"{override}:2: limits.spans_per_operation: 0 must be at least 1",
    } == {str(problem) for problem in raised.value.problems}


OVERRIDE = b"""sampling: {ratio: 0.25}
thresholds: {queries: 9}
until: {sampling.ratio: 2027-01-01T12:30:00+00:00, thresholds.queries: '2027-01-01T14:00:00+01:00'}
"""


@pytest.mark.parametrize(
    ("minutes", "expected", "next_end"),
    [(0, (0.25, 9), 30), (29.99, (0.25, 9), 30), (30, (0.1, 9), 60), (60, (0.1, 50), None)],
)
def test_an_override_holds_until_its_end(
    minutes: float, expected: tuple[float, int], next_end: int | None, tmp_path: Path
) -> None:
    """Each key by its own end, in any time zone; the next one is told."""
    now = NOON + timedelta(minutes=minutes)

    found = resolve({}, tmp_path, override_data=OVERRIDE, now=now)

    assert expected == (found.config.sampling.ratio, found.config.thresholds.queries)
    assert found.next_end == (None if next_end is None else NOON + timedelta(minutes=next_end))


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("{sampling.ratio: soon}", "until.sampling.ratio: is no time, such as 2027-03-31T12:00:00+00:00"),
        ("[sampling.ratio]", "until: must be a mapping of keys to times"),
        ("{sampling.rato: 2027-01-01}", "until.sampling.rato: unknown key; did you mean 'sampling.ratio'?"),
    ],
    ids=["no time", "no mapping", "unknown key"],
)
def test_an_end_that_is_none_is_told(until: str, expected: str, tmp_path: Path) -> None:
    """A mistake in an end would let an override hold for ever."""
    data = f"sampling: {{ratio: 0.25}}\nuntil: {until}\n".encode()

    with pytest.raises(ConfigError) as raised:
        resolve({}, tmp_path, override_data=data, now=NOON)

    assert str(raised.value) == f"{tmp_path / '.verein/config/override.yaml'}:2: {expected}"


def test_every_difference_makes_another_digest() -> None:
    """Twelve digits that equal configurations share: no two options, and no two environments, have the same."""
    configs = [Config(), replace(Config(), environment="staging")]
    for key in OPTIONS:
        section, name = key.split(".")
        other: dict[str, Any] = {name: in_force(key, valid_values(key)[0])}
        configs.append(replace(Config(), **{section: replace(getattr(Config(), section), **other)}))

    digests = [digest(config) for config in configs]

    assert len(configs) == len(set(digests))
    assert {12} == set(map(len, digests))
    assert digests == [digest(replace(config)) for config in configs]


def test_a_digest_is_the_same_in_every_process() -> None:
    """It does not depend on the seed of hashes, so that a fleet can be compared."""
    code = (
        "from otel_verein.config import Config; from otel_verein.config.layers import digest; print(digest(Config()))"
    )

    said = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert {digest(Config())} == said


def test_what_changed_is_told_with_old_and_new(tmp_path: Path) -> None:
    """Option by option, in the order of the schema; nothing between equal ones."""
    after = load({"VEREIN_SAMPLING_RATIO": "1", "VEREIN_THRESHOLDS_QUERIES": "9"}, tmp_path)

    assert [("thresholds.queries", 50, 9), ("sampling.ratio", 0.1, 1.0)] == list(changed(Config(), after))
    assert [] == list(changed(after, replace(after)))


def test_reading_a_configuration_costs_no_import_of_what_changes_one() -> None:
    """Every application pays for what it imports at its start; locks, history and edits are for the commands."""
    code = (
        "import sys; from otel_verein.config import load; load({})\n"
        "print(*(name for name in sys.modules if name.split('.')[2:3] in (['changes'], ['editing'], ['describe'])))"
    )

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert loaded == []
