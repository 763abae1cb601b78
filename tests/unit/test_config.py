"""The configuration: precedence, and every problem told at once with its place and cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_verein.config import Config, load
from otel_verein.config.schema import SamplingRule
from otel_verein.errors import ConfigError


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    """No file and no variable: every option has its default."""
    assert load({}, tmp_path) == Config()


def test_variables_go_over_the_file(tmp_path: Path) -> None:
    """Defaults < file < variables, option by option."""
    (tmp_path / "verein.yaml").write_text("thresholds:\n  queries: 30\nsampling:\n  ratio: 0.5\n")

    config = load({"VEREIN_SAMPLING_RATIO": "0.25"}, tmp_path)

    assert (config.thresholds.queries, config.sampling.ratio) == (30, 0.25)


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
