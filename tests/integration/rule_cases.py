"""Cases for `promtool test rules`: series that Prometheus has scraped, and the alerts that fire for them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from tests.services.prometheus import promtool

SHOP = 'job="shop",instance="web-1",deployment_environment_name="production"'
CHECKOUT = f'{SHOP},verein_operation_name="POST /checkout",verein_operation_kind="server"'
OF_SHOP = {"job": "shop", "deployment_environment_name": "production"}
OF_CHECKOUT = {**OF_SHOP, "verein_operation_name": "POST /checkout", "verein_operation_kind": "server"}
OWN = 'job="otel-verein-collector",instance="127.0.0.1:8888"'

UP = {
    'up{job="otel-verein",instance="127.0.0.1:9464"}': "1x2000",
    f"up{{{OWN}}}": "1x2000",
}
"""The collector is scraped, which every case but those on its absence begins with."""


@dataclass(frozen=True)
class Fires:
    """One alert that fires, with all its labels."""

    name: str
    severity: str
    labels: Mapping[str, str]

    @property
    def sample(self) -> str:
        """How Prometheus itself records it."""
        labels = {"alertname": self.name, "alertstate": "firing", "severity": self.severity, **self.labels}
        return f"ALERTS{{{','.join(f'{key}={yaml_text(value)}' for key, value in sorted(labels.items()))}}}"


@dataclass(frozen=True)
class Case:
    """The *series* as Prometheus' test notation has them, a sample each minute, and all that fires *at* a minute."""

    series: Mapping[str, str]
    at: int
    fires: Sequence[Fires] = ()
    groups: Sequence[str] = ()
    """Only rules of these groups; none for all. A long case is quicker so."""
    up: bool = True


def yaml_text(value: str) -> str:
    """*value* in double quotes."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def operations(count: str, **breaches: str) -> dict[str, str]:
    """The counters of one operation of one process: all of them, and those with each breach."""
    series = {f'verein_operation_duration_seconds_count{{{CHECKOUT},verein_operation_status="ok"}}': count}
    for breach, number in breaches.items():
        label = f'{CHECKOUT},verein_operation_status="ok",verein_breach="{breach}"'
        series[f"verein_operation_breaches_total{{{label}}}"] = number
    return series


def verdict(case: Case, rules: str, directory: Path) -> str:
    """What promtool says against *case* with the rule file *rules*; nothing where all is as expected."""
    samples = [{"labels": alert.sample, "value": 1} for alert in case.fires]
    return run(rules, directory, case, {"promql_expr_test": [
        {"expr": 'ALERTS{alertstate="firing"}', "eval_time": f"{case.at}m", "exp_samples": samples}
    ]})  # fmt: skip


def annotated(case: Case, rules: str, directory: Path, expected: Mapping[str, str]) -> str:
    """What promtool says against the annotations of the only alert that *case* fires."""
    (alert,) = case.fires
    labels = {"severity": alert.severity, **alert.labels}
    return run(rules, directory, case, {"alert_rule_test": [
        {"eval_time": f"{case.at}m", "alertname": alert.name,
         "exp_alerts": [{"exp_labels": labels, "exp_annotations": dict(expected)}]}
    ]})  # fmt: skip


def run(rules: str, directory: Path, case: Case, questions: Mapping[str, Any]) -> str:
    """What promtool says against the answers to *questions*; nothing where all are as expected."""
    groups = [group for group in groups_of(rules) if not case.groups or group["name"] in case.groups]
    series = {**(UP if case.up else {}), **case.series}
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        **questions,
    }
    (directory / "rules.yaml").write_text(json.dumps({"groups": groups}))
    (directory / "test.yaml").write_text(
        json.dumps(
            {
                "rule_files": ["rules.yaml"],
                "evaluation_interval": "1m",
                "group_eval_order": [group["name"] for group in groups],
                "tests": [test],
            }
        )
    )
    done = subprocess.run(
        [promtool(), "test", "rules", "test.yaml"],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@lru_cache
def groups_of(rules: str) -> list[dict[str, Any]]:
    """The groups of a rule file."""
    found: list[dict[str, Any]] = yaml.safe_load(rules)["groups"]
    return found
