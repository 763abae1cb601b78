"""sqlite3 by hand: writes in loops, and their set forms. A repeated write is an N+1 like a repeated read."""

from __future__ import annotations

from tests.scenarios.n_plus_one.case import Group
from tests.scenarios.n_plus_one.sqlite_shop import N, Shop, shop

GROUP = Group("sqlite3", "raw", shop)


@GROUP.defect()
def insert_in_loop(db: Shop) -> None:
    """One insert per row: executemany or one VALUES list takes them together. The finding is on a write."""
    for number in range(N):
        db.execute("insert into audit (what) values (?)", (f"row {number}",))  # <- here


@GROUP.silent(insert_in_loop)
def insert_by_executemany(db: Shop) -> None:
    """One batch of fifteen."""
    db.executemany("insert into audit (what) values (?)", [(f"row {number}",) for number in range(N)])


@GROUP.silent(insert_in_loop)
def insert_by_values_list(db: Shop) -> None:
    """One statement with fifteen rows."""
    rows = ", ".join(["(?)"] * N)
    db.execute(f"insert into audit (what) values {rows}", tuple(f"row {number}" for number in range(N)))


@GROUP.defect()
def update_in_loop(db: Shop) -> None:
    """The same price rise, book by book."""
    for book in range(1, N + 1):
        db.execute("update book set price = price + 1 where id = ?", (book,))  # <- here


@GROUP.silent(update_in_loop)
def update_at_once(db: Shop) -> None:
    """One update with the condition that the loop was."""
    db.execute("update book set price = price + 1 where id <= ?", (N,))


@GROUP.defect()
def upsert_in_loop(db: Shop) -> None:
    """An upsert per setting."""
    statement = "insert into setting values (?, ?) on conflict (key) do update set value = excluded.value"
    for number in range(N):
        db.execute(statement, (f"key{number}", "on"))  # <- here


@GROUP.silent(upsert_in_loop)
def upsert_by_executemany(db: Shop) -> None:
    """The same upserts as one batch."""
    statement = "insert into setting values (?, ?) on conflict (key) do update set value = excluded.value"
    db.executemany(statement, [(f"key{number}", "on") for number in range(N)])


@GROUP.defect()
def delete_in_loop(db: Shop) -> None:
    """One delete per id."""
    for review in range(1, N + 1):
        db.execute("delete from review where id = ?", (review,))  # <- here


@GROUP.silent(delete_in_loop)
def delete_in_list(db: Shop) -> None:
    """One delete with a list."""
    db.execute(f"delete from review where id in ({', '.join('?' * N)})", tuple(range(1, N + 1)))


@GROUP.defect()
def commit_in_every_turn(db: Shop) -> None:
    """A transaction per row hides nothing: it makes the loop worse."""
    for number in range(N):
        db.execute("insert into audit (what) values (?)", (f"row {number}",))  # <- here
        db.commit()


@GROUP.silent(commit_in_every_turn)
def commit_per_step(db: Shop) -> None:
    """Three different steps, each in its own transaction."""
    db.execute("insert into audit (what) values ('started')")
    db.commit()
    db.execute("update job set state = 'done' where id = 1")
    db.commit()
    db.execute("delete from review where stars = 0")
    db.commit()


@GROUP.defect()
def savepoint_in_every_turn(db: Shop) -> None:
    """A named savepoint around each update; the updates are the finding, the savepoints are driver traffic."""
    for book in range(1, N + 1):
        db.execute(f"savepoint s{book}")
        db.execute("update book set notes = ? where id = ?", (f"n{book}", book))  # <- here
        db.execute(f"release s{book}")


@GROUP.silent(savepoint_in_every_turn)
def savepoints_only(db: Shop) -> None:
    """Fifteen nested savepoints around one update: transaction verbs are no queries."""
    for number in range(N):
        db.execute(f"savepoint s{number}")
    db.execute("update book set notes = 'n'")
    for number in reversed(range(N)):
        db.execute(f"release s{number}")


@GROUP.defect(loops=2)
def check_then_insert(db: Shop) -> None:
    """Read, then write, in every turn of an import; an upsert needs neither the read nor the loop."""
    for number in range(N):
        if not db.execute("select 1 from setting where key = ?", (f"k{number}",)).fetchone():  # <- here
            db.execute("insert into setting values (?, 'on')", (f"k{number}",))  # <- here


@GROUP.silent(check_then_insert)
def check_then_insert_together(db: Shop) -> None:
    """One read of what is there, one batch of what is not."""
    keys = [f"k{number}" for number in range(N)]
    found = db.execute(f"select key from setting where key in ({', '.join('?' * N)})", keys).fetchall()
    missing = set(keys) - {key for (key,) in found}
    db.executemany("insert into setting values (?, 'on')", [(key,) for key in sorted(missing)])


@GROUP.silent(insert_in_loop)
def import_of_four_rows(db: Shop) -> None:
    """A form with four lines saves four rows: no loop to speak of."""
    for number in range(4):
        db.execute("insert into audit (what) values (?)", (f"row {number}",))


@GROUP.silent(insert_in_loop)
def different_writes(db: Shop) -> None:
    """An order writes to many tables, once each, with an audit row for three of them."""
    db.execute("insert into author values (100, 'n', 'e', 'de')")
    db.execute("insert into audit (what) values (?)", ("author",))
    db.execute("insert into book values (100, 't', 100, 1, 'n')")
    db.execute("insert into audit (what) values (?)", ("book",))
    db.execute("insert into sale values (100, 1, 1)")
    db.execute("insert into audit (what) values (?)", ("sale",))
    db.execute("update job set state = 'done' where id = 2")
    db.execute("delete from setting where key = 'theme'")


@GROUP.silent(insert_in_loop)
def batches_of_a_thousand(db: Shop) -> None:
    """Five batches of a thousand rows: the chunks keep memory flat, and five round trips are nothing to save."""
    for chunk in range(5):
        rows = [(10_000 + chunk * 1000 + number, number) for number in range(1000)]
        db.executemany("insert into big values (?, ?)", rows)


@GROUP.silent(insert_in_loop)
def twelve_batches_of_a_hundred(db: Shop) -> None:
    """Twelve batches of a hundred: who reads this has bulk writes already; another size would save little."""
    for chunk in range(12):
        rows = [(10_000 + chunk * 100 + number, number) for number in range(100)]
        db.executemany("insert into big values (?, ?)", rows)


@GROUP.silent(insert_in_loop)
def twelve_values_lists(db: Shop) -> None:
    """Twelve statements of a hundred rows each: batches again, in the text instead of the call."""
    marks = ", ".join(["(?, ?)"] * 100)
    for chunk in range(12):
        values = [number for row in range(100) for number in (10_000 + chunk * 100 + row, row)]
        db.execute(f"insert into big values {marks}", values)
