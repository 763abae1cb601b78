"""Every function of this package in one table, for whoever offers them: an HTTP service, a test of their forms."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from otel_verein.api.convenience.batch import batch_member_analysis
from otel_verein.api.convenience.bottlenecks import analyze_system_bottlenecks
from otel_verein.api.convenience.comprehensive import comprehensive_member_analysis
from otel_verein.api.convenience.configuration import get_environment_config, get_performance_config
from otel_verein.api.convenience.configuring import (
    reset_performance_config,
    update_performance_config,
    validate_performance_config,
)
from otel_verein.api.convenience.dashboard import performance_dashboard_data
from otel_verein.api.convenience.deployment import benchmark_current_performance, validate_production_deployment
from otel_verein.api.convenience.measuring import (
    measure_member_performance,
    measure_payment_history_performance,
)
from otel_verein.api.convenience.monitoring import monitor_monitoring_system_health
from otel_verein.api.convenience.quick import quick_health_check
from otel_verein.api.convenience.reports import (
    generate_comprehensive_performance_report,
    get_performance_measurement_history,
    get_performance_summary,
    get_recent_performance_reports,
)
from otel_verein.api.convenience.retention import (
    get_retention_status,
    run_basic_data_retention,
    run_smart_aggregation,
)
from otel_verein.api.convenience.snapshots import (
    collect_performance_baselines,
    create_performance_baseline_snapshot,
    establish_performance_baseline,
    run_performance_regression_test,
)

_OURS: Final = frozenset(("source", "config"))
"""What the program says and no client may."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function: what it is called, whether it changes something, and the key of what it answers.

    ``arguments`` are those that a client may give; the source and the configuration are not among them.
    """

    name: str
    function: Callable[..., dict[str, Any]]
    changes: bool
    payload: str
    arguments: tuple[str, ...]


_READING: Final[tuple[Callable[..., dict[str, Any]], ...]] = (
    quick_health_check,
    comprehensive_member_analysis,
    batch_member_analysis,
    performance_dashboard_data,
    measure_member_performance,
    measure_payment_history_performance,
    analyze_system_bottlenecks,
    collect_performance_baselines,
    get_performance_measurement_history,
    get_recent_performance_reports,
    generate_comprehensive_performance_report,
    benchmark_current_performance,
    get_performance_summary,
    get_performance_config,
    validate_performance_config,
    get_environment_config,
    get_retention_status,
    monitor_monitoring_system_health,
    validate_production_deployment,
    run_performance_regression_test,
)
_CHANGING: Final[tuple[Callable[..., dict[str, Any]], ...]] = (
    create_performance_baseline_snapshot,
    establish_performance_baseline,
    update_performance_config,
    reset_performance_config,
    run_basic_data_retention,
    run_smart_aggregation,
)


def _entry(function: Callable[..., dict[str, Any]], *, changes: bool) -> Function:
    arguments = tuple(name for name in inspect.signature(function).parameters if name not in _OURS)
    payload: str = function.payload  # type: ignore[attr-defined] # what `enveloped` notes on it
    return Function(function.__name__, function, changes, payload, arguments)


FUNCTIONS: Final = (
    *(_entry(function, changes=False) for function in _READING),
    *(_entry(function, changes=True) for function in _CHANGING),
)
