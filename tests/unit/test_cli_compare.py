"""``otel-verein compare``: sides as they are written, what is shown, and how the command ends."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from otel_verein.cli.compare import Side, side
from otel_verein.sources.base import Ask
from tests.unit.answers import lossy, run, shop

MOMENT = 1_764_028_800 * 10**9  # 2025-11-25T00:00:00Z
DAY = 86_400 * 10**9


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-11-25..2025-11-26", Side(Ask(start_ns=MOMENT, end_ns=MOMENT + DAY))),
        ("2025-11-25..", Side(Ask(start_ns=MOMENT))),
        ("..2025-11-25T00:00:00Z", Side(Ask(end_ns=MOMENT))),
        ("release:1.2", Side(Ask(version="1.2"))),
        ("env:staging", Side(Ask(environment="staging"))),
        ("release:1.2, 2025-11-25..", Side(Ask(version="1.2", start_ns=MOMENT))),
        ("baseline:spring", Side(Ask(), "spring")),
        ("baseline:spring@3", Side(Ask(), "spring", 3)),
    ],
)
def test_a_side_is_a_window_a_release_an_environment_or_a_baseline(text: str, expected: Side) -> None:
    """Parts are joined by commas."""
    assert side(text) == expected


@pytest.mark.parametrize("text", ["yesterday", "release:", "..", "2025-11-25..soon", "branch:x"])
def test_what_is_no_side_says_what_one_is(text: str) -> None:
    """The message names the part, and what it has to be."""
    with pytest.raises(click.BadParameter) as refused:
        side(text)

    assert "it has to be such as" in refused.value.message


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A shop with an N+1."""
    return shop(tmp_path / "before")


@pytest.fixture
def after(tmp_path: Path) -> Path:
    """The same with the N+1 mended: two queries instead of 26, in half of the time."""
    return shop(tmp_path / "after", repeats=1, queries=2, seconds=0.05)


def test_a_mended_finding_is_gone_and_its_queries_are_removed(before: Path, after: Path) -> None:
    """Exactly the queries that are gone, and the finding with its place."""
    done = run("compare", "--before-source", before, "--source", after, "--operation", "GET /books")

    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "verdict  BETTER"
    assert "queries  960 queries fewer than the same operations would have run before" in lines
    (row,) = [line.split() for line in lines if line.startswith("GET /books ")]
    assert (row[2:6], row[-1]) == (["40", "40", "26.0", "2.0"], "better")
    assert any(line.split()[:3] == ["gone", "GET", "/books"] for line in lines)


def test_the_other_way_round_it_got_worse(before: Path, after: Path) -> None:
    """The status is 1 for scripts, and the finding is new."""
    done = run("compare", "--before-source", after, "--source", before)

    assert done.exit_code == 1
    assert "verdict  WORSE" in done.stdout
    assert any(line.split()[:1] == ["new"] for line in done.stdout.splitlines())


def test_the_same_twice_is_the_same(before: Path) -> None:
    """Without a difference nothing is told, and nothing is found to be worse or better."""
    done = run("compare", "--before-source", before, "--source", before, "--operation", "GET /books", "--json")

    told = json.loads(done.stdout)
    assert (done.exit_code, told["verdict"], told["queries_removed"]) == (0, "same", 0)


def test_loss_makes_it_unknown(before: Path, tmp_path: Path) -> None:
    """Telemetry that was lost on a side is no pass: status 3."""
    done = run("compare", "--before-source", before, "--source", lossy(tmp_path / "lossy"))

    assert (done.exit_code, done.stdout.splitlines()[0]) == (3, "verdict  UNKNOWN")


def test_markdown_has_the_verdict_and_both_sides(before: Path, after: Path) -> None:
    """Short: the verdict, n of both sides, a row for each operation and finding."""
    done = run("compare", "--before-source", before, "--source", after, "--operation", "GET /books", "--markdown")

    assert done.stdout.startswith("### Better\n")
    assert "| <code>GET /books</code> | 40 → 40 | 26.0 → 2.0 | " in done.stdout
    assert "| gone | <code>SELECT author</code> | <code>GET /books</code> | -960 | " in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "there is nothing to compare with: say --before or --before-source"),
        (["--before", "soon"], "'soon' is no side"),
        (["--before", "1d..", "--after", "baseline:x"], "a baseline can only be the older side"),
        (["--before", "baseline:absent"], "absent"),
    ],
)
def test_a_wrong_command_line_is_refused(before: Path, words: list[str], message: str) -> None:
    """Status 2, with what is wrong."""
    done = run("compare", "--source", before, *words)

    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
