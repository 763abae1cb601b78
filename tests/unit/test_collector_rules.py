"""The rules for Prometheus: names from our table, globs as regular expressions, numbers from the configuration."""

from __future__ import annotations

import re
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from otel_verein import semconv
from otel_verein.cli.main import main
from otel_verein.collector.rules import rules_text
from otel_verein.collector.rules.series import quoted
from otel_verein.config.presets import ENVIRONMENTS
from otel_verein.config.schema import Alerts, Config, Health, ThresholdRule, Thresholds
from otel_verein.globs import regex_of
from tests.conftest import absent
from tests.services import ServiceAbsent
from tests.services.prometheus import promtool

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "collector-config" / "prometheus" / "rules.yaml"
ALERTS = re.compile(r"^      - alert: (\w+)$", re.M)

ODD = Config(
    thresholds=Thresholds(
        operations=(
            ThresholdRule('GET /"quoted"\\{{ $x }}\n*', queries=7),
            ThresholdRule("GET /ünï[!a-c]?*", duration_s=0.25, duration_critical_s=1e-9),
            ThresholdRule("[", db_duration_critical_s=1e12),
        )
    ),
    health=Health(objective=1.0, minimum_operations=1),
    alerts=Alerts(bad_share=1e-6, over_budget_share=1.0, away_min=61),
)


def test_the_checked_in_rules_are_those_of_the_defaults() -> None:
    """Whoever changes a rule or a default makes the file again: `otel-verein collector rules --output` it."""
    assert GOLDEN.read_text(encoding="utf-8") == rules_text(Config())


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(Config(), id="defaults"),
        pytest.param(ODD, id="odd"),
        pytest.param(Config(health=Health(objective=0.01)), id="low objective"),
    ],
)
def test_prometheus_takes_the_rules(config: Config, tmp_path: Path) -> None:
    """`promtool check rules` accepts what is made of any valid configuration."""
    path = tmp_path / "rules.yaml"
    path.write_text(rules_text(config), encoding="utf-8")
    try:
        command = [promtool(), "check", "rules", "--lint-fatal", str(path)]
    except ServiceAbsent as missing:
        absent(str(missing))

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_command_takes_the_budgets_of_the_environment(environment: str, tmp_path: Path) -> None:
    """`--env` presets budgets, the file wins over it, and `--output` writes what would be printed."""
    (tmp_path / "verein.yaml").write_text("thresholds:\n  queries: 33\n")
    arguments = ["collector", "rules", "--env", environment, "--config", str(tmp_path / "verein.yaml")]

    printed = CliRunner().invoke(main, arguments)
    written = CliRunner().invoke(main, [*arguments, "--output", str(tmp_path / "rules.yaml")])

    assert (0, 0, "") == (printed.exit_code, written.exit_code, written.output)
    assert printed.output == (tmp_path / "rules.yaml").read_text()
    assert f"made by `otel-verein collector rules` for {environment}." in printed.output
    assert "0 * verein:operations:increase1m + 33  # from thresholds.queries\n" in printed.output


def test_an_unknown_environment_and_a_wrong_budget_are_refused(tmp_path: Path) -> None:
    """The reason is told, and the exit status is 2."""
    (tmp_path / "verein.yaml").write_text("alerts:\n  slow_burn_rate: 20\n")

    unknown = CliRunner().invoke(main, ["collector", "rules", "--env", "moon"])
    wrong = CliRunner().invoke(main, ["collector", "rules", "--config", str(tmp_path / "verein.yaml")])

    assert (2, 2) == (unknown.exit_code, wrong.exit_code)
    assert "'moon' is no environment" in unknown.output
    assert (
        "verein.yaml:2: alerts.slow_burn_rate: 20 must be below alerts.fast_burn_rate: 14.4 (as by default)"
        in wrong.output
    )


def test_rules_name_no_metric_that_is_not_ours() -> None:
    """Each verein_* series is a metric of the table, as Prometheus calls it."""
    named = set(
        re.findall(r"\bverein_[a-z_]+?(?=_(?:total|bucket|count|sum)\b)|\bverein_config_info\b", GOLDEN.read_text())
    )
    known = {
        name.name.replace(".", "_") + {"s": "_seconds"}.get(name.unit, "") if name.where == "histogram" else
        name.name.replace(".", "_")
        for name in semconv.TABLE
    }  # fmt: skip

    assert set() == named - known
    assert {"verein_operation_duration_seconds", "verein_export_dropped", "verein_config_info"} <= named


def test_rules_name_no_label_that_is_not_ours() -> None:
    """Each label that begins with verein_ is an attribute of the table."""
    groups = yaml.safe_load(GOLDEN.read_text())["groups"]
    expressions = "\n".join(rule["expr"] for group in groups for rule in group["rules"])
    labels = {
        label
        for listed in re.findall(r"\b(?:by|without|ignoring) \(([^)]*)\)", expressions)
        for label in listed.split(", ")
    } | set(re.findall(r"(\w+)(?:=~|!~|!=|=)\"", expressions))

    ours = {label for label in labels if label.startswith("verein_")}

    assert set() == ours - {name.name.replace(".", "_") for name in semconv.TABLE}
    assert {"verein_operation_name", "verein_breach", "verein_drop_reason"} <= ours


def test_recorded_series_that_rules_read_are_there() -> None:
    """Nothing reads a series that no rule records, and the group that records it says so before what reads it."""
    groups = yaml.safe_load(GOLDEN.read_text())["groups"]
    recorded: set[str] = set()
    missing = []
    for rule in (rule for group in groups for rule in group["rules"]):
        text = rule["expr"] + "".join(rule.get("annotations", {}).values())
        missing += [name for name in re.findall(r"\bverein:[\w:]+", text) if name not in recorded]
        recorded.add(rule.get("record", ""))

    assert [] == missing


def test_every_alert_is_explained() -> None:
    """Each alert has its heading on the page that its annotation `runbook` names, and the page has no other."""
    page = (ROOT / "docs" / "how-to" / "alerts.md").read_text(encoding="utf-8")

    assert set(ALERTS.findall(GOLDEN.read_text())) == set(re.findall(r"^### (Verein\w+)$", page, re.M))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("GET /a", '"GET /a"', id="plain"),
        pytest.param('a"b\\c', '"a\\"b\\\\c"', id="quote and backslash"),
        pytest.param("a\nb\x85", '"a\\u000ab\\u0085"', id="lines"),
        pytest.param("ü😀", '"\\u00fc\\U0001f600"', id="not ASCII"),
        pytest.param("\ud800", '"\\ufffd"', id="half a surrogate pair"),
    ],
)
def test_text_in_expressions_is_printable_ascii(text: str, expected: str) -> None:
    """Whatever a glob holds, it neither ends the string nor the line."""
    assert expected == quoted(text)


@pytest.mark.parametrize(
    ("glob", "regex"),
    [
        pytest.param("GET /export*", "(?s:GET /export.*)", id="star"),
        pytest.param("a.b?(c)", r"(?s:a\.b.\(c\))", id="what means something to a regex"),
        pytest.param("[!a-c]x[]]", r"(?s:[^a-c]x[\]])", id="sets"),
        pytest.param("[z-a][", r"(?s:[^\s\S]\[)", id="an empty set, and none"),
    ],
)
def test_a_glob_becomes_a_regular_expression(glob: str, regex: str) -> None:
    """It is anchored by Prometheus; what is no wildcard stands for itself."""
    assert regex == regex_of(glob)


@given(glob=st.text(alphabet="ab-*?[]!^\\.|&~ \n", max_size=8), name=st.text(alphabet="ab-[]!^\\.|&~ \n", max_size=6))
def test_a_regular_expression_matches_what_its_glob_matches(glob: str, name: str) -> None:
    """The budget that Prometheus holds an operation against is the one that its process does."""
    assert fnmatchcase(name, glob) == bool(re.fullmatch(regex_of(glob), name))
