"""kill -9 at any moment of any job on a store: nothing is lost or counts twice, and the next run puts it right."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.store_jobs import Jobs, jobs
from tests.e2e.store_states import BEGIN_S, DAY_S, HOUR_S, Saved, Scene
from tests.e2e.store_truth import Figures, Holding
from tests.e2e.store_world import World

JOBS = ("ingest", "roll", "compact", "retention")
SHORT_KILLS = 2
"""Of each case; the long form kills before every step that others can see."""

STEPS = [pytest.param(SHORT_KILLS, id="some"), pytest.param(None, id="every", marks=pytest.mark.soak)]
KILLS = [pytest.param(8, id="8 kills"), pytest.param(240, id="240 kills", marks=pytest.mark.soak)]


@pytest.fixture(scope="module")
def starter() -> Iterator[Jobs]:
    """One process from which all jobs are forked."""
    with jobs() as found:
        yield found


def _written(scene: Scene) -> None:
    """An hour of an application, and open files of a collector."""
    scene.world.record(BEGIN_S, HOUR_S, operations=15)
    scene.world.grow(BEGIN_S, HOUR_S, operations=5)
    scene.world.settle()
    scene.now_s = BEGIN_S + 4 * DAY_S


def _taken(scene: Scene) -> None:
    _written(scene)
    scene.run("ingest").sound()


def _rolled(scene: Scene) -> None:
    _taken(scene)
    scene.run("roll").sound()


def _in_parts(scene: Scene) -> None:
    """The same hours taken several times, so that each has several files."""
    for _ in range(3):
        _written(scene)
        scene.run("ingest").sound()


def _come_late(scene: Scene) -> None:
    """Rolled up, and partly gone by age; then more came of the same hours."""
    _rolled(scene)
    scene.run("retention").sound()
    _written(scene)
    scene.sent = None
    scene.run("ingest").sound()


CASES = [
    pytest.param("ingest", _written, id="ingest"),
    pytest.param("ingest", _rolled, id="ingest again"),
    pytest.param("roll", _taken, id="roll"),
    pytest.param("roll", _come_late, id="roll what came late"),
    pytest.param("compact", _in_parts, id="compact"),
    pytest.param("retention", _rolled, id="retention"),
]


@pytest.mark.parametrize("kills", STEPS)
@pytest.mark.parametrize(("job", "before"), CASES)
def test_job_killed_before_a_step_is_put_right_by_the_next_round(
    job: str, before: Callable[[Scene], None], kills: int | None, starter: Jobs, tmp_path: Path
) -> None:
    """Before whatever step a job dies, readers miss nothing that was in the store, and the next round ends as usual."""
    scene = Scene(World(tmp_path / "world"), starter, BEGIN_S)
    before(scene)
    held = _held(scene)
    saved = Saved(tmp_path / "world")
    steps = tmp_path / "steps"
    scene.run(job, steps=str(steps)).sound()
    whole = [line for line in steps.read_text().splitlines() if not line.startswith("fsync ")]

    for number in _chosen(whole, kills):
        saved.bring_back()
        ended = scene.run(job, kill_at=number)
        assert ended.killed, f"{job} did not come to step {number} of {len(whole)}, {whole[number - 1]}: {ended}"
        if job != "ingest":
            assert held == _held(scene), f"killed before step {number}, {whole[number - 1]}"
        scene.put_right()


@pytest.mark.parametrize(("job", "before"), CASES)
def test_what_counts_is_on_the_disk_before_it_counts(
    job: str, before: Callable[[Scene], None], starter: Jobs, tmp_path: Path
) -> None:
    """A file and its name are synced before the journal has it, and nothing is deleted before that: power may fail."""
    scene = Scene(World(tmp_path / "world"), starter, BEGIN_S)
    before(scene)
    steps = tmp_path / "steps"

    scene.run(job, steps=str(steps)).sound()

    assert [] == _hasty(steps.read_text().splitlines(), scene.world.root)


def _hasty(steps: list[str], root: Path) -> list[str]:
    """The steps that came too early."""
    synced: set[str] = set()
    unsynced: dict[str, str] = {}  # by the directory that has to be synced, the step that made a name in it
    hasty: list[str] = []
    counts = True
    for step in steps:
        what, *paths = step.split(" ")
        if what == "fsync":
            synced.add(paths[0])
            unsynced.pop(paths[0], None)
        elif what == "sqlite" and paths == ["COMMIT"]:
            hasty += [f"counts before its name is synced: {step}" for step in unsynced.values()]
            counts = True
        elif paths[-1].startswith(str(root / "tmp")):
            continue
        elif what == "os.mkdir":
            unsynced[str(Path(paths[0]).parent)] = step
        elif what == "os.rename":
            unsynced[str(Path(paths[1]).parent)] = step
            counts = False
            hasty += [f"not synced: {step}"] if paths[0] not in synced else []
        elif what == "os.remove" and not counts:
            hasty.append(f"deleted before its replacement counts: {step}")
    return hasty


def _held(scene: Scene) -> Figures | None:
    if not (scene.world.root / "journal.sqlite").exists():
        return None
    store = Holding(scene.world.root)
    assert [] == store.missing()
    return store.figures()


def _chosen(steps: list[str], kills: int | None) -> list[int]:
    """Numbers of *kills* steps, other ones each time; of all of them without.

    What is inside a transaction is not there for anybody: to die at its end is as good.
    """
    inside = ("sqlite INSERT", "sqlite UPDATE", "sqlite DELETE", "sqlite CREATE", "sqlite ROLLBACK")
    every = [number for number, step in enumerate(steps, start=1) if not step.startswith(inside)]
    return every if kills is None else sorted(random.sample(every, min(kills, len(every))))


@pytest.mark.parametrize("kills", KILLS)
def test_store_killed_again_and_again_at_random_moments_holds_all(kills: int, starter: Jobs, tmp_path: Path) -> None:
    """One store through weeks of rounds, each with a death somewhere: in the end it holds what was written, once."""
    seed = random.randrange(1_000_000)
    chance = random.Random(seed)
    scene = Scene(World(tmp_path / "world", seed), starter, BEGIN_S)
    usual = dict.fromkeys((*JOBS, "backup", "round"), 0.3)
    killed = 0
    _live_on(scene, chance)
    scene.run("ingest").sound()

    while killed < kills:
        _live_on(scene, chance)
        job = chance.choice(list(usual))
        ended = scene.run(job, kill_after_s=chance.random() * usual[job])
        if not ended.killed:
            ended.sound()
            usual[job] = 0.5 * usual[job] + 0.5 * ended.seconds
            continue
        killed += 1
        if killed % 5 == 0:
            scene.world.settle()
            scene.sent = None
            scene.put_right()

    scene.world.settle()
    scene.sent = None
    scene.put_right()


def _live_on(scene: Scene, chance: random.Random) -> None:
    """Some hours go by; telemetry of them comes, sometimes some of long ago."""
    hours = chance.randrange(1, 5)
    scene.world.record(scene.now_s, hours * HOUR_S, operations=10)
    scene.world.grow(scene.now_s, hours * HOUR_S, operations=5)
    if chance.random() < 0.2:
        scene.world.record(scene.now_s - chance.randrange(1, 6) * DAY_S, HOUR_S, operations=5)
    scene.now_s += hours * HOUR_S
