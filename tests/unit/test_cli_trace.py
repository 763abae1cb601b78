"""``otel-verein trace``: one trace from any source."""

from __future__ import annotations

from pathlib import Path

from tests.unit.answers import TRACE_ID, answer, run, shop


def test_a_trace_is_a_waterfall_with_what_is_folded(tmp_path: Path) -> None:
    """Below its root stands the summary span, with how many queries it is and the times of one."""
    done = run("trace", "--source", shop(tmp_path), TRACE_ID)

    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == f"trace {TRACE_ID}: 2 spans of shop, 60000 ms, from 2025-11-25 12:00:00 UTC on"
    assert lines[3].endswith("  SELECT author x 25 (min 0.5, avg 2.0, max 4.0 ms)")


def test_as_json_it_is_as_the_store_shows_it(tmp_path: Path) -> None:
    """The object has the schema of `store trace`."""
    told = answer("trace", "--source", shop(tmp_path), TRACE_ID)

    assert (told["schema"], told["trace_id"]) == (1, TRACE_ID)
    assert [span["name"] for span in told["spans"]] == ["GET /books", "SELECT author"]


def test_a_trace_that_is_not_there_says_what_may_be(tmp_path: Path) -> None:
    """Sampled out, or gone: one line, and status 2."""
    place = shop(tmp_path)
    done = run("trace", "--source", place, "f" * 32)

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"otel-verein trace: {'f' * 32}: no span of it is in {place}: sampled out")


def test_what_is_no_trace_id_is_refused(tmp_path: Path) -> None:
    """Status 2, and what one looks like."""
    done = run("trace", "--source", shop(tmp_path), "12")

    assert (done.exit_code, "32 hexadecimal digits" in done.stderr) == (2, True)
