"""What the journal knows in detail of days that are long over, added up: or it would outgrow what it speaks of.

The batches of a day become one. Detail that was merged into other files leaves the journal; its sums stay, once with
the batch that brought it and once with the file that it went into, so that both still add up. Of segments that are
deleted nothing is kept, of what was set aside only the count once its file is gone.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from otel_verein.config.schema import Config
from otel_verein.store.journal import Journal
from otel_verein.store.layout import NANOSECONDS, Level, Store
from otel_verein.store.records import Totals

_DAY_S: Final = 86_400
_Key = tuple[int, str]

_MAY_GO: Final = "ended_s < ? AND id NOT IN (SELECT input_id FROM coverage)"


@dataclass(frozen=True, slots=True)
class Folded:
    """How many rows of the journal became fewer."""

    batches: int
    files: int
    segments: int
    asides: int


def fold(store: Store, config: Config, now: float) -> Folded:
    """Fold all that ended on days before the one of *now*, in epoch seconds; whoever calls it holds the lock.

    Segments are remembered as long as detail is kept, so that a copy of one is not taken again.
    """
    today = now // _DAY_S * _DAY_S
    forgotten_ns = int((now - config.retention.detail_d * _DAY_S) * NANOSECONDS)

    def gone(name: str) -> bool:
        return not (store.aside / name).exists()

    def act(database: sqlite3.Connection) -> Folded:
        batches, files = _batches(database, today), _files(database, today)
        return Folded(batches, files, _segments(database, forgotten_ns), _asides(database, gone, regroup=batches > 0))

    with Journal.opened(store, create=True) as journal:
        return journal.changed(act)


def _batches(database: sqlite3.Connection, before_s: float) -> int:
    """Make the batches of a day one, under the number of the first; files and what was set aside go with it."""
    days: dict[float, list[tuple[int, dict[str, float]]]] = defaultdict(list)
    rows = database.execute("SELECT id, at_s, tallies FROM batches WHERE at_s < ? ORDER BY id", [before_s]).fetchall()
    for number, at_s, tallies in rows:
        days[at_s // _DAY_S].append((number, json.loads(tallies)))
    whole = [batches for batches in days.values() if len(batches) > 1]
    renamed = [(number, batches[0][0]) for batches in whole for number, _ in batches[1:]]
    if not renamed:
        return 0
    for batches in whole:
        sums = json.dumps(_added(tallies for _, tallies in batches))
        database.execute("UPDATE batches SET tallies = ? WHERE id = ?", [sums, batches[0][0]])
    database.execute("CREATE TEMP TABLE renamed (old INTEGER PRIMARY KEY, new INTEGER NOT NULL)")
    database.executemany("INSERT INTO renamed VALUES (?, ?)", renamed)
    for table in ("files", "asides"):
        database.execute(
            f"UPDATE {table} SET batch = (SELECT new FROM renamed WHERE old = batch) "
            "WHERE batch IN (SELECT old FROM renamed)"
        )
    database.execute("DELETE FROM batches WHERE id IN (SELECT old FROM renamed)")
    database.execute("DROP TABLE renamed")
    new = dict(renamed)
    brought = _read(database, "batch")
    _write(database, "batch", _regrouped(((new.get(number, number), kind), sums) for (number, kind), sums in brought))
    return len(renamed)


def _files(database: sqlite3.Connection, before_s: float) -> int:
    """Take out detail that was merged, once nothing is left that was merged into it."""
    merged = (
        f"SELECT id, kind, totals, batch, replaced_by FROM files WHERE state = 'replaced' AND level = {Level.DETAIL:d}"
    )
    kept = {row[4] for row in database.execute(f"{merged} AND NOT ({_MAY_GO})", [before_s])}
    brought, held = _read(database, "batch"), dict(_read(database, "file"))
    done: list[tuple[int]] = []
    for number, kind, text, batch, successor in database.execute(
        f"{merged} AND {_MAY_GO} ORDER BY id", [before_s]
    ).fetchall():
        if number in kept:
            kept.add(successor)
            continue
        totals = json.loads(text)
        if batch is not None:
            brought.append(((batch, kind), totals))
        held.pop((number, kind), None)
        held[successor, kind] = _added([held.get((successor, kind), {}), totals])
        done.append((number,))
    if done:
        database.executemany("DELETE FROM files WHERE id = ?", done)
        _write(database, "batch", _regrouped(brought))
        _write(database, "file", held)
    return len(done)


def _segments(database: sqlite3.Connection, before_ns: int) -> int:
    """Forget segments that are deleted; the last one keeps its number from being given again."""
    found = database.execute(
        "DELETE FROM segments WHERE state = 'deleted' AND mtime_ns < ? AND id < (SELECT max(id) FROM segments)",
        [before_ns],
    )
    return found.rowcount


def _asides(database: sqlite3.Connection, gone: Callable[[str], bool], *, regroup: bool) -> int:
    """Add up what was set aside by batch, signal and reason where its file is gone."""
    names = [name for (name,) in database.execute("SELECT DISTINCT path FROM asides WHERE path IS NOT NULL")]
    lost = [(name,) for name in names if gone(name)]
    if not lost and not regroup:
        return 0
    database.executemany("UPDATE asides SET path = NULL WHERE path = ?", lost)
    grouped = database.execute(
        "SELECT batch, signal, reason, sum(items), NULL FROM asides WHERE path IS NULL GROUP BY batch, signal, reason"
    ).fetchall()
    before = database.execute("DELETE FROM asides WHERE path IS NULL").rowcount
    database.executemany("INSERT INTO asides VALUES (?, ?, ?, ?, ?)", grouped)
    return before - len(grouped)


def _read(database: sqlite3.Connection, owner: str) -> list[tuple[_Key, dict[str, float]]]:
    rows: Iterable[Any] = database.execute("SELECT number, kind, totals FROM folded WHERE owner = ?", [owner])
    return [((number, kind), json.loads(totals)) for number, kind, totals in rows]


def _write(database: sqlite3.Connection, owner: str, sums: dict[_Key, dict[str, float]]) -> None:
    database.execute("DELETE FROM folded WHERE owner = ?", [owner])
    rows = [(owner, number, kind, json.dumps(totals)) for (number, kind), totals in sums.items()]
    database.executemany("INSERT INTO folded VALUES (?, ?, ?, ?)", rows)


def _regrouped(parts: Iterable[tuple[_Key, Totals]]) -> dict[_Key, dict[str, float]]:
    groups: dict[_Key, list[Totals]] = defaultdict(list)
    for key, totals in parts:
        groups[key].append(totals)
    return {key: _added(each) for key, each in groups.items()}


def _added(parts: Iterable[Totals]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for each in parts:
        for name, value in each.items():
            sums[name] = sums.get(name, 0) + value
    return sums
