"""Whatever comes, and in whichever order jobs run: all that ever came counts once, until a month is past its days.

Only the decisions are tried here, on files that hold nothing but the numbers of what came; no file is written.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import example, given, settings
from hypothesis import strategies as st

from otel_verein.config.schema import Config, Retention, Tiers
from otel_verein.store.choose import DETAIL_OF, roots
from otel_verein.store.compaction import groups
from otel_verein.store.layout import TIERS, Level, period_end
from otel_verein.store.records import Contents, StoredFile
from otel_verein.store.retaining.standing import Standing, unit_of
from otel_verein.store.retention import View, plan
from otel_verein.store.rolling.plan import due
from tests.unit.store_files import DAY_S, HOUR, stored

CONFIG = Config(
    retention=Retention(aggregate_after_h=24, detail_d=2, hourly_d=5, daily_d=40, monthly_d=80, disk_mb=0),
    tiers=Tiers(long_d=9, medium_d=4, short_d=2),
)
KINDS = ("spans", "points", "findings")
SLOTS = (0, 1, 20, 31 * 24)
"""The hours that something comes of, counted from the first: few, so that much comes late."""

JOBS = st.one_of(
    st.tuples(st.just("come"), st.sampled_from(KINDS), st.sampled_from(("long", "short")), st.sampled_from(SLOTS)),
    st.tuples(st.just("wait"), st.sampled_from((1, 30, 24 * 5, 24 * 45))),
    st.tuples(st.sampled_from(("roll", "retain", "compact", "squeeze", "one step"))),
)


@dataclass
class Books:
    """A store of which only the journal is there; ``holds`` says what came in each file, by kind of detail."""

    now: float = HOUR + DAY_S
    live: dict[int, StoredFile] = field(default_factory=dict)
    coverage: dict[int, frozenset[int]] = field(default_factory=dict)
    replaced: dict[int, int] = field(default_factory=dict)
    holds: dict[int, Counter[tuple[str, int]]] = field(default_factory=dict)
    ended: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    numbers: int = 0

    @property
    def contents(self) -> Contents:
        """What the journal would say."""
        return Contents(tuple(self.live[number] for number in sorted(self.live)), self.coverage, self.replaced)

    def add(self, file: StoredFile, holds: Counter[tuple[str, int]]) -> int:
        """Enter a file under the next number."""
        self.numbers += 1
        self.live[self.numbers] = replace(file, id=self.numbers)
        self.holds[self.numbers] = holds
        return self.numbers

    def come(self, kind: str, tier: str, slot: int) -> None:
        """A batch brings one file of an hour, be it over or not."""
        period = HOUR + slot * 3600
        file = stored(0, kind, 0, period, tier=tier if kind == "spans" else "", bytes=1_000_000)
        self.add(file, Counter([(kind, self.numbers + 1)]))

    def roll(self, steps: int = 99) -> None:
        """Make rollups until none is due."""
        while steps and (todo := due(self.contents, CONFIG, self.now).steps):
            step, steps = todo[0], steps - 1
            holds = sum((self.holds[each.id] for each in step.inputs), Counter())
            new = self.add(stored(0, step.kind, step.level, step.period), holds)
            self.coverage[new] = frozenset(each.id for each in step.inputs)
            for old in step.replaces:
                self.replaced[old.id] = new
                del self.live[old.id]

    def compact(self) -> None:
        """Merge what is due."""
        for group in groups(self.contents, self.now):
            new = self.add(group.files[0], sum((self.holds[each.id] for each in group.files), Counter()))
            inputs: frozenset[int] = frozenset()
            for old in group.files:
                del self.live[old.id]
                inputs |= self.coverage.pop(old.id, frozenset())
                for rollup, covered in self.coverage.items():
                    if old.id in covered:
                        self.coverage[rollup] = covered - {old.id} | {new}
            if inputs:
                self.coverage[new] = inputs

    def retain(self, disk_mb: int = 0) -> None:
        """Delete what the plan says."""
        config = replace(CONFIG, retention=replace(CONFIG.retention, disk_mb=disk_mb))
        for action in plan(View(self.contents), config, self.now).actions:
            file = self.live.pop(action.file.id)
            if file.level == Level.MONTH:
                assert self.now > period_end(file.period, file.level) + config.retention.monthly_d * DAY_S
                self.ended.update({(file.kind, *each): count for each, count in self.holds[file.id].items()})

    def do(self, job: tuple[object, ...]) -> None:
        """One of :data:`JOBS`."""
        name, *arguments = job
        if name == "come":
            self.come(*arguments)  # type: ignore[arg-type]
        elif name == "wait":
            self.now += arguments[0] * 3600  # type: ignore[operator]
        elif name == "squeeze":
            self.retain(disk_mb=3)
        elif name == "one step":
            self.roll(1)
        else:
            getattr(self, str(name))()

    def counted(self, kind: str) -> Counter[tuple[str, int]]:
        """What a question after rollups of *kind* is answered from."""
        chosen = roots(self.contents.files, self._of_live(), self.replaced, kind)
        found = sum((self.holds[file.id] for file in chosen), Counter())
        return found + Counter({key[1:]: count for key, count in self.ended.items() if key[0] == kind})

    def _of_live(self) -> dict[int, frozenset[int]]:
        return {rollup: inputs for rollup, inputs in self.coverage.items() if rollup in self.live}


LATE_IN_AN_OLD_MONTH = [
    *[("come", "spans", "long", 0)] * 4,
    *[("wait", 1)] * 10,
    *[("wait", 1080)] * 3,
    *[("come", "spans", "long", 0)] * 2,
    ("roll",),
    *[("come", "points", "long", 1)] * 2,
    *[("one step",)] * 2,
    ("retain",),
]
"""A month is past its days when a day of it has just been made anew."""


@given(st.lists(JOBS, min_size=25, max_size=60))
@example(LATE_IN_AN_OLD_MONTH)
@settings(deadline=None, max_examples=200)
def test_all_that_came_counts_once(jobs: list[tuple[object, ...]]):
    """After every job, for every kind of rollup, whatever was rolled up, merged or deleted before."""
    books = Books()
    came: Counter[tuple[str, int]] = Counter()

    for job in jobs:
        books.do(job)
        if job[0] == "come":
            came[str(job[1]), books.numbers] += 1
        for kind, made_of in DETAIL_OF.items():
            assert books.counted(kind) == Counter({key: n for key, n in came.items() if key[0] in made_of})
        assert due(books.contents, CONFIG, books.now).stuck == ()


@given(st.lists(JOBS, min_size=5, max_size=40))
@settings(deadline=None, max_examples=50)
def test_in_the_end_nothing_is_left(jobs: list[tuple[object, ...]]):
    """No file is kept for ever, since whatever holds it up is rolled up or goes itself."""
    books = Books()
    for job in jobs:
        books.do(job)
    books.now += 300 * DAY_S

    for _ in range(4):
        books.roll()
        books.retain()

    assert books.live == {}


@given(st.lists(JOBS, max_size=30), st.integers(1, 5))
@settings(deadline=None, max_examples=50)
def test_the_budget_is_kept_or_it_is_said_what_stands_in_the_way(jobs: list[tuple[object, ...]], disk_mb: int):
    """Over it, all that is left are months and files that the plan names as held."""
    books = Books()
    for job in jobs:
        books.do(job)
    config = replace(CONFIG, retention=replace(CONFIG.retention, disk_mb=disk_mb))

    made = plan(View(books.contents), config, books.now)

    gone = {action.file.id for action in made.actions}
    left = [file for file in books.contents.files if file.id not in gone]
    held = {each.file.id for each in made.held}
    assert made.over_bytes == max(0, sum(file.bytes for file in left) - disk_mb * 1_000_000)
    assert not made.over_bytes or all(file.level == Level.MONTH or file.id in held for file in left)


@given(st.lists(JOBS, max_size=30))
@settings(deadline=None, max_examples=50)
def test_a_plan_can_be_stopped_after_any_unit(jobs: list[tuple[object, ...]]):
    """What is left of it may still go, and what it holds is held at every step."""
    books = Books()
    for job in jobs:
        books.do(job)
    made = plan(View(books.contents), CONFIG, books.now)
    before = {kind: books.counted(kind) for kind in DETAIL_OF}

    for unit in dict.fromkeys(unit_of(action.file) for action in made.actions):
        files = [action.file for action in made.actions if unit_of(action.file) == unit]
        assert Standing(books.contents).obstacle(files) is None
        for file in files:
            del books.live[file.id]
            if file.level == Level.MONTH:
                books.ended.update({(file.kind, *each): count for each, count in books.holds[file.id].items()})
        assert {kind: books.counted(kind) for kind in DETAIL_OF} == before


def test_the_jobs_do_something():
    """The twin of the above: a fixed story in which things are merged, rolled up and deleted."""
    books = Books()
    for at in range(6):
        books.come(KINDS[at % 3], TIERS[at % 4], 0)
        books.come(KINDS[at % 3], TIERS[at % 4], 0)
    books.now += 3 * DAY_S
    books.compact()
    books.roll()
    before = len(books.live)

    books.now += 8 * DAY_S
    books.retain()

    assert (before, {file.level for file in books.live.values()}) == (10, {2})
