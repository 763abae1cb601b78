"""The report: its JSON form, and what the command prints and returns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from otel_verein.api.report import BaselineNote, report
from otel_verein.cli.report import report as command
from otel_verein.config.schema import Config, Ignore, IgnoreRule
from otel_verein.rendering.terminal.report import lines
from otel_verein.rendering.terminal.screen import PIPED_WIDTH
from otel_verein.sources import OtlpFiles
from otel_verein.sources.base import Ask, Statements, Tables
from otel_verein.sources.rows import CounterRow
from tests.unit.fixed_source import FixedSource, breaches, series
from tests.unit.otlp_lines import counter, finding, metrics_request, operation_metrics, spans_request, write

DAY = date(2026, 11, 25)

KEYS = {
    "": [
        *("schema", "window", "operations", "findings", "health", "loss", "unattributed_queries"),
        *("estimated", "traces", "bottlenecks", "roadmap", "baselines", "internal_errors", "notes"),
    ],
    "window": ["start", "end"],
    "health": ["score", "level", "n", "worst_operation", "lost", "low", "high", "estimated", "effective", "why"],
    "loss": ["started", "kept", "sampled_out", "exported", "dropped"],
}
OPERATION_KEYS = {
    "": "operation kind service count errors queries duration_s db_duration_s breaches kept sampled_out bad estimated "
    "samples count_error impact health level priority impact_rank",
    "queries": "total mean p50 p95 p99 max",
    "duration_s": "mean p50 p95 p99 max",
    "db_duration_s": "mean p50 p95 share",
    "breaches": "error duration queries db_duration n_plus_one",
    "health": "score n low high bad good share objective estimated effective why",
}
FINDING_KEYS = (
    "kind verb service operation summary statement fingerprint db_system operations_seen repeats_mean repeats_max "
    "queries_wasted time_wasted_s severity call_site stack example_trace_id orm orm_version via basis n call_p50_s "
    "call_p95_s why saving advice"
)


def as_dict(place: Path, operation: str | None = None) -> dict[str, Any]:
    """The report on *place* after a round trip through JSON."""
    answer = report(OtlpFiles(place), Config(), Ask(operation=operation)).as_dict()
    return json.loads(json.dumps(answer, allow_nan=False))  # type: ignore[no-any-return]


def run(*arguments: str | Path) -> Result:
    """The command with these arguments."""
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A directory with 40 operations of one name, four of them past the budget of queries, and a finding."""
    metrics = operation_metrics(
        "GET /",
        duration=[0.1] * 38 + [0.5] * 2,
        queries=[4] * 36 + [60] * 4,
        db_duration=[0.05] * 40,
        breaches={"queries": 4, "any": 4, "n_plus_one": 1},
        kept=5,
        sampled_out=35,
    )
    metrics += operation_metrics("GET /about", duration=[0.01] * 2, kept=0, sampled_out=2)
    metrics.append(counter("verein.db.queries.unattributed", 7, verein__thread__role="main"))
    write(tmp_path / "metrics" / "a.jsonl", metrics_request(metrics))
    write(tmp_path / "spans" / "a.jsonl", spans_request("GET /", [finding(repeats=25, total_ms=50.0)]))
    return tmp_path


def test_every_key_of_the_schema_is_there(shop: Path):
    """The JSON has exactly the keys of schema version 1, in their order."""
    answer = as_dict(shop)

    assert answer["schema"] == 1
    assert {place: list(answer[place] if place else answer) for place in KEYS} == KEYS
    assert list(answer["health"]["lost"]) == ["error", "duration", "queries"]
    for operation in answer["operations"]:
        found = {place: " ".join(operation[place] if place else operation) for place in OPERATION_KEYS}
        assert found == OPERATION_KEYS
    (only,) = answer["findings"]
    assert " ".join(only) == FINDING_KEYS
    assert only["call_site"] == {"file": "/srv/app/views.py", "line": 42, "function": "index"}


def test_figures_of_a_known_shop(shop: Path):
    """Exact figures are exact, percentiles within 5 %."""
    answer = as_dict(shop)

    first, second = answer["operations"]
    assert (first["operation"], first["count"], first["kept"], first["sampled_out"]) == ("GET /", 40, 5, 35)
    assert first["queries"] == {
        "total": 384,
        "mean": pytest.approx(9.6),
        "p50": 4.0,
        "p95": pytest.approx(60, rel=0.05),
        "p99": pytest.approx(60, rel=0.05),
        "max": 60,
    }
    assert first["duration_s"]["p50"] == pytest.approx(0.1, rel=0.05)
    assert first["duration_s"]["p99"] == pytest.approx(0.5, rel=0.05)
    assert first["db_duration_s"]["share"] == pytest.approx(2.0 / 4.8)
    assert second["queries"] == dict.fromkeys(("total", "mean", "p50", "p95", "p99", "max"))
    assert second["health"] == {
        **dict.fromkeys(("score", "low", "high")),
        "bad": 0,
        "good": 2,
        "share": 1.0,
        "n": 2,
        "objective": 0.95,
        "estimated": False,
        "effective": 2,
        "why": "2 operations; a score takes 30",
    }
    assert (first["level"], first["priority"]) == ("poor", "critical")
    assert (second["level"], second["priority"]) == ("unknown", "unknown")
    assert [each["impact_rank"] for each in (first, second)] == [1, None]
    assert (first["estimated"], first["samples"], first["count_error"]) == (False, 40, 0.0)
    assert answer["window"] == {"start": "2025-11-25T12:00:00.000Z", "end": "2025-11-25T12:01:00.000Z"}
    assert answer["unattributed_queries"] == 7
    assert answer["findings"][0]["time_wasted_s"] == pytest.approx(0.048)


def test_loss_adds_up_and_hides_the_score(shop: Path):
    """started = kept + sampled out, kept = exported + dropped; with a drop, health is unknown."""
    before = as_dict(shop)
    dropped = counter("verein.export.dropped", 2, verein__drop__reason="queue_full")
    write(shop / "metrics" / "b.jsonl", metrics_request([dropped]))

    after = as_dict(shop)

    whole = {"started": 42, "kept": 5, "sampled_out": 37, "exported": 5, "dropped": {}}
    assert before["loss"] == whole
    assert after["loss"] == whole | {"exported": 3, "dropped": {"queue_full": 2}}
    assert (before["health"]["level"], after["health"]["level"]) == ("critical", "unknown")
    assert after["operations"][0]["health"]["score"] is None


def test_a_broken_line_of_metrics_hides_the_score(shop: Path):
    """When counts may be missing, the score does not claim to know."""
    write(shop / "metrics" / "b.jsonl", "{oops")

    assert as_dict(shop)["health"]["level"] == "unknown"


def test_without_metrics_loss_is_unknown_and_counts_are_estimates(tmp_path: Path):
    """Spans alone give findings and estimates that say so; what only counters know is unknown, and reads no 0."""
    write(tmp_path / "spans" / "a.jsonl", spans_request("GET /", [finding(repeats=30)]))

    answer = as_dict(tmp_path)

    assert answer["loss"] == {**dict.fromkeys(("started", "kept", "sampled_out", "exported")), "dropped": {}}
    assert answer["unattributed_queries"] is None
    (only,) = answer["operations"]
    assert (only["count"], only["estimated"], only["samples"]) == (1, True, 1)
    assert (only["kept"], only["sampled_out"], only["health"]["score"]) == (None, None, None)
    assert (len(answer["findings"]), only["priority"], answer["estimated"]) == (1, "critical", True)


@pytest.mark.parametrize(("pattern", "names"), [("GET /", ["GET /"]), ("*about", ["GET /about"]), ("x*", [])])
def test_operation_limits_the_answer(shop: Path, pattern: str, names: Sequence[str]):
    """A name or glob limits operations and findings to those that match it."""
    answer = as_dict(shop, pattern)

    assert [operation["operation"] for operation in answer["operations"]] == names
    assert len(answer["findings"]) == (1 if pattern == "GET /" else 0)
    assert answer["loss"]["started"] == 42


def test_terminal_shows_figures_and_the_line_of_code(shop: Path):
    """The text holds the loss equation, the table and the finding with its statement and callers."""
    result = run("--from", shop)

    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.strip() for line in result.stdout.splitlines()]
    assert "loss     started 42 = kept 5 + sampled out 37; kept 5 = exported 5 + dropped 0" in lines
    table = lines[: lines.index("1 finding in 42 operations, the most time wasted first")]
    rows = {tuple(line.split()[:2]): line.split()[2:] for line in table if line.startswith("GET /")}
    assert " ".join(rows["GET", "/about"]) == "2 0 - - - 10.0 10.0 10.0 - - unknown"
    assert rows["GET", "/"][:3] == ["40", "0", "9.6"]
    assert rows["GET", "/"][-3:] == ["q4", "n1", "0.0"]
    first = "1. CRITICAL repeated query (N+1): 25.0 repeats (max 25) in 1 operation; wasted 24 queries, time 0.048 s"
    assert lines[lines.index(first) :][:5] == [
        first,
        "GET /   SELECT author",
        "at /srv/app/views.py:42 in index",
        "called from /srv/app/urls.py:7 in route",
        "SELECT name FROM author WHERE id = ?",
    ]
    assert any(line.startswith("7 queries ran outside any operation") for line in lines)


def test_terminal_lines_fit_and_cannot_steer_it(tmp_path: Path):
    """Names and statements of any length and content stay on one line of 120 columns, without escapes."""
    name = "GET /" + "x" * 300 + "\x1b[31m\n"
    write(tmp_path / "metrics" / "a.jsonl", metrics_request(operation_metrics(name, duration=[0.1])))
    event = finding(db__query__text="SELECT " + "a, " * 100 + "\x1b]0;title\x07")
    write(tmp_path / "spans" / "a.jsonl", spans_request(name, [event]))

    text = run("--from", tmp_path).stdout

    assert max(len(line) for line in text.splitlines() if not line.startswith("health")) <= 120
    assert all(char.isprintable() for char in text.replace("\n", ""))


def test_paths_are_shown_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Files below the working directory or in site-packages are shown from there on."""
    monkeypatch.chdir(tmp_path)
    installed = "/opt/env/lib/python3.11/site-packages/oscar/views.py"
    here = f"{tmp_path}/app/models.py"
    event = finding(code__file__path=installed, verein__finding__stack=[f"{installed}:42 in a", f"{here}:7 in b"])
    write(tmp_path / "spans" / "a.jsonl", spans_request("GET /", [event]))

    text = run("--from", "spans").stdout

    assert "   at oscar/views.py:42 in index\n      called from app/models.py:7 in b\n" in text


def test_no_finding_says_what_that_rests_on(tmp_path: Path):
    """Silence is said with the number of operations behind it."""
    write(tmp_path / "metrics" / "a.jsonl", metrics_request(operation_metrics("GET /", duration=[0.1] * 3)))

    assert "No finding in 3 operations." in run("--from", tmp_path).stdout


def test_limit_says_what_it_hides(shop: Path):
    """A table that is cut names how many rows are missing."""
    assert "... and 1 operation name more (--limit)" in run("--from", shop, "--limit", "1").stdout


def test_json_goes_to_stdout_and_warnings_to_stderr(shop: Path):
    """The JSON stays parseable when there is something to warn about."""
    path = write(shop / "spans" / "b.jsonl", "{oops")

    result = run("--from", shop, "--json")

    assert json.loads(result.stdout) == as_dict(shop)
    assert result.stderr == f"otel-verein report: warning: {path}:1: not OTLP/JSON; skipped\n"


def test_default_directory_is_that_of_the_export(shop: Path, monkeypatch: pytest.MonkeyPatch):
    """Without --from the report reads where the configuration writes."""
    monkeypatch.setenv("VEREIN_EXPORT_DIRECTORY", str(shop))

    assert json.loads(run("--json").stdout) == as_dict(shop)


@pytest.mark.parametrize("wrong", ["place", "config"])
def test_what_cannot_be_used_is_one_line_and_status_two(tmp_path: Path, wrong: str):
    """An absent directory or a wrong configuration is said on stderr, without a traceback."""
    config = tmp_path / "my.yaml"
    config.write_text("health:\n  objektive: 1\n" if wrong == "config" else "", encoding="utf-8")

    result = run("--from", tmp_path / "absent", "--config", config)

    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    place = f"{config}:2: health.objektive: unknown key" if wrong == "config" else "no telemetry: "
    assert line.startswith(f"otel-verein report: {place}")


def test_ignore_rules_are_shown_with_their_use(tmp_path: Path) -> None:
    """A rule in use, one without use, an expired one, one that is gone, and the code's own: each has its line."""
    used, unused = IgnoreRule("meant", DAY, statement="SELECT a"), IgnoreRule("meant", DAY, statement="SELECT b")
    expired = IgnoreRule("was meant", date(2026, 11, 24), statement="SELECT c")
    config = Config(ignore=Ignore(rules=(used, unused, expired)))
    counters = [
        counter("verein.findings.ignored", 3, verein__ignore__rule="SELECT a"),
        counter("verein.findings.ignored", 2, verein__ignore__rule="code"),
        counter("verein.findings.ignored", 1, verein__ignore__rule="SELECT old"),
    ]
    metrics = [*operation_metrics("GET /", duration=[0.1]), *counters]
    write(tmp_path / "metrics" / "a.jsonl", metrics_request(metrics))

    told = lines(report(OtlpFiles(tmp_path), config, today=DAY), "here", 20, PIPED_WIDTH)
    shown = "\n".join(line.plain.rstrip() for line in told)

    assert [
        "ignored 3 findings until 2026-11-25: SELECT a (meant)",
        "ignore rule without use: SELECT b (meant); remove it",
        "ignore rule expired on 2026-11-24: SELECT c (was meant); remove or renew it",
        "ignored 1 finding by a rule that is gone: SELECT old",
        "ignored 2 findings by the code itself",
    ] == [line for line in shown.splitlines() if line.startswith("ignore")]


def test_report_has_all_kinds_and_the_way_out():
    """Bottlenecks, roadmap and priorities come with the findings; the operations also by impact."""
    tables = Tables(
        histograms=(
            series("duration", [3.0] * 40),
            series("db.queries", [2.0] * 40),
            series("duration", [0.5] * 40, operation="GET /many"),
            series("db.queries", [120.0] * 40, operation="GET /many"),
        ),
        counters=(*breaches(duration=40, any=40), *breaches("GET /many", queries=40, any=40)),
    )

    answer = report(FixedSource(tables, Statements(traces=9)), Config())

    told = answer.as_dict()
    assert [each["operation"] for each in told["operations"]] == ["GET /", "GET /many"]
    assert [stats.key.operation for stats in answer.by_impact()] == ["GET /many", "GET /"]
    assert [each["impact_rank"] for each in told["operations"]] == [2, 1]
    assert [(each["operation"], each["kind"]) for each in told["bottlenecks"]] == [
        ("GET /", "slow_operation"),
        ("GET /many", "high_query_count"),
    ]
    assert [each["priority"] for each in told["operations"]] == ["low", "medium"]
    assert [(each["kind"], each["operation"]) for each in told["roadmap"]] == [("chatty", "GET /many")]
    assert told["traces"] == 9


def test_baselines_are_shown_as_given():
    """What the caller knows of baselines stands in the report, its times in UTC."""
    taken = datetime(2026, 11, 25, 13, 0, tzinfo=timezone(timedelta(hours=1)))

    answer = report(FixedSource(), Config(), baselines=[BaselineNote("before", 2, taken)])

    assert answer.as_dict()["baselines"] == [{"name": "before", "version": 2, "taken": "2026-11-25T12:00:00.000Z"}]


def test_internal_errors_and_notes_are_told():
    """Our own faults and what could not be read are part of the JSON."""
    tables = Tables(counters=(CounterRow("verein.internal.errors", "shop", None, None, "tag", 3),), notes=("a note",))

    answer = report(FixedSource(tables, Statements(notes=("a note", "another"))), Config()).as_dict()

    assert (answer["internal_errors"], answer["notes"]) == ({"tag": 3}, ["a note", "another"])
