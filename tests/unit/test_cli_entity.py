"""``otel-verein entity``, ``slow``, ``trend`` and ``differs``: what they show of kept operations and of steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.answers import answer, run, shop
from tests.unit.otlp_lines import START_NS, attributes, metrics_request, operation_metrics, write

MINUTE = 60 * 10**9


def root(number: int, member: str, milliseconds: int, queries: int, failed: bool = False) -> dict[str, Any]:
    """One kept request about a member."""
    start = START_NS + number * 10**9
    told = {
        "verein.entity.type": "member",
        "verein.entity.id": member,
        "verein.db.query_count": queries,
        "verein.db.duration_ms": 1.0,
        "plan": "slow" if milliseconds > 100 else "normal",
    }
    return {
        "traceId": f"{number + 1:032x}",
        "spanId": f"{number + 1:016x}",
        "traceState": "ot=th:0",
        "name": "GET /member",
        "kind": 2,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + milliseconds * 10**6),
        "attributes": attributes(told),
        "status": {"code": 2} if failed else {},
    }


@pytest.fixture
def members(tmp_path: Path) -> Path:
    """Member A's 190 quick requests, of which one failed, and member B's 10 slow ones with many queries."""
    spans = [root(number, "A", 10, 2, failed=number == 7) for number in range(190)] + [
        root(200 + number, "B", 500, 40) for number in range(10)
    ]
    resource = {"attributes": attributes({"service.name": "club"})}
    request = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "x"}, "spans": spans}]}]}
    write(tmp_path / "spans" / "a.jsonl", request)
    return tmp_path


def test_entities_are_told_with_their_share(members: Path) -> None:
    """The type, then each entity, the one that took the most time first."""
    done = run("entity", "--source", members)

    assert done.exit_code == 0
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("member")]
    assert [row[0] for row in rows[:1]] + [row[1] for row in rows[1:]] == ["member", "B", "A"]
    assert rows[1][2:8] == ["10", "10", "5.00", "s", "72", "%"]


def test_what_failed_is_found_though_others_were_slower(members: Path) -> None:
    """Its trace is the one to look at."""
    told = answer("slow", "--source", members, "--failed")

    assert (told["kept"], told["failed"]) == (1, True)
    assert [(each["trace_id"], each["error"]) for each in told["operations"]] == [(f"{8:032x}", True)]
    shown = run("slow", "--source", members, "--failed").stdout
    assert shown.startswith("the slowest 1 of 1 kept operation that failed\n")


def test_one_entity_alone(members: Path) -> None:
    """TYPE and ID limit the answer."""
    told = answer("entity", "member", "A", "--source", members)

    assert [(each["entity_id"], each["count"]) for each in told["entities"]] == [("A", 190)]


def test_without_entities_it_is_said_how_to_have_them(tmp_path: Path) -> None:
    """No operation said what it is about: a sentence, and a warning that names what does."""
    done = run("entity", "--source", shop(tmp_path))

    assert done.stdout == "No operation said what it is about.\n"
    assert "otel_verein.entity" in done.stderr


def test_differs_ranks_what_tells_slow_from_normal(members: Path) -> None:
    """The attribute that only slow ones have comes out, with shares, strength and n."""
    text = run("differs", "GET /member", "--source", members).stdout

    assert text.startswith("GET /member: 10 slow (above ")
    (row,) = [line for line in text.splitlines() if line.startswith("plan = slow ")]
    assert row.split()[3:8] == ["100", "%", "0", "%", "+1.00"]


@pytest.fixture
def hours(tmp_path: Path) -> Path:
    """Thirty steps of ten minutes, the last ten of which take twice as long."""
    for step in range(30):
        slow = 2 if step >= 20 else 1
        values = [0.1 * slow * (1 + (step * 7 + number) % 10 / 100) for number in range(20)]
        start = START_NS + step * 10 * MINUTE
        metrics = operation_metrics("GET /", duration=values, queries=[3] * 20, start_ns=start, end_ns=start + MINUTE)
        write(tmp_path / "metrics" / f"{step:02}.jsonl", metrics_request(metrics))
    return tmp_path


def test_a_trend_shows_its_steps_and_when_its_level_changed(hours: Path) -> None:
    """One line of marks for each figure, and the change of the time with its interval."""
    done = run("trend", "--source", hours, "--step", "10m")

    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0].startswith("30 steps of 600 s, from ")
    changes = [line for line in lines if line.startswith("changed at 2025-11-25 15:20:00: time, mean ")]
    assert len(changes) == 2  # of all operations, and of the only one
    assert "(+100 %, 95 % " in changes[0]
    assert not any("queries 3.0 to" in line for line in lines)


def test_steps_of_which_nothing_is_known_have_their_mark(tmp_path: Path) -> None:
    """A gap between two steps is shown as one, not left out."""
    for step in (0, 3):
        start = START_NS + step * 10 * MINUTE
        metrics = operation_metrics("GET /", duration=[0.1] * 4, start_ns=start, end_ns=start + MINUTE)
        write(tmp_path / "metrics" / f"{step}.jsonl", metrics_request(metrics))

    lines = run("trend", "--source", tmp_path, "--step", "10m").stdout.splitlines()

    assert [line.split()[2] for line in lines if line.startswith("  time, mean")] == ["█··█"] * 2


def test_a_trend_of_nothing_says_so(tmp_path: Path) -> None:
    """Without operations there are no steps."""
    write(tmp_path / "metrics" / "a.jsonl", metrics_request([]))

    assert run("trend", "--source", tmp_path).stdout == "No operation was measured.\n"
