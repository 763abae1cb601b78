"""``otel-verein health``: the score, what it is computed from, and how the command ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.answers import answer, lossy, run, shop
from tests.unit.otlp_lines import metrics_request, operation_metrics, write


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """40 operations of which one broke its budget of queries, and 10 good ones."""
    bad = operation_metrics(
        "GET /", duration=[0.1] * 40, queries=[4] * 39 + [60], breaches={"queries": 1, "any": 1}, kept=40
    )
    write(tmp_path / "metrics" / "a.jsonl", metrics_request([*bad, *operation_metrics("GET /b", duration=[0.1] * 10)]))
    return tmp_path


def test_the_score_can_be_computed_from_what_is_shown(place: Path) -> None:
    """Per operation n, bad, score, weight and part; the parts add up to the score, and lost to the rest."""
    told = answer("health", "--source", place)
    text = run("health", "--source", place).stdout

    first, second = told["operations"]
    assert (first["n"], first["bad"], first["score"], first["weight"]) == (40, 1, pytest.approx(50), 0.8)
    assert (second["score"], second["part"]) == (None, pytest.approx(20))
    assert told["health"]["score"] == pytest.approx(first["part"] + second["part"]) == pytest.approx(60)
    assert told["health"]["lost"]["queries"] == pytest.approx(40)
    lines = text.splitlines()
    assert lines[0].startswith("health   60.0 critical (n = 50, 95 % ")
    assert lines[1:3] == ["lost     queries 40.0", "worst    GET /"]
    (row,) = [line.split() for line in lines if line.startswith("GET /b ")]
    assert row == ["GET", "/b", "10", "0", "100.0", "unknown", "-", "0.200", "20.0", "-", "-", "-"]


@pytest.mark.parametrize(("least", "status"), [("50", 0), ("60.5", 1), ("100", 1)])
def test_a_least_score_makes_a_verdict(place: Path, least: str, status: int) -> None:
    """The status is 1 below it."""
    assert run("health", "--source", place, "--min", least).exit_code == status


def test_unknown_is_no_pass(tmp_path: Path) -> None:
    """Below the minimum of operations and with loss the score is unknown, with the reason, and the status 3."""
    few = tmp_path / "few"
    write(few / "metrics" / "a.jsonl", metrics_request(operation_metrics("GET /", duration=[0.1] * 29)))
    ended = {place: run("health", "--source", place, "--min", "1") for place in (few, lossy(tmp_path / "lossy"))}

    assert [done.exit_code for done in ended.values()] == [3, 3]
    assert [done.stdout.splitlines()[0] for done in ended.values()] == [
        "health   unknown (n = 29): 29 operations; a score takes 30",
        "health   unknown (n = 43): telemetry of shop was lost",
    ]
    assert run("health", "--source", few).exit_code == 0


def test_a_score_out_of_range_is_refused(tmp_path: Path) -> None:
    """A score is 0 to 100."""
    done = run("health", "--source", shop(tmp_path), "--min", "101")

    assert (done.exit_code, "101" in done.stderr) == (2, True)
