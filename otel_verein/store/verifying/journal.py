"""Whether the journal adds up in itself: nothing lost and nothing twice, from batch to month.

Every check is a function of one instant of the journal. What has expired is still in it, with its totals.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set

from otel_verein.store.balance import conserved
from otel_verein.store.choose import DETAIL_OF
from otel_verein.store.layout import DETAIL_KINDS, Level, is_place, period_end
from otel_verein.store.records import EXPIRED, LIVE, REPLACED, Batch, StoredFile, Totals
from otel_verein.store.retaining.standing import ROLLED_INTO
from otel_verein.store.taking import aside
from otel_verein.store.totals import same
from otel_verein.store.verifying.records import Discrepancy, Ledger

_MEASURED = ("operations", "queries", "values", "observations", "seconds")
_BY_BATCH = {
    "spans": ("spans", ("spans", "duplicates")),
    "findings": ("findings", ("events", "duplicates")),
    "others": ("others", ("points",)),
    **{name: ("points", (name,)) for name in _MEASURED},
}
"""By tally of a batch: the kind of the files that it went into, and their totals that add up to it."""

_RESTORE = "restore a backup, or rebuild the store from the segments if they are still there"


def journal_problems(ledger: Ledger, batches: Sequence[Batch]) -> Iterator[Discrepancy]:
    """Everything that does not add up."""
    yield from _places(ledger)
    yield from _states(ledger)
    yield from _batches(ledger, batches)
    yield from _replacements(ledger)
    yield from _folded(ledger)
    yield from _coverage(ledger)
    yield from _rollups(ledger)
    yield from _expired(ledger)
    yield from _whole(ledger, batches)


def _places(ledger: Ledger) -> Iterator[Discrepancy]:
    """Every path is one of the layout; that no two files have the same, the database itself sees to."""
    for file in ledger.files.values():
        if not is_place(file.path):
            yield Discrepancy("path", repr(file.path), "a place of the layout", "another place", _RESTORE)


def _states(ledger: Ledger) -> Iterator[Discrepancy]:
    """A file is live, expired, or replaced by a file of its own kind, level and period."""
    for file in ledger.files.values():
        if file.state not in (LIVE, REPLACED, EXPIRED):
            yield Discrepancy("state", file.path, "live, replaced or expired", repr(file.state), _RESTORE)
        elif (file.state == REPLACED) != (file.replaced_by is not None):
            found = "no successor" if file.replaced_by is None else f"{file.state}, and a successor"
            yield Discrepancy("state", file.path, "a successor if replaced, and only then", found, _RESTORE)
        elif file.replaced_by is not None and not _same(file, ledger.files.get(file.replaced_by)):
            yield Discrepancy(
                "successor", file.path, "a file of its kind and period", ledger.names([file.replaced_by]), _RESTORE
            )


def _same(file: StoredFile, successor: StoredFile | None) -> bool:
    if successor is None or successor.id == file.id:
        return False
    return (file.kind, file.level, file.period) == (successor.kind, successor.level, successor.period)


def _batches(ledger: Ledger, batches: Sequence[Batch]) -> Iterator[Discrepancy]:
    """What a batch took out of its segments is in the files that it made."""
    made: dict[int, list[StoredFile]] = defaultdict(list)
    for file in ledger.files.values():
        if file.batch is not None:
            made[file.batch].append(file)
    for batch in batches:
        files = made.pop(batch.id, [])
        for tally, (kind, keys) in _BY_BATCH.items():
            sums = [file.totals for file in files if file.kind == kind]
            there = _sum([*sums, ledger.brought.get((batch.id, kind), {})], keys)
            yield from _compared("batch", f"batch {batch.id}, {tally}", keys, batch.tallies.get(tally, 0), there)
    for number, files in made.items():
        names = ledger.names([file.id for file in files])
        yield Discrepancy("batch", f"batch {number}", "a row in the journal", f"none, but {names}", _RESTORE)


def _replacements(ledger: Ledger) -> Iterator[Discrepancy]:
    """What was replaced is in its successor: by its totals if compacted, by its inputs if rolled up again."""
    replaced: dict[int, list[StoredFile]] = defaultdict(list)
    for file in ledger.files.values():
        if file.replaced_by is not None and file.replaced_by in ledger.files:
            replaced[file.replaced_by].append(file)
    for number in sorted(replaced.keys() | {number for number, _ in ledger.merged}):
        new = ledger.files.get(number)
        if new is None:
            yield Discrepancy("compaction", f"file {number}", "a row in the journal", "none", _RESTORE)
        elif new.level == Level.DETAIL:
            before = [*(old.totals for old in replaced[number]), ledger.merged.get((number, new.kind), {})]
            for keys in conserved(new.kind, from_detail=True):
                where = f"{new.path}, {'+'.join(keys)}"
                yield from _compared("compaction", where, keys, _sum(before, keys), _total([new], keys))
        else:
            yield from _inherited(ledger, new, replaced[number])


def _folded(ledger: Ledger) -> Iterator[Discrepancy]:
    """What left the journal with its batches is what it was merged into."""
    for kind in DETAIL_KINDS:
        for keys in conserved(kind, from_detail=True):
            brought = _sum((totals for (_, of), totals in ledger.brought.items() if of == kind), keys)
            merged = _sum((totals for (_, of), totals in ledger.merged.items() if of == kind), keys)
            yield from _compared("folded", f"{kind}, {'+'.join(keys)}", keys, brought, merged)


def _inherited(ledger: Ledger, new: StoredFile, olds: Iterable[StoredFile]) -> Iterator[Discrepancy]:
    stands = ledger.resolved(new.id)  # what was compacted handed its coverage on
    has = {ledger.resolved(each) for each in ledger.coverage.get(new.id if stands is None else stands, ())}
    wanted = {ledger.resolved(each) for old in olds for each in ledger.coverage.get(old.id, ())}
    missing = sorted(each for each in wanted - has if each is not None)
    if missing:
        yield Discrepancy(
            "rolled up again", new.path, "all that its predecessors hold", f"none of {ledger.names(missing)}", _RESTORE
        )


def _coverage(ledger: Ledger) -> Iterator[Discrepancy]:
    """A rollup is made from files one level below and inside its period, and no two of a kind share one."""
    taken: dict[tuple[str, int], int] = {}
    for number, inputs in ledger.coverage.items():
        rollup = ledger.files.get(number)
        if rollup is None:
            yield Discrepancy("coverage", f"file {number}", "a row in the journal", "none", _RESTORE)
            continue
        strange = sorted(each for each in inputs if not _fits(rollup, ledger.files.get(each)))
        if strange:
            expected = "inputs one level below, of its period"
            yield Discrepancy("coverage", rollup.path, expected, ledger.names(strange), _RESTORE)
        if rollup.state != LIVE:
            continue
        for each in sorted(inputs):
            other = taken.setdefault((rollup.kind, each), number)
            if other != number:
                yield Discrepancy(
                    "counted twice", ledger.names([each]), "one live rollup", ledger.names([other, number]), _RESTORE
                )
    for file in ledger.files.values():
        if file.level > Level.DETAIL and file.state != REPLACED and not ledger.coverage.get(file.id):
            yield Discrepancy("coverage", file.path, "the files that it was made from", "none", _RESTORE)


def _fits(rollup: StoredFile, file: StoredFile | None) -> bool:
    if file is None or file.level != rollup.level - 1:
        return False
    kinds = DETAIL_OF.get(rollup.kind, ()) if rollup.level == Level.HOUR else (rollup.kind,)
    return file.kind in kinds and rollup.period <= file.period < period_end(rollup.period, rollup.level)


def _rollups(ledger: Ledger) -> Iterator[Discrepancy]:
    """A rollup adds up to the files that it was made from, also when those have expired."""
    for number, inputs in ledger.coverage.items():
        rollup = ledger.files.get(number)
        if rollup is None or rollup.state == REPLACED or not inputs <= ledger.files.keys():
            continue  # what was replaced may stand before inputs that were compacted with others since
        files = [ledger.files[each] for each in inputs]
        for keys in conserved(rollup.kind, from_detail=rollup.level == Level.HOUR):
            where = f"{rollup.path}, {'+'.join(keys)}"
            yield from _compared("rollup", where, keys, _total(files, keys), _total([rollup], keys))


def _expired(ledger: Ledger) -> Iterator[Discrepancy]:
    """What has been deleted lives on in coarser files, up to the months, which end by age."""
    above: dict[int, list[StoredFile]] = defaultdict(list)
    for number, inputs in ledger.coverage.items():
        for each in inputs if number in ledger.files else ():
            above[each].append(ledger.files[number])
    accounted: set[int] = set()
    for file in sorted(ledger.expired, key=lambda each: -each.level):
        holding = {rollup.kind for rollup in above[file.id] if _stands(ledger, accounted, rollup)}
        missing = [kind for kind in _into(file) if kind not in holding]
        if missing:
            yield Discrepancy("expired", file.path, f"a rollup of {' and of '.join(missing)}", "none", _RESTORE)
        else:
            accounted.add(file.id)


def _into(file: StoredFile) -> tuple[str, ...]:
    """The kinds of rollup that have to hold a file before it may go."""
    if file.level == Level.MONTH:
        return ()
    return ROLLED_INTO.get(file.kind, ()) if file.level == Level.DETAIL else (file.kind,)


def _stands(ledger: Ledger, accounted: Set[int], rollup: StoredFile) -> bool:
    """Whether what *rollup* holds is still there, in itself or above it."""
    standing = ledger.resolved(rollup.id)
    return standing is not None and (ledger.files[standing].state == LIVE or standing in accounted)


def _whole(ledger: Ledger, batches: Sequence[Batch]) -> Iterator[Discrepancy]:
    """What a report reads, and the months that ended by age, add up to all that was ever taken."""
    roots = ledger.roots()
    standing = [*roots, *(file for file in ledger.expired if file.level == Level.MONTH)]
    for tally, (kind, keys) in _BY_BATCH.items():
        if kind in ("points", "findings"):
            kinds = ("points", "series") if kind == "points" else ("findings",)
            taken = math.fsum(batch.tallies.get(tally, 0) for batch in batches)
            there = _total((file for file in standing if file.kind in kinds), keys)
            yield from _compared("whole", f"all {tally}", keys, taken, there)


def _total(files: Iterable[StoredFile], keys: tuple[str, ...]) -> float:
    return _sum((file.totals for file in files), keys)


def _sum(parts: Iterable[Totals], keys: tuple[str, ...]) -> float:
    return math.fsum(totals.get(key, 0) for totals in parts for key in keys)


def _compared(check: str, where: str, keys: tuple[str, ...], expected: float, found: float) -> Iterator[Discrepancy]:
    if not same(keys[0], expected, found):
        yield Discrepancy(check, where, shown(expected), shown(found), _RESTORE)


def shown(number: float) -> str:
    """A total as it is told: a count without a point."""
    return str(int(number)) if float(number).is_integer() else repr(number)


def aside_problems(
    batches: Sequence[Batch], asides: Sequence[tuple[int, str, str, int, str | None]]
) -> Iterator[Discrepancy]:
    """A batch has as many items of each signal set aside as it says."""
    items: dict[tuple[int, str], int] = defaultdict(int)
    for number, signal, _, count, _ in asides:
        items[number, signal] += count
    for batch in batches:
        for signal in (aside.SPANS, aside.METRICS, aside.LINES):
            said, there = batch.tallies.get(f"{signal}_aside", 0), items[batch.id, signal]
            if said != there:
                yield Discrepancy("aside", f"batch {batch.id}, {signal}", shown(said), shown(there), _RESTORE)
