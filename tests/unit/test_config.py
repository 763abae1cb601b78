"""The configuration: precedence, and every problem told at once with its place and cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_verein.config import Config, load
from otel_verein.config.schema import SamplingRule
from otel_verein.errors import ConfigError

BAD = [
    ("thresholds:\n  querys: 3\n", "{f}:2: thresholds.querys: unknown key; did you mean 'queries'?"),
    ("thresholds:\n  queries: 0\n", "{f}:2: thresholds.queries: 0 must be at least 1"),
    ("thresholds:\n  queries: true\n", "{f}:2: thresholds.queries: True is not a whole number"),
    ("thresholds:\n  queries: 1.5\n", "{f}:2: thresholds.queries: 1.5 is not a whole number"),
    ("thresholds:\n  duration_s: .nan\n", "{f}:2: thresholds.duration_s: nan is not a number"),
    ("sampling:\n  ratio: 2\n", "{f}:2: sampling.ratio: 2 must be at most 1"),
    ("sampling: 3\n", "{f}:1: sampling: must be a mapping of options"),
    ("- a\n", "{f}:1: must be a mapping of sections, such as `thresholds:`"),
    ("thresholds:\n  queries: 200\n",
     "{f}:2: thresholds.queries: 200 must not be above thresholds.queries_critical: 100"),
    ("a: [\n", "{f}:2: is not valid YAML: expected the node content, but found '<stream end>'"),
    ("export:\n  directory: ''\n", "{f}:2: export.directory: '' is not a non-empty string"),
    ("sampling:\n  dry_run: maybe\n", "{f}:2: sampling.dry_run: 'maybe' is neither true nor false"),
    ("sampling:\n  dry_run: 1\n", "{f}:2: sampling.dry_run: 1 is neither true nor false"),
    ("sampling:\n  decide: later\n", "{f}:2: sampling.decide: 'later' must be one of process, collector"),
    ("sampling:\n  operations: 3\n",
     "{f}:2: sampling.operations: 3 is not a list of entries, each with operation and ratio"),
    ("sampling:\n  operations: [{ratio: 0.5}]\n",
     "{f}:2: sampling.operations: [{'ratio': 0.5}] is not usable: entry 1 has no operation, such as 'GET /health*'"),
    ("sampling:\n  operations: [{operation: a, ratio: 2}]\n",
     "{f}:2: sampling.operations: [{'operation': 'a', 'ratio': 2}] is not usable: "
     "entry 1 has no ratio between 0 and 1"),
    ("sampling:\n  operations: [{operation: a, rate: 1}]\n",
     "{f}:2: sampling.operations: [{'operation': 'a', 'rate': 1}] is not usable: entry 1 has an unknown key 'rate'; "
     "did you mean 'ratio'?"),
    ("call_site:\n  application: [1]\n", "{f}:2: call_site.application: [1] is not a list of strings"),
]  # fmt: skip


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    """No file and no variable: every option has its default."""
    assert load({}, tmp_path) == Config()


def test_variables_go_over_the_file(tmp_path: Path) -> None:
    """Defaults < file < variables, option by option."""
    (tmp_path / "verein.yaml").write_text("thresholds:\n  queries: 30\nsampling:\n  ratio: 0.5\n")

    config = load({"VEREIN_SAMPLING_RATIO": "0.25"}, tmp_path)

    assert (config.thresholds.queries, config.sampling.ratio) == (30, 0.25)


@pytest.mark.parametrize(("text", "message"), BAD, ids=[message[4:40] for _, message in BAD])
def test_a_bad_file_says_where_and_what(tmp_path: Path, text: str, message: str) -> None:
    """The message names file, line, key, value and rule."""
    file = tmp_path / "verein.yaml"
    file.write_text(text)

    with pytest.raises(ConfigError) as raised:
        load({}, tmp_path)

    assert str(raised.value) == message.replace("{f}", str(file))


def test_ratios_by_name_and_switches_are_read(tmp_path: Path) -> None:
    """A list of ratios becomes rules; a switch is a word in the file or in a variable."""
    (tmp_path / "verein.yaml").write_text("sampling:\n  operations: [{operation: 'GET /health*', ratio: 0}]\n")

    sampling = load({"VEREIN_SAMPLING_DRY_RUN": "true"}, tmp_path).sampling

    assert (sampling.operations, sampling.dry_run) == ((SamplingRule("GET /health*", 0.0),), True)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    """Three mistakes in two places are three problems of one error."""
    (tmp_path / "verein.yaml").write_text("nonsense: 1\nsampling:\n  ratio: x\n")

    with pytest.raises(ConfigError) as raised:
        load({"VEREIN_THRESHOLDS_QUERIES": "-1"}, tmp_path)

    assert len(raised.value.problems) == 3
    assert str(raised.value.problems[2]) == "VEREIN_THRESHOLDS_QUERIES: thresholds.queries: '-1' must be at least 1"


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """VEREIN_CONFIG that leads nowhere is an error, not the defaults."""
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        load({"VEREIN_CONFIG": str(tmp_path / "none.yaml")}, tmp_path)
