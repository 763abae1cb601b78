"""What every use of DuckDB has in common: files named in SQL, answers as a stream, a database that spills to disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb


def literal(path: Path | str) -> str:
    """The path so that DuckDB does not take its characters for a pattern."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in str(path))


def quoted(text: str) -> str:
    """*text* as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def rows_of(files: Iterable[Path | str], *more: str) -> str:
    """The rows of Parquet *files*, for a FROM clause; *more* are arguments of ``read_parquet``."""
    names = ", ".join(quoted(literal(file)) for file in files)
    return f"read_parquet({', '.join([f'[{names}]', *more])})"


def rows_of_any_age(files: Iterable[Path | str], later: Mapping[str, str]) -> str:
    """As :func:`rows_of`, also of files without the columns *later*, of these types; they read NULL there."""
    if not later:
        return rows_of(files)
    missing = ", ".join(f"NULL::{kind} AS {name}" for name, kind in later.items())
    known = rows_of(files, "union_by_name = true")
    return f"(SELECT * FROM {known} UNION ALL BY NAME SELECT {missing} WHERE false)"


def streamed(relation: Any, rows: int) -> Any:
    """A reader of the answer, about *rows* at a time, as they are made."""
    # DuckDB before 1.4 has it under the older name only.
    return (getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader)(rows)


@contextmanager
def in_memory(
    spilling: tempfile.TemporaryDirectory[str], **settings: str | bool | int | float | list[str]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory with these *settings*; what does not fit goes to *spilling*, which goes with it."""
    import duckdb

    with spilling as spill, duckdb.connect(":memory:", config={"temp_directory": spill, **settings}) as database:
        database.execute("SET enable_progress_bar = false")
        yield database
