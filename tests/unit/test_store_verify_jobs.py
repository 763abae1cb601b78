"""Whatever the jobs of a store do, in whatever order, and however late data comes: the books stay in order."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from otel_verein.config.schema import Config
from otel_verein.store import compaction, ingest, lock, retention, rollup
from otel_verein.store.backup import backup
from otel_verein.store.journal import Journal
from otel_verein.store.journal_fold import fold
from otel_verein.store.layout import HOUR_S, NANOSECONDS, Store
from otel_verein.store.restore import restore
from otel_verein.store.verify import verify
from tests.services.store_load import Load, Traffic

_DAY_S = 86_400
_BEGIN_S = 1_772_323_200
"""A day at the beginning of March 2026."""
_LATER_S = 4_000_000_000
"""When every file has settled, and every day is long over."""


@dataclass(slots=True)
class World:
    """A store, what it takes from, the time, and how many files of load were written."""

    store: Store
    segments: Path
    now_s: float = _BEGIN_S + 3 * HOUR_S
    loads: int = 0

    def load(self, chance: random.Random) -> None:
        """Telemetry of the first days comes in, also when it is late."""
        self.loads += 1
        begin = _BEGIN_S + chance.choice([0, 0, 3 * HOUR_S, _DAY_S])
        traffic = Traffic(
            operations=30,
            seconds=HOUR_S,
            begin_ns=begin * NANOSECONDS,
            seed=self.loads,
            processes=1,
            resend_every=9,
        )
        Load(traffic).write(self.segments)

    def run(self, job: str) -> None:
        """One job, as the command runs it."""
        config = Config()
        with lock.held(self.store, job):
            if job == "ingest":
                ingest.ingest(self.store, [self.segments], config.store)
            elif job == "compact":
                compaction.compact(self.store, _LATER_S)
            elif job == "fold":
                fold(self.store, config, _LATER_S)
            elif job == "rollup":
                rollup.roll(self.store, config, self.now_s)
            else:
                with Journal.opened(self.store) as journal:
                    plan = retention.plan(retention.view(self.store, journal), config, self.now_s)
                retention.apply(self.store, plan)


def history(world: World, seed: int, steps: int) -> list[str]:
    """Let *steps* of random things happen; what they were, and what was wrong after the first that went wrong."""
    chance = random.Random(seed)
    done: list[str] = []
    for _ in range(steps):
        job = chance.choice(["ingest", "ingest", "compact", "rollup", "rollup", "retention", "fold"])
        if job == "ingest":
            world.load(chance)
        world.now_s += chance.choice([0, HOUR_S, _DAY_S, 5 * _DAY_S, 40 * _DAY_S])
        world.run(job)
        done.append(job)
        problems = [str(problem) for problem in verify(world.store).problems]
        if problems:
            return [*done, *problems]
    return done


def test_no_history_leaves_anything_wrong(tmp_path: Path) -> None:
    """Each job conserves what it touches; a backup of the end is the end."""
    world = World(Store(tmp_path / "store"), tmp_path / "segments")
    world.load(random.Random(0))
    world.run("ingest")

    done = history(world, seed=1, steps=12)

    assert 12 == len(done), done[-3:]
    assert {"ingest", "compact", "rollup", "retention", "fold"} == set(done)
    backup(world.store, tmp_path / "store.tar")
    assert restore(tmp_path / "store.tar", tmp_path / "restored").verdict.sound


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 14))
def test_no_longer_history_does_either(tmp_path: Path, seed: int) -> None:
    """The same for many orders of more jobs, over some two years."""
    world = World(Store(tmp_path / "store"), tmp_path / "segments")
    world.load(random.Random(seed))
    world.run("ingest")

    done = history(world, seed, steps=60)

    assert 60 == len(done), done[-3:]


def test_a_store_may_have_any_name(tmp_path: Path) -> None:
    """What is a pattern to DuckDB or an option to SQLite is only a name here."""
    world = World(Store(tmp_path / "a[b]*?#% =c" / "store"), tmp_path / "segments")
    world.load(random.Random(0))
    world.run("ingest")

    verdict = verify(world.store)

    assert () == verdict.problems
    assert verdict.checked["files"] > 0
