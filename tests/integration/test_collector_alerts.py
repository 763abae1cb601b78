"""Every alert fires when it should and is silent when it should not, as `promtool test rules` sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from otel_verein.collector.rules import rules_text
from otel_verein.config.schema import Config, Health, ThresholdRule, Thresholds
from tests.conftest import absent
from tests.integration import alerts_of_operations, alerts_of_pipeline
from tests.integration.alerts_of_operations import BURNING, FAST, LASTING, OVER_BUDGET, SLOW, n_plus_one
from tests.integration.rule_cases import Case, Fires, annotated, operations, run, verdict
from tests.services import ServiceAbsent
from tests.services.prometheus import promtool

RULES = rules_text(Config())
CASES = {**alerts_of_operations.CASES, **alerts_of_pipeline.CASES}
MINUTES_OF_A_DAY, MINUTES_OF_A_SHORT_DAY = 24 * 60, 3 * 60


@pytest.fixture(autouse=True, scope="module")
def prometheus_is_there() -> None:
    """No promtool, no verdict."""
    try:
        promtool()
    except ServiceAbsent as missing:
        absent(str(missing))


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_alerts_fire_exactly_when_they_should(case: Case, tmp_path: Path) -> None:
    """Of all alerts, those fire that the case names, with these labels, and no other."""
    assert "" == verdict(case, RULES, tmp_path)


@pytest.mark.parametrize("name", n_plus_one(MINUTES_OF_A_SHORT_DAY))
def test_an_n_plus_one_is_held_against_the_day_before(name: str, tmp_path: Path) -> None:
    """New is what was not there, growing what is certainly more; the day is three hours here."""
    short = f"{MINUTES_OF_A_SHORT_DAY}m"
    rules = RULES.replace("[1d] offset 1d", f"[{short}] offset {short}")

    assert "" == verdict(n_plus_one(MINUTES_OF_A_SHORT_DAY)[name], rules, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("name", n_plus_one(MINUTES_OF_A_DAY))
def test_an_n_plus_one_is_held_against_a_whole_day(name: str, tmp_path: Path) -> None:
    """The same with the rules as they are."""
    assert "" == verdict(n_plus_one(MINUTES_OF_A_DAY)[name], RULES, tmp_path)


def test_every_alert_has_cases() -> None:
    """Each alert, in each severity, fires in one case and is silent in another, where its group is looked at, too."""
    groups = yaml.safe_load(RULES)["groups"]
    alerts = {
        (rule["alert"], rule["labels"]["severity"]): group["name"]
        for group in groups
        for rule in group["rules"]
        if "alert" in rule
    }
    cases = [*CASES.values(), *n_plus_one(MINUTES_OF_A_DAY).values()]
    fired = {(alert.name, alert.severity) for case in cases for alert in case.fires}
    silent = {
        key
        for key, group in alerts.items()
        for case in CASES.values()
        if case.series
        and (not case.groups or group in case.groups)
        and key not in {(f.name, f.severity) for f in case.fires}
    }

    assert set(alerts) == fired == silent


def test_an_alert_says_how_many_operations_it_rests_on_and_what_to_run(tmp_path: Path) -> None:
    """The one who is called at night has the figures, their n, and the command."""
    case = BURNING["seven of ten are bad"]

    said = annotated(Case(case.series, case.at, [SLOW], case.groups), RULES, tmp_path, {
        "summary": "shop (production): 14 times as many operations go bad as the objective allows",
        "description": "Within 6h, of 2k operations 1.4k failed or broke a budget.",
        "action": "Run `otel-verein report` to see which operations lose the most points, and by what: error, time or "
        "queries.",
        "runbook": "docs/how-to/alerts.md#vereinburnsslow",
    })  # fmt: skip

    assert "" == said


def test_a_name_with_a_quote_does_not_break_the_command(tmp_path: Path) -> None:
    """An alert's command is for a shell; whoever names operations runs nothing in it."""
    series = {
        name.replace("POST /checkout", "x'; reboot '"): values
        for name, values in OVER_BUDGET["six of a hundred are slow"].series.items()
    }
    case = OVER_BUDGET["six of a hundred are slow"]
    (alert,) = case.fires
    labels = {**alert.labels, "verein_operation_name": "x'; reboot '"}

    odd = Case(series, case.at, [Fires(alert.name, alert.severity, labels)], case.groups)
    said = annotated(odd, RULES, tmp_path, {
        "summary": "x'; reboot ' of shop (production): 6% of its operations are over the budget duration",
        "description": "Of 2k operations within an hour, counted by the processes themselves.",
        "action": "Run `otel-verein report --operation 'x?; reboot ?'` on the collector's files (`--from`, the "
        "folder otlp of collector.directory).",
        "runbook": "docs/how-to/alerts.md#vereinoverbudget",
    })  # fmt: skip

    assert "" == said


def test_minutes_add_up_to_what_was_counted(tmp_path: Path) -> None:
    """A process that begins with 7, one that begins anew under its name, and one that was away: each counts once."""
    label = 'job="shop",verein_operation_name="a",verein_operation_kind="server",verein_operation_status="ok"'
    series = {
        f'verein_operation_duration_seconds_count{{instance="late",{label}}}': "_x10 7x30",
        f'verein_operation_duration_seconds_count{{instance="again",{label}}}': "0+2x10 1+1x30",
        f'verein_operation_duration_seconds_count{{instance="away",{label}}}': "5x10 _x12 9x30",
    }
    expected = 7 + (2 * 10 + 1 + 19) + 9
    name = '{job="shop", verein_operation_kind="server", verein_operation_name="a"}'

    said = run(RULES, tmp_path, Case(series, 30), {"promql_expr_test": [
        {"expr": "sum_over_time(verein:operations:increase1m[1h])", "eval_time": "30m",
         "exp_samples": [{"labels": name, "value": expected}]},
    ]})  # fmt: skip

    assert "" == said


def test_an_operation_has_the_budget_of_the_first_entry_that_matches(tmp_path: Path) -> None:
    """What the entry leaves open is as for all, and a glob is a glob, not a regular expression."""
    entries = (ThresholdRule("POST /check*", duration_critical_s=20.0), ThresholdRule("*", queries=7, duration_s=1.5))
    rules = rules_text(Config(thresholds=Thresholds(operations=entries)))
    case = OVER_BUDGET["a twentieth takes more than is critical"]
    labels = (
        '{budget="%s", deployment_environment_name="production", job="shop", verein_operation_kind="server", '
        'verein_operation_name="%s"}'
    )
    other = {name.replace("POST /checkout", "GET /"): values for name, values in operations("0+100x30").items()}
    budgets = [
        (f"verein:operation:{name}_budget{labels % (level, operation)}", value)
        for name, level, operation, value in (
            ("duration", "warning", "POST /checkout", 2), ("duration", "critical", "POST /checkout", 20),
            ("queries", "warning", "POST /checkout", 50), ("duration", "warning", "GET /", 1.5),
            ("duration", "critical", "GET /", 5), ("queries", "warning", "GET /", 7),
        )
    ]  # fmt: skip

    said = run(rules, tmp_path, Case({**case.series, **other}, case.at, (), case.groups), {"promql_expr_test": [
        {"expr": 'ALERTS{alertstate="firing"}', "eval_time": "20m", "exp_samples": []},
        *(
            {"expr": name, "eval_time": "20m", "exp_samples": [{"labels": name, "value": value}]}
            for name, value in budgets
        ),
    ]})  # fmt: skip

    assert "" == said


@pytest.mark.parametrize(
    ("objective", "fires"),
    [
        pytest.param(0.5, [FAST, SLOW, LASTING], id="so low that no rate can be reached"),
        pytest.param(1.0, [FAST, SLOW, LASTING], id="one bad operation is too many"),
    ],
)
def test_a_service_in_which_all_is_bad_calls_somebody_whatever_the_objective(
    objective: float, fires: list[object], tmp_path: Path
) -> None:
    """The rates of the workbook are for high objectives; with a low one they would be above all that can be."""
    rules = rules_text(Config(health=Health(objective=objective)))
    case = Case(operations("0+100x30", any="0+100x30"), 20, fires, BURNING["a quarter is bad"].groups)  # type: ignore[arg-type]

    assert "" == verdict(case, rules, tmp_path)
