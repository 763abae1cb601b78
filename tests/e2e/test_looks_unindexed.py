"""Queries of a real database, recorded by `otel-verein run`: which of them the report says to look unindexed."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otel_verein.analysis.findings import LOOKS_UNINDEXED, SLOW_QUERY, Finding
from otel_verein.api.findings import findings
from otel_verein.api.places import source_of
from otel_verein.config import Config
from otel_verein.config.schema import Health, Thresholds
from tests.conftest import absent
from tests.e2e.launch import BIN, environment
from tests.services import MariaDB, Postgres

try:
    import psycopg
    import pymysql
except ImportError as missing:  # pragma: no cover - only where the drivers are not installed
    absent(f"a driver cannot be imported: {missing}")

ROWS = 200_000
"""No more than MariaDB has room for in its pool: else each pass waits for the disk, on some machines for seconds."""
CALLS = 12
SLOW_S = 0.004
"""Between a look-up by the index, a tenth of it, and a pass over all rows, twice as long and more."""

SCRIPT = f"""
import sys
from contextlib import closing
{{imports}}

with closing({{connect}}) as connection:
    cursor = connection.cursor()
    for number in range({CALLS}):
        for statement in (
            "select id, name from many where plain = %s",
            "select id, name from many where indexed = %s",
            "select count(*) from many where plain <> %s",
        ):
            cursor.execute(statement, (7 * number + 1,))
            cursor.fetchall()
        cursor.execute("update many set name = 'x' where plain = %s", (7 * number + 1,))
        connection.commit()
"""


@pytest.fixture(scope="module")
def in_postgresql(postgres: Postgres) -> str:
    """The script, with a table in PostgreSQL of which one column has an index and one has none."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("drop table if exists many")
        connection.execute(
            "create table many as select id, id as plain, id as indexed, 'name of ' || id as name"
            f" from generate_series(1, {ROWS}) id"
        )
        connection.execute("create index on many (indexed)")
        connection.execute("analyze many")
    return SCRIPT.format(imports="import psycopg", connect=f"psycopg.connect({postgres.url!r})")


@pytest.fixture(scope="module")
def in_mariadb(mariadb: MariaDB) -> str:
    """The same in MariaDB."""
    address: Any = mariadb.address
    with closing(pymysql.connect(autocommit=True, **address)) as connection:
        cursor = connection.cursor()
        cursor.execute("drop table if exists many")
        cursor.execute("create table many (id int, plain int, indexed int, name varchar(30), index (indexed))")
        cursor.execute(f"insert into many select seq, seq, seq, concat('name of ', seq) from seq_1_to_{ROWS}")
        cursor.execute("analyze table many")
    return SCRIPT.format(imports="import pymysql", connect=f"pymysql.connect(**{address!r})")


def recorded(script: str, directory: Path) -> tuple[Finding, ...]:
    """What is found in the telemetry of *script*, run as a user runs it."""
    (directory / "script.py").write_text(script)
    ended = subprocess.run(
        [BIN / "otel-verein", "run", "--", sys.executable, "script.py"],
        cwd=directory,
        env=environment(
            {
                "VEREIN_EXPORT_DIRECTORY": str(directory / "otlp"),
                "VEREIN_SAMPLING_RATIO": "1.0",
                "VEREIN_THRESHOLDS_SLOW_QUERY_S": str(SLOW_S),
                "VEREIN_COMPRESSION_REPEATS": "1000",
            }
        ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    config = Config(thresholds=Thresholds(slow_query_s=SLOW_S), health=Health(minimum_operations=CALLS))
    return findings(source_of(config, directory / "otlp"), config).findings


@pytest.mark.parametrize("database", ["in_postgresql", "in_mariadb"])
def test_the_look_up_without_an_index_is_found(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """It alone: its twin with an index is quick, and of the others, slow as they are, one counts and one writes."""
    found = recorded(request.getfixturevalue(database), tmp_path)

    unindexed = [finding for finding in found if finding.kind == LOOKS_UNINDEXED]
    assert [finding.statement for finding in unindexed] == ["select id, name from many where plain = ?"]
    assert "for 1 rows of one table" in unindexed[0].why
    slow = {finding.statement for finding in found if finding.kind == SLOW_QUERY}
    assert {"select count(*) from many where plain <> ?", "update many set name = ? where plain = ?"} <= slow
