"""Dashboard, history, checks: what is over a limit, where figures go, and what cannot be told."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from otel_verein.api.convenience import (
    analyze_system_bottlenecks,
    benchmark_current_performance,
    get_performance_measurement_history,
    get_performance_summary,
    get_recent_performance_reports,
    monitor_monitoring_system_health,
    performance_dashboard_data,
    validate_production_deployment,
)
from otel_verein.config.schema import Config
from otel_verein.sources.rows import StepRow, Window
from tests.unit.convenience_known import BEGIN_NS, HEALTHY, Known, Operation, dropped, finding, ok, step

CONFIG = Config()


def dashboard(source: Known) -> Any:
    """The data of the dashboard."""
    return ok(performance_dashboard_data(source=source, config=CONFIG), "dashboard")


def noisy(level: float, draw: random.Random) -> float:
    """A time about *level*, a few per cent off."""
    return level * draw.uniform(0.97, 1.03)


def series(levels: list[float], seed: int = 1) -> tuple[StepRow, ...]:
    """One step for each level."""
    draw = random.Random(seed)
    return tuple(step(number, noisy(level, draw)) for number, level in enumerate(levels))


def test_healthy_dashboard_has_figures_and_no_alert() -> None:
    """Means in milliseconds and queries; memory is unknown, since nothing says it."""
    found = dashboard(Known((HEALTHY,)))

    assert (pytest.approx(100.0), 4.0, None, "excellent") == tuple(
        found["key_metrics"][key]
        for key in ("response_time_ms", "queries_per_operation", "memory_usage_mb", "performance_level")
    )
    assert (100.0, "excellent", 4.0, pytest.approx(0.1), None, "2026-03-01T01:00:00.000Z") == tuple(
        found["system_status"][key]
        for key in ("health_score", "health_level", "query_count", "execution_time", "memory_usage", "last_updated")
    )
    assert ([], 5.0) == (found["alerts"], found["refresh_interval"])


@pytest.mark.parametrize(
    ("bad", "level", "message"),
    [(6, "warning", "health is 88.0, below 90"), (10, "critical", "health is 80.0, below 85")],
    ids=["warning", "critical"],
)
def test_low_health_is_an_alert(bad: int, level: str, message: str) -> None:
    """Below the limits of the configuration, the worse one tells."""
    (alert,) = dashboard(Known((replace(HEALTHY, bad=bad),)))["alerts"]

    assert (level, message, "Look at GET / first.") == (alert["level"], alert["message"], alert["action"])


def test_loss_budget_and_finding_are_alerts() -> None:
    """Lost telemetry, a budget that is broken at the 95th percentile, and a severe N+1 each tell."""
    source = Known((replace(HEALTHY, queries=120),), findings=(finding("GET /", 100, 30),), counters=(dropped(3),))
    alerts = dashboard(source)["alerts"]

    assert ["critical", "warning", "critical"] == [each["level"] for each in alerts]
    assert "telemetry of shop was lost" == alerts[0]["message"]


def test_nothing_measured_is_unknown_throughout() -> None:
    """An empty source has no figure, no alert and no trend."""
    found = dashboard(Known(window=None))

    assert (None, "unknown", None, None) == (
        found["system_status"]["health_score"],
        found["system_status"]["health_level"],
        found["key_metrics"]["response_time_ms"],
        found["system_status"]["last_updated"],
    )
    assert ["unknown"] * 3 == [each["direction"] for each in found["trends"].values()]


def test_slower_steps_are_a_rising_trend() -> None:
    """Twice the time from the middle on: rising, with both levels and the moment."""
    found = dashboard(Known((HEALTHY,), steps_known=series([0.1] * 20 + [0.2] * 20)))["trends"]["response_time_trend"]

    assert ("rising", pytest.approx(0.1, rel=0.05), pytest.approx(0.2, rel=0.05)) == (
        found["direction"],
        found["before"],
        found["after"],
    )
    assert ("2026-03-01T00:20:00.000Z", 40, 60) == (found["since"], found["steps"], found["step_s"])


def test_noise_is_steady() -> None:
    """Steps that differ by chance alone have no direction."""
    found = dashboard(Known((HEALTHY,), steps_known=series([0.1] * 40)))["trends"]["response_time_trend"]

    assert ("steady", None) == (found["direction"], found["why"])


def test_few_steps_are_unknown() -> None:
    """Eleven steps are no trend, however clear they look."""
    found = dashboard(Known((HEALTHY,), steps_known=series([0.1] * 5 + [0.9] * 6)))["trends"]["response_time_trend"]

    assert ("unknown", "11 steps say it; a direction takes 12") == (found["direction"], found["why"])


def test_falling_health_is_a_falling_trend() -> None:
    """More bad operations from the middle on let the score fall."""
    rows = tuple(
        replace(row, bad=float(number % 2 + 3 * (number >= 20))) for number, row in enumerate(series([0.1] * 40))
    )
    found = dashboard(Known((HEALTHY,), steps_known=rows))["trends"]["health_score_trend"]

    assert "falling" == found["direction"]


def test_days_come_newest_first_with_their_score() -> None:
    """2 % bad of a day are 60 points; a day with too few operations has none."""
    days = tuple(
        step(number, 0.1, count=count, bad=bad, step_s=86_400)
        for number, (count, bad) in enumerate([(100, 2), (29, 0)])
    )
    found = ok(
        get_recent_performance_reports("5", source=Known((HEALTHY,), steps_known=days), config=CONFIG), "reports"
    )

    assert [("2026-03-02", 29, None), ("2026-03-01", 100, pytest.approx(60.0))] == [
        (each["date"], each["count"], each["health_score"]) for each in found["reports"]
    ]


def test_history_is_limited_and_says_of_how_many() -> None:
    """The newest steps are shown, all are counted."""
    source = Known((HEALTHY,), steps_known=series([0.1] * 9))
    found = ok(get_performance_measurement_history("GET *", "minute", "4", source=source, config=CONFIG), "history")

    assert (9, 4, "2026-03-01T00:08:00.000Z") == (
        found["total"],
        len(found["measurements"]),
        found["measurements"][0]["start"],
    )


def test_unknown_step_is_told() -> None:
    """Steps have names."""
    answer = get_performance_measurement_history(step="week", source=Known(), config=CONFIG)

    assert "step: 'week' is none of minute, hour, day" == answer["error"]


def test_summary_counts_findings_by_severity() -> None:
    """One critical N+1, and the operation that takes the time."""
    source = Known((HEALTHY,), findings=(finding("GET /", 100, 30),))
    found = ok(get_performance_summary(source=source, config=CONFIG), "summary")

    assert ({"low": 0, "medium": 0, "high": 0, "critical": 1}, "GET /", 1) == (
        found["findings"],
        found["operations"][0]["operation"],
        found["operations_total"],
    )


def test_bottlenecks_are_limited_in_length_and_counted_in_full() -> None:
    """The limit shortens lists, not totals."""
    source = Known(
        (HEALTHY, Operation("GET /a", 500, 0.1, 30)), findings=(finding("GET /", 9, 30), finding("GET /a", 9, 30))
    )
    found = ok(analyze_system_bottlenecks(limit=1, source=source, config=CONFIG), "bottlenecks")

    assert (2, 1, 2) == (found["total"], len(found["bottlenecks"]), found["by_severity"]["critical"])


def checks(answer: dict[str, Any], payload: str) -> dict[str, Any]:
    """The verdicts by name."""
    return {each["name"]: each for each in ok(answer, payload)["checks"]}


def test_benchmark_passes_within_budgets_and_fails_beyond() -> None:
    """Each operation is judged at its 95th percentile; what is rare is unknown."""
    source = Known((HEALTHY, Operation("GET /slow", 100, 3.0, 60), Operation("GET /rare", 5, 0.1, 4)))
    found = checks(benchmark_current_performance(source=source, config=CONFIG), "benchmark")

    assert {
        "health": "pass",
        "shop: GET /: time": "pass",
        "shop: GET /: queries": "pass",
        "shop: GET /slow: time": "fail",
        "shop: GET /slow: queries": "fail",
        "shop: GET /rare: time": "unknown",
        "shop: GET /rare: queries": "unknown",
    } == {name: each["verdict"] for name, each in found.items()}


def test_deployment_is_not_passed_while_checks_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is measured is fine, but no canary was sent: inconclusive."""
    monkeypatch.chdir(tmp_path)
    now = time.time_ns()
    source = Known((HEALTHY,), window=Window(now - 3_600 * 10**9, now))
    answer = validate_production_deployment(source=source, config=CONFIG)

    assert "inconclusive" == ok(answer, "validation")["status"]
    assert "unknown" == checks(answer, "validation")["canary"]["verdict"]


def test_deployment_fails_by_queries_of_all() -> None:
    """Four queries are within the default, and beyond three."""
    source = Known((HEALTHY,))
    verdicts = [
        checks(validate_production_deployment(queries_per_operation=most, source=source, config=CONFIG), "validation")[
            "queries per operation"
        ]["verdict"]
        for most in (None, "3")
    ]

    assert ["pass", "fail"] == verdicts


def self_checks(source: Known, config: Config = CONFIG) -> tuple[str, dict[str, Any]]:
    """The status of the product, and its checks."""
    answer = monitor_monitoring_system_health(source=source, config=config)
    return ok(answer, "monitoring_health")["status"], checks(answer, "monitoring_health")


@pytest.fixture
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a store."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def now_known(**more: Any) -> Known:
    """Data up to now."""
    now = time.time_ns()
    return Known((HEALTHY,), window=Window(now - 3_600 * 10**9, now), **more)


def test_checks_that_cannot_be_made_are_a_breach(empty_directory: Path) -> None:
    """Without a limit broken it is still degraded: nobody has looked at overhead, memory, queues and collector."""
    status, found = self_checks(now_known())

    assert "degraded" == status
    assert {"overhead", "memory", "queue depth", "collector", "disk"} == {
        name for name, each in found.items() if each["verdict"] == "unknown"
    }


def test_loss_is_critical(empty_directory: Path) -> None:
    """One dropped operation breaks the limit of none."""
    status, found = self_checks(now_known(counters=(dropped(1),)))

    assert ("critical", "fail", 1.0) == (status, found["lost telemetry"]["verdict"], found["lost telemetry"]["value"])


def test_old_data_is_a_lag(empty_directory: Path) -> None:
    """The newest data of March are late in any case."""
    assert "fail" == self_checks(Known((HEALTHY,)))[1]["lag of the newest data"]["verdict"]


def test_data_of_the_future_is_a_wrong_clock(empty_directory: Path) -> None:
    """A window that ends in an hour was stamped by a clock that is wrong."""
    ahead = Window(BEGIN_NS, time.time_ns() + 3_600 * 10**9)

    assert "fail" == self_checks(Known((HEALTHY,), window=ahead))[1]["clock"]["verdict"]


def test_nothing_measured_cannot_be_checked(empty_directory: Path) -> None:
    """An empty source is no proof that nothing was lost."""
    found = self_checks(Known(window=None))[1]

    assert ["unknown"] * 4 == [
        found[name]["verdict"] for name in ("lost telemetry", "internal errors", "lag of the newest data", "clock")
    ]
