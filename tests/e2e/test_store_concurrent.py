"""Several writers and readers of one store at once: one writes at a time, and every answer is a true one."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from otel_verein.store.layout import Store
from otel_verein.store.lock import held
from tests.e2e.store_jobs import Jobs, Outcome, jobs
from tests.e2e.store_states import BEGIN_S, HOUR_S, SHORT_AGES, Scene
from tests.e2e.store_world import World
from tests.services.process import wait_until

SECONDS = [pytest.param(4.0, id="4 s"), pytest.param(120.0, id="2 min", marks=pytest.mark.soak)]
STOPS = [pytest.param(3, id="3 stops"), pytest.param(40, id="40 stops", marks=pytest.mark.soak)]
STOP_S = 2.0
"""How long the service may take to stop."""

MARGIN_S = 3.0
"""What a loaded machine adds."""

START_S = 60.0
"""How long it may take until the service has begun its first round."""

WAIT_S = 60.0
"""How long each of several writers may wait for its turn; it comes, but not in the order in which they came."""


class Actor:
    """Runs one job on and on, beside others; what it said, with the count of operations before and after."""

    def __init__(self, scene: Scene, job: str, counted: Callable[[], int]) -> None:
        self.job = job
        self.ended: list[tuple[int, Outcome, int]] = []
        self._scene, self._counted = scene, counted
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._act)

    def __enter__(self) -> Actor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _act(self) -> None:
        while not self._stopped.is_set():
            before = self._counted()
            self.ended.append((before, self._scene.run(self.job, wait_s=WAIT_S), self._counted()))
            self._stopped.wait(0.1)  # without, the one who lets go of the lock would have it again before the others


@pytest.mark.parametrize("seconds", SECONDS)
def test_writers_and_readers_at_once_get_true_answers(seconds: float, tmp_path: Path) -> None:
    """Reports count what was written before they began, nothing twice, nothing that was not written."""
    world = World(tmp_path / "world")
    written = [0]
    names = ("ingest", "ingest", "roll", "compact", "retention", "report", "report")
    with ExitStack() as stack:
        scenes = [Scene(world, stack.enter_context(jobs()), BEGIN_S + 48 * HOUR_S) for _ in names]
        world.record(BEGIN_S, HOUR_S)
        scenes[0].run("ingest").sound()
        written[0] = 40
        with ExitStack() as running:
            actors = [
                running.enter_context(Actor(scene, name, lambda: written[0]))
                for scene, name in zip(scenes, names, strict=True)
            ]
            _record_for(seconds, world, written)
        for actor in actors:
            _assert_true(actor)
        scenes[0].put_right()


def _record_for(seconds: float, world: World, written: list[int]) -> None:
    """Segments of hours that are old enough to be rolled up and to go, some of hours that were."""
    deadline = time.monotonic() + seconds
    pace = threading.Event()
    while time.monotonic() < deadline:
        written[0] += 10  # before: a report may see them from the moment the file is there
        world.record(BEGIN_S + random.randrange(6) * HOUR_S, HOUR_S, operations=10)
        pace.wait(0.2)


def _assert_true(actor: Actor) -> None:
    assert actor.ended, f"no {actor.job} came to its end"
    for before, outcome, after in actor.ended:
        said = outcome.sound()
        if actor.job == "report":
            at_most_one_is_being_written = 10
            assert before - at_most_one_is_being_written <= said["operations"] <= after, (before, said, after)


@pytest.fixture(scope="module")
def starter() -> Iterator[Jobs]:
    """One process from which all jobs are forked."""
    with jobs() as found:
        yield found


@pytest.fixture
def scene(starter: Jobs, tmp_path: Path) -> Scene:
    """A store with an hour in it, and segments that it has not taken."""
    found = Scene(World(tmp_path / "world"), starter, BEGIN_S + 48 * HOUR_S)
    found.world.record(BEGIN_S, HOUR_S)
    found.run("ingest").sound()
    found.world.record(BEGIN_S, HOUR_S)
    found.sent = None
    return found


@pytest.mark.parametrize("job", ["ingest", "roll", "compact", "retention"])
def test_second_writer_is_told_who_writes(job: str, scene: Scene) -> None:
    """Who does not want to wait learns which job of which process is at it, and since when."""
    root = scene.world.root
    with held(Store(root), "rollup"):
        ended = scene.run(job, wait_s=0.0)

    said = re.sub(r"since .* UTC", "since then", ended.error or str(ended))
    who = f"rollup of process {os.getpid()} is writing to it since then"
    assert f"{root}: {who}; wait for it with --wait SECONDS" == said
    scene.put_right()


def test_second_writer_waits_for_its_turn(scene: Scene) -> None:
    """With time to wait it does its work as soon as the first has let go."""
    with held(Store(scene.world.root), "rollup"):
        scene.jobs.start(scene.order("ingest", wait_s=30.0))
        assert not scene.jobs.has_ended(0.5)

    scene.jobs.wait().sound()
    scene.put_right()


def test_lock_of_a_writer_that_died_is_free(scene: Scene) -> None:
    """Nobody has to remove anything by hand after a crash."""
    holder = os.fork()
    if not holder:
        with held(Store(scene.world.root), "rollup"):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(holder, 0)

    scene.run("ingest", wait_s=0.0).sound()
    scene.put_right()


@pytest.mark.parametrize("stops", STOPS)
def test_watch_that_is_stopped_ends_within_two_seconds(stops: int, starter: Jobs, tmp_path: Path) -> None:
    """SIGTERM at any moment of a round: the service ends by itself, and the next start goes on from there."""
    scene = Scene(World(tmp_path / "world"), starter, time.time())
    for _ in range(stops):
        scene.world.record(time.time() - random.randrange(2, 40) * HOUR_S, HOUR_S, operations=10)
        with _watching(scene, tmp_path / "log") as watch:
            assert wait_until(lambda: "ingest" in (tmp_path / "log").read_text(), START_S), (
                tmp_path / "log"
            ).read_text()
            time.sleep(random.random() * 0.5)  # the moment in its round is what this is about

            watch.terminate()
            status = watch.wait(STOP_S + MARGIN_S)

        assert 0 == status, (tmp_path / "log").read_text()
        assert [] == scene.run("verify").sound()
    scene.put_right()


@contextmanager
def _watching(scene: Scene, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The service beside us; killed where the test leaves it."""
    environment = {**os.environ, **SHORT_AGES, "VEREIN_STORE_INTERVAL_S": "0.1"}
    command = [sys.executable, "-c", "from otel_verein.cli.main import main; main()", "store", "watch"]
    with log.open("wb") as file:
        watch = subprocess.Popen(command, cwd=scene.world.root.parent, env=environment, stdout=file, stderr=file)
    try:
        yield watch
    finally:
        watch.kill()
        watch.wait()
