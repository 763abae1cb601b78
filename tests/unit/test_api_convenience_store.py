"""Retention and baselines of the convenience functions, on a store that is really there."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from otel_verein.api.convenience import (
    collect_performance_baselines,
    create_performance_baseline_snapshot,
    establish_performance_baseline,
    get_retention_status,
    monitor_monitoring_system_health,
    run_basic_data_retention,
    run_performance_regression_test,
    run_smart_aggregation,
)
from otel_verein.api.store import placed
from otel_verein.api.store_jobs import INGEST, Controls, run_job
from otel_verein.config.schema import Config
from otel_verein.store import lock
from otel_verein.store.layout import Store
from tests.services.store_load import Load, Traffic
from tests.unit.convenience_known import HEALTHY, Known, Operation, ok

DAY_S = 86_400


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The configuration of a store with an hour that is eight days old, of which nothing is added up yet."""
    root = tmp_path / "store"
    begin_ns = (int(time.time()) - 8 * DAY_S) // 3_600 * 3_600 * 10**9
    Load(Traffic(operations=300, seconds=300, begin_ns=begin_ns, processes=1, services=1)).write(root / "otlp")
    config = replace(Config(), store=replace(Config().store, directory=str(root)))
    run_job(placed(config, (), tmp_path), INGEST, Controls())
    return config


def files(config: Config) -> set[Path]:
    """The data of the store."""
    return set(Path(config.store.directory).rglob("*.parquet"))


def test_retention_is_a_dry_run_unless_told(config: Config) -> None:
    """By default nothing is deleted, and what would be is said."""
    run_smart_aggregation(config=config)
    before = files(config)
    found = ok(run_basic_data_retention(config=config), "retention")

    assert (True, before) == (found["dry_run"], files(config))
    assert found["figures"]["files"] > 0


@pytest.mark.parametrize("dry_run", [False, "false", "0"])
def test_retention_deletes_what_is_past_its_days(config: Config, dry_run: Any) -> None:
    """Told so, in any form, it deletes what the dry run named."""
    run_smart_aggregation(config=config)
    named = ok(run_basic_data_retention(config=config), "retention")["figures"]["files"]
    before = files(config)
    found = ok(run_basic_data_retention(dry_run, config=config), "retention")

    assert (False, named, named) == (found["dry_run"], found["figures"]["files"], len(before - files(config)))


def test_retention_keeps_what_is_not_added_up(config: Config) -> None:
    """What has no verified replacement is held, with the reason."""
    before = files(config)
    found = ok(run_basic_data_retention(dry_run="no", config=config), "retention")

    assert before == files(config)
    assert found["held"]


def test_unclear_dry_run_deletes_nothing(config: Config) -> None:
    """A word that is neither yes nor no is an error."""
    before = files(config)
    answer = run_basic_data_retention("perhaps", config=config)

    assert ("dry_run: 'perhaps' is neither true nor false", before) == (answer["error"], files(config))


def test_aggregation_says_what_it_made(config: Config) -> None:
    """The one hour is added up, each kind of its data; a second time there is nothing to do."""
    hours = [ok(run_smart_aggregation(config=config), "aggregation")["figures"]["hours"] for _ in range(2)]

    assert [3, 0] == hours


def test_busy_store_is_an_error(config: Config) -> None:
    """Another writer is waited for as long as was said, and then named."""
    with lock.held(Store(Path(config.store.directory)), "ingest", 0.0):
        answer = run_smart_aggregation("0.05", config=config)

    assert (False, True) == (answer["success"], "ingest" in answer["error"])


def test_status_says_sizes_and_settings(config: Config) -> None:
    """What is stored and how long what is kept."""
    found = ok(get_retention_status(config=config), "retention_status")

    assert (True, 7, 0) == (found["settings"]["enabled"], found["settings"]["detail_d"], found["lag"]["segments"])
    assert found["disk"]["used_bytes"] > 0


def test_without_a_store_there_is_nothing_to_do(tmp_path: Path) -> None:
    """The error says what makes one."""
    config = replace(Config(), store=replace(Config().store, directory=str(tmp_path / "none")))

    assert [f"{tmp_path}/none: there is no store yet; `otel-verein store run` makes it"] * 3 == [
        function(config=config)["error"]
        for function in (run_basic_data_retention, run_smart_aggregation, get_retention_status)
    ]


def test_disk_of_the_store_is_checked(config: Config) -> None:
    """With a store there is a figure for what it takes; a budget that is smaller is broken."""
    tight = replace(config, retention=replace(config.retention, disk_mb=1))
    verdicts = [
        next(check for check in ok(answer, "monitoring_health")["checks"] if check["name"] == "disk")["limit"]
        for answer in (monitor_monitoring_system_health(config=each) for each in (config, tight))
    ]

    assert [pytest.approx(config.retention.disk_mb, rel=0.1), pytest.approx(1, rel=0.1)] == verdicts


@pytest.fixture
def empty(tmp_path: Path) -> Config:
    """A configuration whose store is not there yet; baselines go there all the same."""
    return replace(Config(), store=replace(Config().store, directory=str(tmp_path / "store")))


def test_collected_baselines_are_not_written(empty: Config) -> None:
    """What a baseline would hold is shown, and none is kept."""
    found = ok(collect_performance_baselines(source=Known((HEALTHY,)), config=empty), "baselines")

    assert (["GET /"], []) == ([each["operation"] for each in found["current"]["operations"]], found["kept"])
    assert not Path(empty.store.directory).exists()


def test_snapshot_makes_a_new_version(empty: Config) -> None:
    """The second does not replace the first."""
    for _ in range(2):
        ok(create_performance_baseline_snapshot("shop", source=Known((HEALTHY,)), config=empty), "baseline")
    kept = ok(collect_performance_baselines(source=Known((HEALTHY,)), config=empty), "baselines")["kept"]

    assert [("shop", 1), ("shop", 2)] == [(each["name"], each["version"]) for each in kept]


def test_too_few_operations_establish_nothing(empty: Config) -> None:
    """29 operations are no ground to judge others by."""
    answer = establish_performance_baseline(source=Known((replace(HEALTHY, count=29),)), config=empty)

    assert "known: 29 operations are no ground for a baseline; it takes 30" == answer["error"]
    assert not Path(empty.store.directory).exists()


def test_rare_operations_of_a_baseline_are_named(empty: Config) -> None:
    """What cannot be judged by it is told when it is taken."""
    source = Known((HEALTHY, Operation("GET /rare", 3, 0.1, 4)))

    assert ["GET /rare"] == ok(establish_performance_baseline(source=source, config=empty), "baseline")["too_rare"]


@pytest.mark.parametrize(
    ("now", "verdict"),
    [(HEALTHY, "pass"), (replace(HEALTHY, queries=8), "fail"), (replace(HEALTHY, count=5), "inconclusive")],
    ids=["same", "twice the queries", "too few"],
)
def test_regression_test_has_three_verdicts(empty: Config, now: Operation, verdict: str) -> None:
    """The same passes, more queries fail, and too few operations are neither."""
    establish_performance_baseline(source=Known((HEALTHY,)), config=empty)
    found = ok(run_performance_regression_test(source=Known((now,)), config=empty), "regression_test")

    assert (verdict, {"name": "baseline", "version": 1}) == (
        found["verdict"],
        {key: found["baseline"][key] for key in ("name", "version")},
    )


def test_path_is_no_name_of_a_baseline(empty: Config) -> None:
    """Nothing that a caller says becomes a path."""
    answer = create_performance_baseline_snapshot("../../etc", source=Known((HEALTHY,)), config=empty)

    assert (False, True) == (answer["success"], "cannot be the name of a baseline" in answer["error"])
