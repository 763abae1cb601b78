"""``otel-verein findings`` and ``slow``: what they show, as what, and how they end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.answers import TRACE_ID, answer, run, shop
from tests.unit.otlp_lines import metrics_request, write


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A shop with one N+1."""
    return shop(tmp_path / "shop")


def test_a_finding_says_where_what_and_how_to_mend_it(place: Path) -> None:
    """The line of code, the statement, the advice and what it saves, all on the terminal."""
    done = run("findings", "--source", place)

    assert (done.exit_code, done.stderr) == (0, "")
    lines = [line.strip() for line in done.stdout.splitlines()]
    start = lines.index(
        "1. CRITICAL repeated query (N+1): 25.0 repeats (max 25) in 40 operations; wasted 960 queries, time 1.920 s"
    )
    assert lines[start + 1 : start + 3] == ["GET /books   SELECT author", "at /srv/app/views.py:42 in index"]
    assert "SELECT name FROM author WHERE id = ?" in lines
    assert [line for line in lines if line.startswith("saves:")] == ["saves: 960 queries, time 1.92 s"]
    assert any(line.startswith("mend: ") for line in lines)


def test_advice_stands_there_at_length_and_in_the_report_in_short(place: Path) -> None:
    """Why, and the code to write, only where findings alone are asked for."""
    advice = answer("findings", "--source", place)["findings"][0]["advice"]
    code = advice["how"].splitlines()[0]

    at_length = run("findings", "--source", place).stdout
    in_short = run("report", "--source", place).stdout

    assert code in at_length
    assert (advice["title"] in in_short, code in in_short) == (True, False)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ([], 0),
        (["--fail-on", "critical"], 1),
        (["--fail-on", "low"], 1),
        (["--kind", "errors", "--fail-on", "low"], 0),
        (["--operation", "GET /about", "--fail-on", "low"], 0),
        (["--operation", "nothing", "--fail-on", "low"], 3),
    ],
)
def test_the_status_tells_scripts(place: Path, words: list[str], status: int) -> None:
    """1 when something as severe was found, 3 when nothing was measured that could have shown it, else 0."""
    assert run("findings", "--source", place, *words).exit_code == status


def test_kinds_limit_what_is_shown(place: Path) -> None:
    """Only the kinds that were named are in the answer."""
    both = answer("findings", "--source", place)["findings"]
    none = answer("findings", "--source", place, "--kind", "errors")

    assert [each["kind"] for each in both if each["kind"] == "n_plus_one"] == ["n_plus_one"]
    assert (none["findings"], none["roadmap"]) == ([], [])


def test_silence_is_said_with_what_it_rests_on(tmp_path: Path) -> None:
    """Without a finding the number of operations is told; without operations it is no pass."""
    quiet = shop(tmp_path / "quiet", repeats=1, queries=2)

    assert "No finding in 43 operations." in run("findings", "--source", quiet).stdout


def test_markdown_goes_to_stdout_and_notes_to_stderr(place: Path) -> None:
    """What could not be read is a warning beside the table."""
    path = write(place / "spans" / "b.jsonl", "{oops")

    done = run("findings", "--source", place, "--markdown")

    assert done.stdout.startswith("### 1 finding in 43 operations\n")
    assert f"otel-verein findings: warning: {path}:1: " in done.stderr


def test_slow_names_the_trace_and_why(place: Path) -> None:
    """The slowest kept operation comes with its trace id, its queries, and what was found in it."""
    text = run("slow", "--source", place).stdout
    (only,) = answer("slow", "--source", place, "--limit", "40")["operations"][:1]

    assert only["operation"] == "GET /books"
    assert f"trace {TRACE_ID}, shop, 2025-11-25 12:00:00 UTC" in text


def test_nothing_kept_is_said(tmp_path: Path) -> None:
    """Without a trace there is no slowest one."""
    write(tmp_path / "metrics" / "a.jsonl", metrics_request([]))

    assert "No operation was kept." in run("slow", "--source", tmp_path).stdout
    assert "No operation that failed was kept." in run("slow", "--source", tmp_path, "--failed").stdout
