"""A world in a state that can be brought back, the run of jobs on it, and what has to hold of its store afterwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.e2e.store_jobs import Jobs, Order, Outcome
from tests.e2e.store_truth import Figures, Holding
from tests.e2e.store_world import World

HOUR_S = 3600
DAY_S = 24 * HOUR_S
BEGIN_S = 1_760_918_400
"""2025-10-20 00:00 UTC: a round trip through the end of a month is not far."""

SHORT_AGES = {
    "VEREIN_RETENTION_AGGREGATE_AFTER_H": "1",
    "VEREIN_TIERS_SHORT_D": "1",
    "VEREIN_TIERS_MEDIUM_D": "2",
    "VEREIN_TIERS_LONG_D": "3",
    "VEREIN_RETENTION_DETAIL_D": "2",
    "VEREIN_RETENTION_HOURLY_D": "4",
    "VEREIN_RETENTION_DAILY_D": "8",
    "VEREIN_RETENTION_MONTHLY_D": "60",
}
"""Everything that may go goes within days, so that a test of some dozens of rounds sees it go."""


@dataclass
class Scene:
    """A world, the time in it, and who runs jobs on its store; *sent* remembers what the world wrote until *now_s*."""

    world: World
    jobs: Jobs
    now_s: float
    sent: Figures | None = None

    def order(self, job: str, **what: Any) -> Order:
        """A job on the store of this world, now."""
        order = Order(job, str(self.world.root), [str(each) for each in self.world.sources], self.now_s, SHORT_AGES)
        return replace(order, **what)

    def run(self, job: str, **what: Any) -> Outcome:
        """Run it to its end, whatever that is."""
        return self.jobs.run(self.order(job, **what))

    @property
    def truth(self) -> Figures:
        """What was written; read once, as long as nothing else is."""
        if self.sent is None:
            self.sent = self.world.written()
        return self.sent

    def assert_nothing_counts_twice_or_is_missing(self) -> None:
        """What readers see now: every file that counts is there, and the sums are those of what was written."""
        store = Holding(self.world.root)
        missing, found = store.missing(), store.figures()
        assert [] == missing, missing
        assert self.truth == found, f"{self.truth.without(found)} is missing, {found.without(self.truth)} too much"

    def assert_whole(self) -> None:
        """The same after a job came to its end, and nothing unfinished lies about; the store's own books agree."""
        self.assert_nothing_counts_twice_or_is_missing()
        orphans, problems = Holding(self.world.root).orphans(), self.run("verify").sound()
        assert [] == orphans, orphans
        assert [] == problems, problems

    def put_right(self) -> None:
        """Every job once, to its end, as a round of the service does; then all must be as if nothing had happened."""
        self.run("round").sound()
        self.assert_whole()


class Saved:
    """The directory of a world as it is now, to be brought back at the same place."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
        self._folders = {path for path in directory.rglob("*") if path.is_dir()}

    def bring_back(self) -> None:
        """What happened since has not happened; a file that is still there stays the same file."""
        for path in list(self._directory.rglob("*")):
            if path.is_file() and path not in self._files:
                path.unlink()
        for folder in sorted(self._directory.rglob("*"), reverse=True):
            if folder.is_dir() and folder not in self._folders:
                folder.rmdir()
        for folder in sorted(self._folders):
            folder.mkdir(parents=True, exist_ok=True)
        for path, content in self._files.items():
            if not path.exists() or path.read_bytes() != content:
                path.write_bytes(content)


def taken(starter: Jobs, place: Path) -> Scene:
    """An hour of segments at *place*, taken by a store and not rolled up."""
    scene = Scene(World(place), starter, BEGIN_S + 4 * DAY_S)
    record(scene)
    scene.run("ingest").sound()
    return scene


def record(scene: Scene) -> None:
    """Some more of the same hour."""
    scene.world.record(BEGIN_S, HOUR_S, operations=10)
    scene.sent = None


def stored(root: Path) -> dict[str, bytes]:
    """All that is stored, and the segments; without what changes whenever a job is tried."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.name.startswith(("lock", "journal.sqlite", "reserve"))
    }
