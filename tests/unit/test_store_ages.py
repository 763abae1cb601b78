"""Files of a version that knew fewer columns stay part of the store: read, merged, rolled up, verified and restored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from otel_verein import semconv
from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.store import parquet
from otel_verein.store.ages import later
from otel_verein.store.backup import backup
from otel_verein.store.compaction import compact
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Level, Store, new_place
from otel_verein.store.reading import Reading, answered
from otel_verein.store.records import Change, NewFile, Taken
from otel_verein.store.restore import restore
from otel_verein.store.tables import Table, table_of
from otel_verein.store.taking import finding_rows
from otel_verein.store.totals import totals_of
from otel_verein.store.verify import verify
from tests.unit.store_rolling import HOUR, LATER, Row, event, rolled

OLD: Row = {"orm": None, "orm_version": None, "via": None}
NEW: Row = {"orm": "django", "orm_version": "5.2", "via": "django.db.models.query:QuerySet.get of Book"}


def old(table: Table) -> Table:
    """The table as it was before it got its later columns."""
    kept = [column for column in table.schema if column.name not in later(table.kind, 0)]
    return replace(table, schema=pa.schema(kept))


def entered(store: Store, table: Table, rows: list[Row]) -> None:
    """Detail of one hour, in a file of the columns of *table*."""
    columns = {name: [row.get(name) for row in rows] for name in table.schema.names}
    written = parquet.write(store, pa.table(columns, schema=table.schema), table)
    place = new_place("findings", Level.DETAIL, HOUR, "")
    parquet.publish(store, written, place)
    totals = totals_of("findings", Level.DETAIL, store.path(place))
    first = HOUR * 10**9
    file = NewFile(
        "findings", 0, HOUR, "", place, written.rows, written.bytes, written.sha256, totals, first, first + 9, "ingest"
    )
    with Journal.opened(store, create=True) as journal:
        journal.commit(Change("ingest", [file], taken=Taken({"findings": len(rows)})))


@pytest.fixture(params=["old", "old and new", "new and old"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store with findings of an older version, and of this one."""
    store = Store(tmp_path / "store")
    store.root.mkdir()
    with Journal.opened(store, create=True):
        pass
    table = table_of("findings", 0)
    parts = {"old": (old(table), [event(1), event(2)]), "new": (table, [event(3, repeats=20, **NEW)])}
    for age in str(request.param).split(" and "):
        entered(store, *parts[age])
    return store


def ages(store: Store) -> set[str]:
    """Whether it has files of the older version, of this one, or both."""
    with Journal.opened(store) as journal:
        files = [store.path(file.path) for file in journal.files()]
    return {"new" if "orm" in pq.read_schema(path).names else "old" for path in files}


def found(store: Store) -> list[dict[str, Any]]:
    """What a reading says of the findings."""

    def asked(reading: Reading) -> list[dict[str, Any]]:
        answer = reading.database.execute(
            "SELECT sum(events)::BIGINT AS events, max(orm) AS orm, max(orm_version) AS orm_version, max(via) AS via "
            "FROM findings"
        )
        names = [column[0] for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    return answered(store, asked, ("findings",))


def expected(store: Store) -> list[dict[str, Any]]:
    """What is known of the ORM, and how many events there are, by the ages of the files."""
    return [{"events": 3, **NEW}] if "new" in ages(store) else [{"events": 2, **OLD}]


def test_reading(store: Store) -> None:
    """What an older file does not say is unknown, and what a newer one says stays known."""
    assert "old" in ages(store)

    assert found(store) == expected(store)


def test_compaction(store: Store) -> None:
    """Files of both ages become one of this one."""
    before = expected(store)
    entered(store, old(table_of("findings", 0)), [event(4)])

    result = compact(store, float(LATER), StoreConfig())

    assert result.problems == ()
    assert ages(store) == {"new"}
    assert found(store) == [{**before[0], "events": before[0]["events"] + 1}]


def test_rollup(store: Store) -> None:
    """Hours, days and months are made of files of both ages, and lose none of their events."""
    before = expected(store)

    result = rolled(store)

    assert result.problems == ()
    assert found(store) == before
    with Journal.opened(store) as journal:
        assert {file.level for file in journal.files(kind="findings")} >= {1, 2, 3}


def test_verify_and_restore(store: Store, tmp_path: Path) -> None:
    """A store with older files is sound, and so is the one that its backup brings back."""
    before = expected(store)
    backup(store, tmp_path / "store.tar")
    restore(tmp_path / "store.tar", tmp_path / "again")
    again = Store(tmp_path / "again")

    assert [verify(each).problems for each in (store, again)] == [(), ()]
    assert found(again) == before


def test_what_an_event_says_of_the_orm_is_taken() -> None:
    """By the names of the conventions; what it does not say is unknown, not empty."""
    said = {semconv.FINDING_KIND: "n_plus_one", semconv.FINDING_FINGERPRINT: "f1", semconv.FINDING_REPEATS: 9}
    with_orm = said | {
        semconv.FINDING_ORM: NEW["orm"],
        semconv.FINDING_ORM_VERSION: NEW["orm_version"],
        semconv.FINDING_VIA: NEW["via"],
    }

    rows = [finding_rows._row(attributes) for attributes in (said, with_orm)]

    assert [{name: row[name] for name in OLD} for row in rows if row] == [OLD, NEW]
