"""One call for each everyday question; every answer says whether it is one: ``{success, ..., message}``."""

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
from otel_verein.api.convenience.measuring import measure_member_performance, measure_payment_history_performance
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
from otel_verein.api.convenience.table import FUNCTIONS, Function

__all__ = [
    "FUNCTIONS",
    "Function",
    "analyze_system_bottlenecks",
    "batch_member_analysis",
    "benchmark_current_performance",
    "collect_performance_baselines",
    "comprehensive_member_analysis",
    "create_performance_baseline_snapshot",
    "establish_performance_baseline",
    "generate_comprehensive_performance_report",
    "get_environment_config",
    "get_performance_config",
    "get_performance_measurement_history",
    "get_performance_summary",
    "get_recent_performance_reports",
    "get_retention_status",
    "measure_member_performance",
    "measure_payment_history_performance",
    "monitor_monitoring_system_health",
    "performance_dashboard_data",
    "quick_health_check",
    "reset_performance_config",
    "run_basic_data_retention",
    "run_performance_regression_test",
    "run_smart_aggregation",
    "update_performance_config",
    "validate_performance_config",
    "validate_production_deployment",
]
