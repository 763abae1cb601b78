"""A configuration that changes while servers run: noticed in time, taken over whole, or refused."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from itertools import groupby
from pathlib import Path

import pytest

from tests.e2e.config_fleet import (
    BY_BUDGET,
    BY_REPEATS,
    LENIENT,
    OVER_QUERIES,
    QUERIES,
    REPEATED,
    SITE,
    STRICT,
    WITHIN_S,
    Judged,
    Load,
    await_in_force,
    changes,
    digest_of,
    judged,
    running,
    said,
    taken_over_s,
    write,
)
from tests.e2e.jobs import QUIET, Worker
from tests.e2e.launch import APPS, Server, await_workers, environment, gunicorn
from tests.e2e.robust import faults, settled
from tests.services.process import wait_until

INVALID = "thresholds: {querys: 4}\n"
SAYS = "{file}:1: thresholds.querys: unknown key; did you mean 'queries'?"
REFUSED = f"otel-verein: the changed configuration is not usable, the one before stays: {SAYS}"
NO_LONGER_YOUNG_S = 3.5
"""After that a file is not read again that changed twice within one time stamp: two seconds, a look, and a margin."""

ONE_APPLIED, ONE_REFUSED = {"applied": 1}, {"refused": 1}
LOOP = ("python", str(APPS / "config_loop.py"))
OVERRIDDEN_S = 5
"""Time until the end of an override: long enough to see it in force."""


def test_change_is_in_force_in_eight_workers_within_five_seconds(tmp_path: Path) -> None:
    """Each worker says so, and judges by it; from the first operation that the new budget held for, all are."""
    workers = 8
    write(tmp_path / "verein.yaml", LENIENT)
    with Server(gunicorn("-w", f"{workers}", app=SITE, runner=QUIET), tmp_path) as server:
        with Load(server, workers, f"/busy/{QUERIES}/40") as load:
            await_in_force(tmp_path, LENIENT, workers)
            changed_ns = write(tmp_path / "verein.yaml", STRICT)
            await_in_force(tmp_path, STRICT, workers)
            load.await_each(load.workers)
        assert server.terminate() == 0, server.output

    assert {200} == {answer.status for answer in load.answers}, server.output
    assert len(load.answers) == settled(tmp_path).started
    found, strict = judged(tmp_path), digest_of(STRICT, tmp_path)
    told = {each.pid: each.at_ns for each in reversed(said(tmp_path)) if each.digest == strict}
    assert load.workers == found.keys() == told.keys()
    assert taken_over_s(found, changed_ns)[-1] < WITHIN_S
    assert max(told.values()) - changed_ns < WITHIN_S * 1e9
    assert dict.fromkeys(load.workers, ONE_APPLIED) == changes(tmp_path)


@pytest.mark.parametrize("swaps", [pytest.param(2, id="2 swaps"), pytest.param(20, id="20", marks=pytest.mark.soak)])
def test_no_operation_is_judged_by_a_mix(swaps: int, tmp_path: Path) -> None:
    """Whatever changes while it runs, an operation is judged by all of the configuration that it began under."""
    workers, clients = 2, 4
    command = gunicorn("-w", f"{workers}", "--threads", "4", app=SITE, runner=QUIET)
    write(tmp_path / "verein.yaml", BY_BUDGET)
    with Server(command, tmp_path) as server:
        with Load(server, clients, "/busy/5/20") as short, Load(server, clients, "/busy/5/1000") as long:
            for swap in range(swaps + 1):
                text = (BY_BUDGET, BY_REPEATS)[swap % 2]
                write(tmp_path / "verein.yaml", text)
                await_in_force(tmp_path, text, workers)
        assert server.terminate() == 0, server.output

    answers = short.answers + long.answers
    assert {200} == {answer.status for answer in answers}, server.output
    sums, found = settled(tmp_path), judged(tmp_path)
    judgements = Counter(one.breaches for each in found.values() for one in each)
    assert (len(answers),) * 3 == (sums.started, sums.kept.total(), judgements.total())
    assert {OVER_QUERIES, REPEATED} == judgements.keys()
    straddling = [pair for each in found.values() for pair in _straddling(each)]
    assert len(straddling) >= swaps
    assert [began for began, _ in straddling] == [verdict for _, verdict in straddling]


def _straddling(operations: list[Judged]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Of each operation of a process that outlived a configuration: what those that began with it read, and it itself.

    Those that began within a moment of the change are left out: there, nobody can tell which was in force.
    """
    short = [one for one in operations if one.ended_ns - one.started_ns < 0.5e9]
    for one in operations:
        before = [each.breaches for each in short if each.started_ns < one.started_ns][-1:]
        after = [each.breaches for each in short if each.started_ns > one.started_ns][:1]
        at_end = [each.breaches for each in short if each.started_ns > one.ended_ns][:1]
        if before and before == after and at_end and at_end != before:
            yield before[0], one.breaches


def test_invalid_change_keeps_the_one_before_in_every_worker(tmp_path: Path) -> None:
    """One line in each process, however often it looks; the state says it, until a usable one is there."""
    workers = 3
    file = tmp_path / "verein.yaml"
    write(file, STRICT)
    with Server(gunicorn("-w", f"{workers}", app=SITE, runner=QUIET), tmp_path) as server:
        with Load(server, workers, "/busy/5/20") as load:
            await_in_force(tmp_path, STRICT, workers)
            changed_ns = write(file, INVALID)
            await_in_force(tmp_path, STRICT, workers, "invalid")
            assert wait_until(lambda: time.time_ns() - changed_ns > NO_LONGER_YOUNG_S * 1e9, 10)
            write(file, STRICT)
            await_in_force(tmp_path, STRICT, workers)
        assert server.terminate() == 0, server.output

    assert [REFUSED.format(file=file)] * workers == server.output.splitlines()
    assert dict.fromkeys(load.workers, ONE_REFUSED) == changes(tmp_path)
    assert len(load.answers) == settled(tmp_path).started
    assert {OVER_QUERIES} == {one.breaches for each in judged(tmp_path).values() for one in each}


def test_option_of_the_start_waits_for_one_and_the_rest_is_in_force(tmp_path: Path) -> None:
    """A process says that it needs a restart, judges by what else has changed, and says what it runs."""
    workers = 2
    file = tmp_path / "verein.yaml"
    write(file, LENIENT)
    with Server(gunicorn("-w", f"{workers}", app=SITE, runner=QUIET), tmp_path) as server:
        with Load(server, workers, "/busy/5/20") as load:
            await_in_force(tmp_path, LENIENT, workers)
            changed_ns = write(file, f"{STRICT}export: {{interval_s: 0.25}}\n")
            await_in_force(tmp_path, STRICT, workers, "restart_needed")
            write(file, STRICT)
            await_in_force(tmp_path, STRICT, workers)
        assert server.terminate() == 0, server.output

    assert "" == server.output
    assert taken_over_s(judged(tmp_path), changed_ns)[-1] < WITHIN_S
    assert dict.fromkeys(load.workers, ONE_APPLIED) == changes(tmp_path)


def test_worker_forked_after_a_change_takes_it_over_within_its_first_second(tmp_path: Path) -> None:
    """A pre-fork master has no thread of ours, so it knows nothing of the change; its new worker does at once."""
    file = tmp_path / "verein.yaml"
    write(file, LENIENT)
    settings = str(APPS / "config_threads.py")
    command = gunicorn("-w", "1", "--preload", "--config", settings, app=SITE, runner=QUIET)
    with Server(command, tmp_path) as server:
        await_workers(server.process.pid)
        old = server.get(0, "/busy/5/0").pid
        write(file, STRICT)
        os.kill(old, signal.SIGTERM)
        with Load(server, 2, "/busy/5/5") as load:
            assert wait_until(lambda: load.workers - {old, 0}, 10), server.output
            (new,) = load.workers - {old, 0}
            strict = (digest_of(STRICT, tmp_path), "in_force")
            assert wait_until(lambda: running(tmp_path).get(new) == strict, 10), running(tmp_path)
            load.await_each({new})
        assert server.terminate() == 0, server.output

    assert {"worker"} == _roles_with_a_follower(tmp_path)
    operations = judged(tmp_path)[new]
    judged_so = [one for one in operations if one.breaches == OVER_QUERIES]
    assert operations[-len(judged_so) :] == judged_so
    assert judged_so[0].started_ns - operations[0].started_ns < 1e9


def _roles_with_a_follower(directory: Path) -> set[str]:
    """Of master and worker, those that had the thread that looks at the configuration, at a fork or at their end."""
    found = [line.split(maxsplit=2) for line in (directory / "threads.txt").read_text().splitlines()]
    assert {"master", "worker"} == {role for role, _, _ in found}
    return {role for role, _, name in found if name == "otel-verein-configuration"}


# --- the ways in which a file changes ---------------------------------------------------------------------------------


def _as_an_editor(directory: Path) -> None:
    with (directory / "verein.yaml").open("w") as sink:  # the very file, emptied and then written in parts
        for line in STRICT.splitlines(keepends=True):
            sink.write(line)
            sink.flush()


def _by_rename(directory: Path) -> None:
    write(directory / "verein.yaml", STRICT)


def _as_a_config_map(directory: Path) -> None:
    (directory / "..version_2").mkdir()
    (directory / "..version_2/verein.yaml").write_text(STRICT)
    (directory / "..data_tmp").symlink_to("..version_2")
    (directory / "..data_tmp").replace(directory / "..data")


def _by_override(directory: Path) -> None:
    write(directory / ".verein/config/override.yaml", "thresholds: {queries: 4}\n")


def _by_override_that_ends(directory: Path) -> None:
    end = datetime.now(timezone.utc) + timedelta(seconds=OVERRIDDEN_S)
    until = f"until: {{thresholds.queries: {end.isoformat()}}}\n"
    write(directory / ".verein/config/override.yaml", f"thresholds: {{queries: 4}}\n{until}")


def _by_command(directory: Path) -> None:
    command = ["otel-verein", "config", "set", "thresholds.queries", "4"]
    subprocess.run(command, cwd=directory, env=environment(), check=True, capture_output=True, timeout=20)


CHANGED = [LENIENT, STRICT]
WAYS: dict[str, tuple[Callable[[Path], None], list[str]]] = {
    "written in place": (_as_an_editor, CHANGED),
    "renamed": (_by_rename, CHANGED),
    "link of a ConfigMap": (_as_a_config_map, CHANGED),
    "override": (_by_override, CHANGED),
    "override that ends": (_by_override_that_ends, [*CHANGED, LENIENT]),
    "config set": (_by_command, CHANGED),
}
"""How the configuration is changed from LENIENT to STRICT, and what is in force one after the other."""


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each way, the directory of a process that ran while the configuration was changed so; all at once."""
    directories = {way: tmp_path_factory.mktemp("way") for way in WAYS}
    with ExitStack() as stack:
        for directory in directories.values():
            _lay_out(directory)
        loops = [stack.enter_context(Worker(LOOP, directory, {})) for directory in directories.values()]
        for directory in directories.values():
            await_in_force(directory, LENIENT, 1)
        for way, (change, _) in WAYS.items():
            change(directories[way])
        for way, (_, texts) in WAYS.items():
            wanted = [digest_of(text, directories[way]) for text in texts]
            wait_until(
                lambda way=way, wanted=wanted: wanted == _in_turn(directories[way]), 15, 0.1
            )  # else a test says so
        for loop in loops:
            loop.terminate()
    return directories


def _lay_out(directory: Path) -> None:
    """The file as Kubernetes mounts it: a link into a directory that is a link to that of a version."""
    (directory / ".verein/config").mkdir(parents=True)
    (directory / "..version_1").mkdir()
    (directory / "..version_1/verein.yaml").write_text(LENIENT)
    (directory / "..data").symlink_to("..version_1")
    (directory / "verein.yaml").symlink_to("..data/verein.yaml")


def _in_turn(directory: Path) -> list[str]:
    """The configurations that were in force, each once for all the time that it was."""
    return [digest for digest, _ in groupby(each.digest for each in said(directory))]


def _verdicts(directory: Path) -> list[tuple[str, ...]]:
    """What the operations were judged, each verdict once for all in a row that have it."""
    operations = [one for each in judged(directory).values() for one in each if one.name == "loop"]
    return [breaches for breaches, _ in groupby(one.breaches for one in operations)]


def _verdicts_of(texts: list[str]) -> list[tuple[str, ...]]:
    return [OVER_QUERIES if text is STRICT else () for text in texts]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_change_a_file_is_noticed(way: str, changed: dict[str, Path]) -> None:
    """The process runs one configuration after the other, and every operation is judged by one of them."""
    directory = changed[way]
    texts = WAYS[way][1]

    assert [digest_of(text, directory) for text in texts] == _in_turn(directory)
    assert _verdicts_of(texts) == _verdicts(directory)
    assert {} == faults(directory)
