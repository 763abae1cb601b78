"""The convenience functions keep their names, arguments, envelopes and keys; see ``convenience_forms``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from otel_verein.api.convenience import FUNCTIONS, Function
from otel_verein.config.schema import Config
from otel_verein.config.schema import Source as SourceOptions
from tests.contracts.convenience_forms import (
    ARGUMENTS,
    GOLDEN,
    OF_CONFIGURATION,
    World,
    missing,
    ordered,
    signature,
    tree,
    world,
)

KNOWN: dict[str, Any] = json.loads(GOLDEN.read_text(encoding="utf-8"))

REQUIRED = {
    "quick_health_check": {
        "health_summary": "timestamp check_type status system_health member_health overall_score recommendations"
    },
    "comprehensive_member_analysis": {
        "analysis": "timestamp member analysis_type status performance_data combined_metrics insights action_items",
        "analysis.performance_data": "member_performance system_baseline",
        "analysis.combined_metrics": "relative_performance efficiency_ratio optimization_potential",
        "analysis.insights": "performance_level bottlenecks_identified optimization_opportunities "
        "comparison_to_baseline",
        "analysis.action_items": "priority action description",
    },
    "batch_member_analysis": {
        "batch_report": "timestamp analysis_type requested_count processed_count failed_count member_results "
        "batch_summary processing_time",
        "batch_report.batch_summary": "success_rate average_health_score performance_distribution recommendations",
    },
    "performance_dashboard_data": {
        "dashboard": "timestamp refresh_interval system_status key_metrics alerts trends",
        "dashboard.system_status": "health_score health_level query_count execution_time memory_usage last_updated",
        "dashboard.key_metrics": "response_time_ms queries_per_operation memory_usage_mb performance_level",
        "dashboard.alerts": "level message action",
        "dashboard.trends": "health_score_trend response_time_trend query_count_trend",
    },
    "measure_member_performance": {
        "measurement": "operation_name execution_time query_count total_query_time avg_query_time max_query_time "
        "slow_queries query_patterns queries_per_second timestamp"
    },
}
"""The keys that the requirements name, word by word."""

NAMES = {
    "quick_health_check",
    "comprehensive_member_analysis",
    "batch_member_analysis",
    "performance_dashboard_data",
    "measure_member_performance",
    "measure_payment_history_performance",
    "analyze_system_bottlenecks",
    "collect_performance_baselines",
    "create_performance_baseline_snapshot",
    "get_performance_measurement_history",
    "get_recent_performance_reports",
    "generate_comprehensive_performance_report",
    "benchmark_current_performance",
    "get_performance_summary",
    "get_performance_config",
    "update_performance_config",
    "validate_performance_config",
    "reset_performance_config",
    "get_environment_config",
    "run_basic_data_retention",
    "run_smart_aggregation",
    "get_retention_status",
    "monitor_monitoring_system_health",
    "validate_production_deployment",
    "establish_performance_baseline",
    "run_performance_regression_test",
}
"""The names that the requirements give."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A small store, made once."""
    return world(tmp_path_factory.mktemp("contract"))


@pytest.fixture(scope="module")
def answers(here: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """What every function answers there, asked in a directory without a configuration."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("work"))
        yield {function.name: here.call(function) for function in ordered()}


def by_name(function: Function) -> str:
    """How a case is called."""
    return function.name


def test_names_are_those_of_the_requirements() -> None:
    """Every function that is asked for is there, and the table has no other."""
    assert (NAMES, len(NAMES)) == ({each.name for each in FUNCTIONS}, len(FUNCTIONS))


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_signature_is_kept(function: Function) -> None:
    """Arguments keep their names, order, kind and default; source and config come by name alone, and from no client."""
    known = KNOWN[function.name]

    assert known["signature"] == signature(function.function)
    assert ["keyword-only: source = None", "keyword-only: config = None"] == known["signature"][-2:]
    assert (known["arguments"], known["changes"], known["payload"]) == (
        list(function.arguments),
        function.changes,
        function.payload,
    )


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_success_has_the_known_keys(function: Function, answers: dict[str, dict[str, Any]]) -> None:
    """A success is ``{success, <payload>, message}``, and no key that was promised is gone."""
    answer = answers[function.name]

    assert ["success", function.payload, "message"] == list(answer), answer.get("error")
    assert answer["success"] is True
    assert [] == missing(KNOWN[function.name]["answer"], tree(answer))


@pytest.mark.parametrize("name", REQUIRED)
def test_payload_has_the_required_keys(name: str, answers: dict[str, dict[str, Any]]) -> None:
    """What the requirements spell out is there word by word."""
    for path, keys in REQUIRED[name].items():
        found: Any = answers[name]
        for part in path.split("."):
            found = found[part]
        for each in found if isinstance(found, list) else [found]:
            assert set(keys.split()) <= set(each), path


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_message_is_a_sentence(function: Function, answers: dict[str, dict[str, Any]]) -> None:
    """What is told to people ends, and is not empty."""
    message = answers[function.name]["message"]

    assert message.endswith(".")
    assert len(message) > 5


@pytest.mark.parametrize("function", FUNCTIONS, ids=by_name)
def test_failure_has_the_known_keys(function: Function, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be read it is ``{success: false, error, timestamp[, member]}``, and nothing is raised."""
    monkeypatch.chdir(tmp_path)
    nowhere = replace(Config(), source=SourceOptions(address="nowhere://x"))
    given = dict(ARGUMENTS.get(function.name, {}))
    if function.name == "get_performance_config":
        given = {"category": "nothing"}
    if function.name in ("get_environment_config", *OF_CONFIGURATION):
        (tmp_path / "verein.yaml").write_text("thresholds: {queries: -1}\n", encoding="utf-8")
        given |= {"config": Config()} if function.name in OF_CONFIGURATION else {}
    else:
        given |= {"config": nowhere}

    answer = function.function(**given)

    member = ["member"] if "member_name" in given else []
    assert ["success", "error", "timestamp", *member] == list(answer), answer
    assert answer["success"] is False
    assert answer["error"]


def test_lost_key_is_noticed() -> None:
    """A key that goes, also deep in a list, is a break; one that comes, and a null, are none."""
    known = tree({"a": [{"b": 1, "c": {"d": 2}}]})

    assert ["a.c.d"] == missing(known, tree({"a": [{"b": 1, "c": {"e": 1}}]}))
    assert [] == missing(known, tree({"a": [{"b": 1, "c": None, "new": 1}], "other": 2}))
