"""The dashboard: its queries are valid, name series that exist, and show known numbers."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from otel_verein import semconv
from tests.docs.deployed import DEPLOY, ROOT
from tests.integration.dashboard_series import MINUTES, SERIES
from tests.services.collector import binary
from tests.services.prometheus import promtool

GRAFANA = DEPLOY / "grafana"
RULES = ROOT / "collector-config" / "prometheus" / "rules.yaml"
VARIABLES = {
    "$__range": f"{MINUTES}m",
    "$__rate_interval": "5m",
    "$job": "shop|ledger",
    "$environment": ".*",
    "$operation": ".*",
}


@dataclass(frozen=True)
class Query:
    """One query of a panel, with Grafana's variables filled in."""

    panel: str
    kind: str
    expression: str


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    document: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "otel-verein.json").read_text())
    return document


def queries() -> Iterator[Query]:
    """Every query of every panel."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            yield Query(panel["title"], panel["type"], expression)


def as_prometheus_writes(name: str, unit: str, counter: bool) -> str:
    """The name of a metric on the collector's Prometheus endpoint: seconds for s, no unit for an annotation."""
    return name.replace(".", "_") + ("_seconds" if unit == "s" else "") + ("_total" if counter else "")


def existing() -> set[str]:
    """Every series that our SDK, the collector and the rules can make; the collector's own apart."""
    found = {"ALERTS", "target_info"}
    for each in semconv.TABLE:
        name = as_prometheus_writes(each.name, each.unit, each.where == "counter")
        if each.where == "histogram":
            found |= {f"{name}_{part}" for part in ("bucket", "sum", "count")}
        elif each.where in ("counter", "gauge"):
            found.add(name)
    found |= {f"traces_span_metrics_duration_seconds_{part}" for part in ("bucket", "sum", "count")}
    found |= {"traces_span_metrics_calls_total", as_prometheus_writes(semconv.METRIC_DB_QUERIES, "", True)}
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return found | {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


def named(expression: str) -> set[str]:
    """The series that a query selects."""
    plain = re.sub(r'"[^"]*"', '""', expression)
    plain = re.sub(r"\b(by|on|ignoring)\s*\([^)]*\)", "", plain)
    return set(
        re.findall(r"(?<![\w:])(?:verein|traces|otelcol|ALERTS)[\w:]*(?=[{\[) ]|$)", re.sub(r"\{[^}]*\}", "{}", plain))
    )


def test_every_series_of_the_dashboard_exists():
    """A panel asks for names that the SDK, the connectors or the rules make."""
    ours = {name for query in queries() for name in named(query.expression) if not name.startswith("otelcol_")}
    lists = dashboard()["templating"]["list"]
    variables = {name for each in lists for name in named(each["definition"].rpartition(",")[0])}

    assert set() == (ours | variables) - existing()
    assert {"verein_operation_kept_total", "verein:operations:increase1m"} <= ours


def test_every_series_of_the_collector_itself_exists():
    """A panel on the collector asks for names that stand in its program."""
    wanted = {name for query in queries() for name in named(query.expression) if name.startswith("otelcol_")}
    program = binary().read_bytes()

    # The exporters of queues and the receivers add "otelcol_" themselves.
    assert [] == [name for name in sorted(wanted) if name.removeprefix("otelcol_").encode() not in program]
    assert len(wanted) > 5


def test_every_query_of_the_dashboard_is_valid(tmp_path: Path):
    """promtool reads each query, as the expression of a rule."""
    rules = [{"record": f"query{number}", "expr": query.expression} for number, query in enumerate(queries())]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

    checked = subprocess.run(
        [promtool(), "check", "rules", tmp_path / "rules.yaml"], capture_output=True, text=True, timeout=60, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(rules)} rules found" in checked.stdout


def evaluated(expressions: dict[str, float], tmp_path: Path) -> str:
    """What promtool has against the claim that each expression has its value after an hour; nothing if all hold."""
    claims = [
        {"expr": expression, "eval_time": f"{MINUTES}m", "exp_samples": [{"labels": "{}", "value": value}]}
        for expression, value in expressions.items()
    ]
    series = [{"series": name, "values": values} for name, values in SERIES.items()]
    case = {"interval": "1m", "input_series": series, "promql_expr_test": claims}
    (tmp_path / "test.yaml").write_text(
        yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [case]})
    )
    run = subprocess.run(
        [promtool(), "test", "rules", tmp_path / "test.yaml"], capture_output=True, text=True, timeout=120, check=False
    )
    return "" if run.returncode == 0 else run.stdout + run.stderr


def test_every_panel_shows_something(tmp_path: Path):
    """With traffic, losses and a second service without our SDK, no query of any panel is empty."""
    assert "" == evaluated({f"count({query.expression}) > bool 0": 1 for query in queries()}, tmp_path)


def test_the_figures_on_top_are_the_known_ones(tmp_path: Path):
    """Of 900 operations one in thirty is bad and one in fifteen has an N+1; 12 were lost: as SERIES says."""
    expected = {"Operations": 900, "Bad operations": 1 / 30, "With an N+1": 1 / 15, "Operations lost": 12}
    asked = {query.panel: query.expression for query in queries() if query.kind == "stat"}

    assert "" == evaluated(
        {f"round({asked[title]}, 1e-6)": round(value, 6) for title, value in expected.items()}, tmp_path
    )


def test_a_figure_that_is_not_the_known_one_is_told(tmp_path: Path):
    """The check can fail."""
    assert "expr: " in evaluated({"sum(sum_over_time(verein:operations:increase1m[60m]))": 901}, tmp_path)
