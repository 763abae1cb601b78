"""Which processes run which configuration: how their words are judged."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from otel_verein.api.config_status import status
from otel_verein.config.layers import resolve
from otel_verein.errors import SourceError
from otel_verein.sources import ConfigurationRow

NOON = datetime(2026, 11, 27, 12, tzinfo=timezone.utc)


def written(directory: Path, text: str, name: str = "verein.yaml") -> Path:
    """A configuration file of that text."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


class Said:
    """A source that holds these words of processes."""

    name = "telemetry"

    def __init__(self, *rows: ConfigurationRow) -> None:
        self._rows = rows

    def configurations(self) -> tuple[tuple[ConfigurationRow, ...], tuple[str, ...]]:
        return self._rows, ()


def row(digest: str, state: str = "in_force", environment: str = "unknown", age_s: int = 0) -> ConfigurationRow:
    """What one process said at noon, or *age_s* before."""
    seen = NOON - timedelta(seconds=age_s)
    return ConfigurationRow("shop", "1", 7, "web1", digest, environment, state, round(seen.timestamp() * 1e9))


@pytest.mark.parametrize(
    ("said", "expected", "lags"),
    [
        pytest.param(("here", "in_force", "unknown", 0), "current", False, id="current"),
        pytest.param(("production", "in_force", "production", 0), "current", False, id="by-its-own-environment"),
        pytest.param(("here", "in_force", "production", 0), "lagging", True, id="of-another-environment"),
        pytest.param(("0123456789ab", "in_force", "unknown", 0), "lagging", True, id="lagging"),
        pytest.param(("here", "invalid", "unknown", 0), "invalid", True, id="invalid"),
        pytest.param(("here", "restart_needed", "unknown", 0), "restart_needed", True, id="restart"),
        pytest.param(("here", "in_force", "unknown", 900), "current", False, id="just-seen"),
        pytest.param(("0123456789ab", "in_force", "unknown", 901), "gone", False, id="gone"),
    ],
)
def test_a_process_is_judged_by_the_configuration_of_its_environment(
    said: tuple[str, str, str, int], expected: str, lags: bool, tmp_path: Path
) -> None:
    """Equal digests are current; what differs, was refused or waits for a restart lags; what is silent is gone."""
    written(tmp_path, "thresholds: {queries: 30}\n")
    digests = {
        "here": resolve({}, tmp_path).digest,
        "production": resolve({}, tmp_path, environment="production").digest,
    }
    given = row(digests.get(said[0], said[0]), *said[1:])

    answer = status(Said(given), {}, timedelta(minutes=15), tmp_path, NOON)

    assert ([each.status for each in answer.processes], answer.lags) == ([expected], lags)


def test_without_a_valid_configuration_nobody_is_current_or_lagging(tmp_path: Path) -> None:
    """Where there is nothing to compare with, the status is unknown, and the problems are told once."""
    written(tmp_path, "thresholds: {queries: 0}\n")
    rows = (row("0123456789ab"), row("0123456789ab", environment="staging"), row("0123456789ab", "invalid"))

    answer = status(Said(*rows), {}, timedelta(minutes=15), tmp_path, NOON)

    assert [each.status for each in answer.processes] == ["unknown", "unknown", "invalid"]
    assert [each.what for each in answer.problems] == ["thresholds.queries: 0 must be at least 1"]
    assert answer.lags


def test_a_fleet_that_never_said_what_it_runs_is_no_answer(tmp_path: Path) -> None:
    """No word of any process is told as such, not as a fleet that is current."""
    with pytest.raises(SourceError, match=r"^telemetry: no process has said which configuration it runs$"):
        status(Said(), {}, timedelta(minutes=15), tmp_path, NOON)
