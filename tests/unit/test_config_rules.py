"""Rules over several options, and dangerous settings: what breaks them, what does not, and where that is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_verein.config import Config, load
from otel_verein.config.layers import resolve
from otel_verein.config.presets import ENVIRONMENTS, PRESETS
from otel_verein.config.rules import AT_MOST, AT_MOST_IF_GIVEN, BELOW, BUDGETS, DANGEROUS_IN_PRODUCTION
from otel_verein.config.validate import OPTIONS
from otel_verein.errors import ConfigError
from tests.unit.valid_options import variable

PAIRS = [
    *((lower, upper, "must be below") for lower, upper in BELOW),
    *((lower, upper, "must not be above") for lower, upper in (*AT_MOST, *AT_MOST_IF_GIVEN)),
]
LIMITS = {
    key: option.metadata["safe_at_most"]
    for key, option in OPTIONS.items()
    if option.metadata.get("safe_at_most") is not None
}


def problems(environ: dict[str, str], directory: Path, override: str = "") -> list[str]:
    """What is wrong with a configuration; nothing with one that is taken."""
    try:
        resolve(environ, directory, override_data=override.encode())
    except ConfigError as refused:
        return [str(problem) for problem in refused.problems]
    return []


def default(key: str) -> float:
    """The default of a number."""
    value: float = OPTIONS[key].default
    return value


def text(value: float) -> str:
    """*value* as messages have it: without an exponent or a fraction of nothing."""
    return str(value).removesuffix(".0")


@pytest.mark.parametrize(("lower", "upper", "rule"), PAIRS, ids=[lower for lower, _, _ in PAIRS])
def test_raising_the_lower_of_two_is_told_at_it(lower: str, upper: str, rule: str, tmp_path: Path) -> None:
    """The first that breaks the order does so, the last that keeps it is taken; the message names the other one."""
    last = default(upper)
    just_too_high = last if rule == "must be below" else last + 1
    kept = last - 1 if isinstance(last, int) and rule == "must be below" else last
    kept = kept if kept != just_too_high else (default(lower) + last) / 2

    refused = problems({variable(lower): str(just_too_high)}, tmp_path)
    taken = problems({variable(lower): str(kept)}, tmp_path)

    what = f"{lower}: {text(just_too_high)} {rule} {upper}: {text(last)} (as by default)"
    assert ([f"{variable(lower)}: {what}"], []) == (refused, taken)


@pytest.mark.parametrize(
    ("lower", "upper", "rule"), PAIRS[: -len(AT_MOST_IF_GIVEN)], ids=[lower for lower, _, _ in PAIRS[:-2]]
)
def test_lowering_the_upper_of_two_is_told_at_it(lower: str, upper: str, rule: str, tmp_path: Path) -> None:
    """The same from above: the place is the one that somebody gave, whichever of the two it is."""
    first = default(lower)
    too_low = first if rule == "must be below" else first - 1 if isinstance(first, int) else first / 2

    refused = problems({variable(upper): str(too_low)}, tmp_path)

    what = f"{lower}: {text(first)} (as by default) {rule} {upper}: {text(too_low)}"
    assert [f"{variable(upper)}: {what}"] == refused


@pytest.mark.parametrize(("lower", "upper"), AT_MOST_IF_GIVEN)
def test_a_budget_below_what_reads_excellent_is_no_mistake(lower: str, upper: str, tmp_path: Path) -> None:
    """Who lowers a budget need not know that there is a word for what is far below it; who gives that one, has to."""
    low = {variable(upper): str(default(lower) / 2 if isinstance(default(lower), float) else default(lower) // 2)}

    assert problems(low, tmp_path) == []
    what = f"{lower}: {text(default(lower))} must not be above {upper}: {low[variable(upper)]} ({variable(upper)})"
    assert [f"{variable(lower)}: {what}"] == problems(low | {variable(lower): str(default(lower))}, tmp_path)


@pytest.mark.parametrize("environment", ["", *ENVIRONMENTS])
def test_nothing_is_told_of_what_nobody_gave(environment: str, tmp_path: Path) -> None:
    """Defaults and presets are in order by themselves, so that no message can be without a place."""
    assert problems({"VEREIN_ENVIRONMENT": environment}, tmp_path) == []


def test_what_an_environment_presets_is_called_so(tmp_path: Path) -> None:
    """The other of two may stand nowhere: it is as the environment presets it, or else as by default."""
    environ = {
        "VEREIN_ENVIRONMENT": "production",
        "VEREIN_THRESHOLDS_QUERIES_CRITICAL": "20",
        "VEREIN_HEALTH_GOOD": "95",
    }

    assert [
        "VEREIN_THRESHOLDS_QUERIES_CRITICAL: thresholds.queries: 20 (as production presets) "
        "must be below thresholds.queries_critical: 20",
        "VEREIN_HEALTH_GOOD: health.good: 95 must be below health.excellent: 95 (as by default)",
    ] == problems(environ, tmp_path)


def test_the_two_may_come_from_any_two_layers(tmp_path: Path) -> None:
    """File against variable, variable against override: the message has both places."""
    file = tmp_path / "verein.yaml"
    file.write_text("# ours\nthresholds:\n  queries: 30\n  duration_s: 4\n  duration_critical_s: 3\n")
    environ = {"VEREIN_THRESHOLDS_QUERIES_CRITICAL": "30", "VEREIN_THRESHOLDS_DB_DURATION_CRITICAL_S": "2"}

    found = problems(environ, tmp_path, "thresholds:\n  db_duration_s: 2\n")

    override = tmp_path / ".verein/config/override.yaml"
    assert [
        f"{file}:3: thresholds.queries: 30 must be below thresholds.queries_critical: 30 "
        "(VEREIN_THRESHOLDS_QUERIES_CRITICAL)",
        f"{file}:4: thresholds.duration_s: 4 must be below thresholds.duration_critical_s: 3 ({file}:5)",
        f"{override}:2: thresholds.db_duration_s: 2 must be below thresholds.db_duration_critical_s: 2 "
        "(VEREIN_THRESHOLDS_DB_DURATION_CRITICAL_S)",
    ] == found


def test_two_on_one_line_are_told_there_once(tmp_path: Path) -> None:
    """Where both stand on the line of the message, no other place is named."""
    (tmp_path / "verein.yaml").write_text("thresholds: {queries: 9, queries_critical: 8}\n")

    what = "thresholds.queries: 9 must be below thresholds.queries_critical: 8"
    assert [f"{tmp_path / 'verein.yaml'}:1: {what}"] == problems({}, tmp_path)


def test_a_value_that_is_wrong_by_itself_breaks_no_rule(tmp_path: Path) -> None:
    """One mistake is one problem: what cannot be taken is not compared."""
    (tmp_path / "verein.yaml").write_text("thresholds:\n  queries: 1000x\n")

    (found,) = problems({}, tmp_path)

    assert found.endswith("verein.yaml:2: thresholds.queries: '1000x' is not a whole number")


@pytest.mark.parametrize(("budget", "critical"), BUDGETS)
@pytest.mark.parametrize("environment", ["", *ENVIRONMENTS])
def test_budgets_by_name_are_in_order_with_those_of_all(
    environment: str, budget: str, critical: str, tmp_path: Path
) -> None:
    """An entry that has one of the two takes the other from all operations, as preset, and is compared with that."""
    presets = {key.partition(".")[2]: value for key, value in PRESETS.get(environment, {}).items()}
    most = presets.get(critical, default(f"thresholds.{critical}"))
    least = presets.get(budget, default(f"thresholds.{budget}"))
    file = tmp_path / "verein.yaml"
    file.write_text(
        "thresholds:\n  operations:\n"
        f"    - {{operation: A, {budget}: {most}}}\n"
        f"    - {{operation: B, {critical}: {least}}}\n"
        f"    - {{operation: C, {budget}: {most}, {critical}: {most}}}\n"
        f"    - {{operation: D, {budget}: {most}, {critical}: {most + 1}}}\n"
    )

    key, high, low = "thresholds.operations", text(most), text(least)
    assert [
        f"{file}:3: {key}[0]: {budget}: {high} must be below {critical}: {high}; {critical} is that of all: "
        "give it, too",
        f"{file}:4: {key}[1]: {budget}: {low} must be below {critical}: {low}; {budget} is that of all: give it, too",
        f"{file}:5: {key}[2]: {budget}: {high} must be below {critical}: {high}",
    ] == problems({"VEREIN_ENVIRONMENT": environment}, tmp_path)


def test_an_entry_that_a_changed_budget_of_all_breaks_is_told_at_the_entry(tmp_path: Path) -> None:
    """The entry stands where it stood; the budget of all has come over it from a variable."""
    file = tmp_path / "verein.yaml"
    file.write_text("thresholds:\n  operations: [{operation: A, queries: 60}]\n")

    assert problems({}, tmp_path) == []
    what = "thresholds.operations[0]: queries: 60 must be below queries_critical: 55; queries_critical is that of all"
    environ = {"VEREIN_THRESHOLDS_QUERIES_CRITICAL": "55"}
    assert [f"{file}:2: {what}: give it, too"] == problems(environ, tmp_path)


def test_detail_must_not_be_deleted_before_it_is_added_up(tmp_path: Path) -> None:
    """Days against hours: 48 h of two days are enough, 48.5 are not."""
    detail = {"VEREIN_RETENTION_DETAIL_D": "2"}
    what = "retention.detail_d: 2 is shorter than retention.aggregate_after_h: 48.5: detail would be deleted before it"

    assert problems(detail | {"VEREIN_RETENTION_AGGREGATE_AFTER_H": "48"}, tmp_path) == []
    assert [f"VEREIN_RETENTION_DETAIL_D: {what} is added up"] == problems(
        detail | {"VEREIN_RETENTION_AGGREGATE_AFTER_H": "48.5"}, tmp_path
    )


@pytest.mark.parametrize(
    ("key", "switch", "reason"), DANGEROUS_IN_PRODUCTION, ids=[key for key, _, _ in DANGEROUS_IN_PRODUCTION]
)
def test_what_is_dangerous_in_production_needs_its_switch(key: str, switch: str, reason: str, tmp_path: Path) -> None:
    """Refused with the reason and the switch; taken with that switch, and in every other environment."""
    none = "false" if OPTIONS[key].metadata["kind"] is bool else "0"
    off = {variable(key): none}
    production = {"VEREIN_ENVIRONMENT": "production"}
    others = {name: "true" for name in map(variable, OPTIONS) if name.startswith("VEREIN_ALLOW_")}
    its_own = variable(f"allow.{switch}")
    del others[its_own]

    refused = f"{variable(key)}: {key}: {none} is refused: {reason}; set allow.{switch} if that is meant"
    assert [refused] == problems(off | production, tmp_path)
    assert [refused] == problems(off | production | others, tmp_path)
    assert problems(off | production | {its_own: "true"}, tmp_path) == []
    for environment in ("", "development", "staging"):
        assert problems(off | {"VEREIN_ENVIRONMENT": environment}, tmp_path) == []


@pytest.mark.parametrize("key", [key for key in OPTIONS if key.startswith("capabilities.")])
def test_other_capabilities_may_be_off_in_production(key: str, tmp_path: Path) -> None:
    """The silent twin: what costs no sight is switched off as anywhere."""
    dangerous = {each for each, _, _ in DANGEROUS_IN_PRODUCTION}
    environ = {"VEREIN_ENVIRONMENT": "production", variable(key): "false"}

    assert (key in dangerous) == bool(problems(environ, tmp_path))


def test_a_switch_may_stand_beside_what_it_allows(tmp_path: Path) -> None:
    """In the same block of the file; in the block of another environment it allows nothing."""
    block = "environments:\n  production:\n    capabilities: {counting: false}\n"
    (tmp_path / "verein.yaml").write_text(block + "    allow: {monitoring_off: true}\n")
    environ = {"VEREIN_ENVIRONMENT": "production"}
    assert load(environ, tmp_path).capabilities.counting is False

    (tmp_path / "verein.yaml").write_text(block + "  staging:\n    allow: {monitoring_off: true}\n")
    (found,) = problems(environ, tmp_path)
    what = "capabilities.counting: false is refused: no query of production would be counted"
    assert found == f"{tmp_path / 'verein.yaml'}:3: {what}; set allow.monitoring_off if that is meant"


@pytest.mark.parametrize(("key", "most"), LIMITS.items(), ids=LIMITS)
def test_limits_that_take_gigabytes_need_their_switch(key: str, most: int, tmp_path: Path) -> None:
    """Up to the safe most nothing is said, past it the switch is asked for, whatever the environment."""
    past = {variable(key): str(most + 1)}
    why = f"is refused: above {most} a process can run out of memory; set allow.large_memory if that is meant"

    assert problems({variable(key): str(most)}, tmp_path) == []
    for environment in ("", *ENVIRONMENTS):
        assert [f"{variable(key)}: {key}: {most + 1} {why}"] == problems(
            past | {"VEREIN_ENVIRONMENT": environment}, tmp_path
        )
    assert problems(past | {"VEREIN_ALLOW_LARGE_MEMORY": "true"}, tmp_path) == []


def test_defaults_are_safe() -> None:
    """No default needs a switch, and no switch is on by itself."""
    assert all(default(key) <= most for key, most in LIMITS.items())
    assert (False, False, False) == (
        Config().allow.monitoring_off,
        Config().allow.large_memory,
        Config().allow.unbounded_storage,
    )
