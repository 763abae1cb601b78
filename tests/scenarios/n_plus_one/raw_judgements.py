"""sqlite3 by hand: repeats about which people may disagree. The docstring is the judgement, the size makes it clear.

The question is what a senior engineer would want to be told, at default thresholds: "this line repeats a query, and
it is worth a fix".
"""

from __future__ import annotations

import sqlite3

from tests.scenarios.n_plus_one.case import DUPLICATE, Group
from tests.scenarios.n_plus_one.sqlite_shop import N, Shop, shop

GROUP = Group("sqlite3, judged", "judged", shop)


@GROUP.defect()
def validate_every_record(db: Shop) -> None:
    """Each of fifteen records is looked up to see whether its author exists. Independent work, but one IN list."""
    for author in range(1, N + 1):
        assert db.execute("select 1 from author where id = ?", (author,)).fetchone()  # <- here


@GROUP.silent(validate_every_record)
def validate_three_records(db: Shop) -> None:
    """Three look-ups validate a form of three lines: nothing to gain."""
    for author in range(1, 4):
        assert db.execute("select 1 from author where id = ?", (author,)).fetchone()


@GROUP.defect()
def three_hundred_lookups(db: Shop) -> None:
    """Whatever they are for: three hundred look-ups in one operation want to be one."""
    for number in range(300):
        db.execute("select value from big where id = ?", (number + 1,)).fetchone()  # <- here


@GROUP.silent(three_hundred_lookups)
def four_lookups(db: Shop) -> None:
    """Four items in a cart, a look-up each."""
    for number in range(4):
        db.execute("select value from big where id = ?", (number + 1,)).fetchone()


def _current_user(db: Shop) -> object:
    return db.execute("select id, name from author where id = ?", (7,)).fetchone()  # <- here


@GROUP.defect(DUPLICATE, marked=(_current_user,))
def current_user_from_many_places(db: Shop) -> None:
    """Twelve places ask the same helper for the current user: worth to remember it for the request."""
    header, menu, basket, footer = _current_user(db), _current_user(db), _current_user(db), _current_user(db)
    rights = [_current_user(db) for _ in ("read", "write", "share", "admin")]
    assert {header, menu, basket, footer} == set(rights)
    advertised, greeted = _current_user(db), _current_user(db)
    assert advertised == greeted == _current_user(db) == _current_user(db)


@GROUP.silent(current_user_from_many_places)
def current_user_from_three_places(db: Shop) -> None:
    """Three places: three cheap reads by key, below every limit."""
    assert _current_user(db) == _current_user(db) == _current_user(db)


@GROUP.defect()
def cold_cache_filled_one_by_one(db: Shop) -> None:
    """Warming a cache key by key asks fifteen times for what one query gives."""
    cache: dict[int, object] = {}
    for author in range(1, N + 1):
        if author not in cache:
            cache[author] = db.execute("select name from author where id = ?", (author,)).fetchone()  # <- here


@GROUP.silent(cold_cache_filled_one_by_one)
def cache_warmed_at_once(db: Shop) -> None:
    """One query warms the cache; the loop hits it."""
    cache = dict(db.execute("select id, name from author").fetchall())
    assert N == len([cache[author] for author in range(1, N + 1)])


@GROUP.defect()
def tiny_pages(db: Shop) -> None:
    """Fifteen pages of four rows read one small table: the page size is the mistake."""
    for page in range(N):
        db.execute("select title from book order by id limit 4 offset ?", (4 * page,)).fetchall()  # <- here


@GROUP.silent(tiny_pages)
def few_pages(db: Shop) -> None:
    """Four pages of a thousand rows: chunks that keep memory flat."""
    for page in range(4):
        db.execute("select value from big order by id limit 1000 offset ?", (1000 * page,)).fetchall()


@GROUP.silent(tiny_pages)
def one_page_of_a_list(db: Shop) -> None:
    """What a list view does: count, then one page."""
    db.execute("select count(*) from book").fetchone()
    db.execute("select title from book order by id limit 10 offset 20").fetchall()


@GROUP.silent(tiny_pages)
def twelve_pages_of_five_hundred(db: Shop) -> None:
    """An export by key, twelve pages of five hundred rows: deliberate, and a bigger page saves nothing."""
    last = 0
    for _ in range(12):
        rows = db.execute("select id from big where id > ? order by id limit 500", (last,)).fetchall()
        ((last,),) = rows[-1:]
    assert 6000 == last


@GROUP.silent(tiny_pages)
def twelve_lists_of_five_hundred(db: Shop) -> None:
    """Six thousand ids in twelve IN lists of five hundred, since a list has a limit: the repair itself, in chunks."""
    marks = ", ".join("?" * 500)
    for chunk in range(12):
        ids = tuple(range(500 * chunk + 1, 500 * chunk + 501))
        assert 500 == len(db.execute(f"select id, value from big where id in ({marks})", ids).fetchall())


@GROUP.silent(tiny_pages)
def streamed_in_pages(db: Shop) -> None:
    """One query whose cursor is read in sixty fetches: one query."""
    cursor = db.execute("select id, value from big")
    assert 60 == sum(1 for _ in iter(lambda: cursor.fetchmany(100), []))


@GROUP.defect(DUPLICATE)
def busy_polling(db: Shop) -> None:
    """Asking fifteen times in one request whether a job is done, without a wait: the same question to no use."""
    for _ in range(N):
        db.execute("select state from job where id = ?", (3,)).fetchone()  # <- here


@GROUP.silent(busy_polling)
def polling_three_times(db: Shop) -> None:
    """Three looks at a state are a wait."""
    for _ in range(3):
        db.execute("select state from job where id = ?", (3,)).fetchone()


@GROUP.silent(busy_polling, own_operations=True)
def polling_in_operations(db: Shop, tracer) -> None:  # type: ignore[no-untyped-def]
    """A client polls: fifteen requests with one look each."""
    for _ in range(N):
        with tracer.start_as_current_span("GET /job/3"):
            db.execute("select state from job where id = ?", (3,)).fetchone()


@GROUP.silent(busy_polling)
def retry_of_a_failing_write(db: Shop) -> None:
    """Three tries of a statement that fails: a retry loop, no N+1."""
    for _ in range(3):
        try:
            db.execute("insert into setting values ('tax', 'off')")
        except sqlite3.IntegrityError:
            continue


@GROUP.defect()
def import_of_fifteen_rows(db: Shop) -> None:
    """An import that inserts row by row; the batch form of every driver is a line away."""
    for line in "abcdefghijklmno":
        db.execute("insert into author (name, country) values (?, 'de')", (line,))  # <- here


@GROUP.silent(import_of_fifteen_rows)
def import_in_one_batch(db: Shop) -> None:
    """The same rows as one batch."""
    db.executemany("insert into author (name, country) values (?, 'de')", [(line,) for line in "abcdefghijklmno"])


@GROUP.defect()
def pings_between(db: Shop) -> None:
    """A home-grown pool that asks SELECT 1 before each use does not hide the loop, and is not its line."""
    for author in range(1, N + 1):
        db.execute("select 1").fetchone()
        db.execute("select name from author where id = ?", (author,)).fetchone()  # <- here


@GROUP.silent(pings_between)
def pings_only(db: Shop) -> None:
    """SELECT 1 reads no data: fifteen checks of a home-grown pool around three queries ask for no repair."""
    for table in ("author", "book", "review"):
        for _ in range(5):
            db.execute("select 1").fetchone()
        db.execute(f"select count(*) from {table}").fetchone()


@GROUP.defect(loops=2)
def claim_one_job_at_a_time(db: Shop) -> None:
    """A run that takes fifteen jobs singly: two round trips for each, where LIMIT 15 claims them together.

    The claim is no duplicate: each one sees what the update before it changed.
    """
    for _ in range(N):
        (job,) = db.execute("select id from job where state = 'new' order by id limit 1").fetchone()  # <- here
        db.execute("update job set state = 'taken' where id = ?", (job,))  # <- here


@GROUP.silent(claim_one_job_at_a_time)
def claim_fifteen_jobs(db: Shop) -> None:
    """One claim for all."""
    db.execute("update job set state = 'taken' where id in (select id from job where state = 'new' limit 15)")


@GROUP.silent(claim_one_job_at_a_time, own_operations=True)
def one_operation_per_job(db: Shop, tracer) -> None:  # type: ignore[no-untyped-def]
    """A worker whose every job is an operation of its own: each claims once."""
    for _ in range(N):
        with tracer.start_as_current_span("job"):
            (job,) = db.execute("select id from job where state = 'new' order by id limit 1").fetchone()
            db.execute("update job set state = 'taken' where id = ?", (job,))
