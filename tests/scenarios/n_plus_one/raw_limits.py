"""sqlite3 by hand: what a detector's own rules make hard: caps, batches that are no help, loops that share a line."""

from __future__ import annotations

import sqlite3

from opentelemetry.trace import Tracer

from tests.scenarios.n_plus_one.case import DUPLICATE, Group
from tests.scenarios.n_plus_one.repository import Repository
from tests.scenarios.n_plus_one.sqlite_shop import N, Shop, shop

GROUP = Group("sqlite3, limits", "limits", shop)


@GROUP.defect()
def thousands_of_turns(db: Shop) -> None:
    """1200 turns of two statements: more than any memory of single queries holds; one loop all the same."""
    for number in range(1, 1201):
        db.execute("select value from big where id = ?", (number,)).fetchone()  # <- here
        db.execute("select stars from review where id = ?", (number,)).fetchone()  # <- here


@GROUP.silent(thousands_of_turns)
def hundreds_of_statements(db: Shop) -> None:
    """Six hundred different statements, once each: a generated report, many queries and no repeat."""
    for number in range(600):
        db.execute(f"select id as column_{number} from book limit 1").fetchone()


@GROUP.defect()
def loop_after_hundreds_of_statements(db: Shop) -> None:
    """After six hundred different statements comes a loop."""
    for number in range(600):
        db.execute(f"select id as column_{number} from book limit 1").fetchone()
    for author in range(1, N + 1):
        db.execute("select name from author where id = ?", (author,)).fetchone()  # <- here


@GROUP.silent(loop_after_hundreds_of_statements)
def list_after_hundreds_of_statements(db: Shop) -> None:
    """The same, with a list for the loop."""
    for number in range(600):
        db.execute(f"select id as column_{number} from book limit 1").fetchone()
    db.execute("select name from author where id in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)").fetchall()


@GROUP.defect()
def batches_of_two(db: Shop) -> None:
    """executemany() with two rows for each of fifteen parents: a batch in name, a loop of writes in fact."""
    for book in range(1, N + 1):
        db.executemany("insert into review (book_id, stars) values (?, ?)", [(book, 1), (book, 2)])  # <- here


@GROUP.silent(batches_of_two)
def one_batch_for_all_parents(db: Shop) -> None:
    """The rows of all parents in one batch."""
    rows = [(book, stars) for book in range(1, N + 1) for stars in (1, 2)]
    db.executemany("insert into review (book_id, stars) values (?, ?)", rows)


@GROUP.defect()
def lists_of_two(db: Shop) -> None:
    """An IN list of two ids for each of fifteen books: a list in name only."""
    for book in range(1, N + 1):
        db.execute("select stars from review where id in (?, ?)", (book, book + 1)).fetchall()  # <- here


@GROUP.silent(lists_of_two)
def two_lists_of_fifteen(db: Shop) -> None:
    """Two lists."""
    for first in (1, 16):
        marks = ", ".join("?" * N)
        db.execute(f"select stars from review where id in ({marks})", tuple(range(first, first + N))).fetchall()


@GROUP.defect()
def values_of_two(db: Shop) -> None:
    """Two rows in each of fifteen inserts."""
    for book in range(1, N + 1):
        db.execute("insert into review (book_id, stars) values (?, 1), (?, 2)", (book, book))  # <- here


@GROUP.silent(values_of_two)
def values_of_thirty(db: Shop) -> None:
    """Thirty rows in one insert."""
    rows = ", ".join(f"({book}, {stars})" for book in range(1, N + 1) for stars in (1, 2))
    db.execute(f"insert into review (book_id, stars) values {rows}")


@GROUP.defect(loops=2)
def two_loops_of_one_function(db: Shop) -> None:
    """Two loops, one after the other, over different statements: two findings, two lines."""
    for author in range(1, N + 1):
        db.execute("select name from author where id = ?", (author,)).fetchone()  # <- here
    for book in range(1, N + 1):
        db.execute("select title from book where id = ?", (book,)).fetchone()  # <- here


@GROUP.silent(two_loops_of_one_function)
def two_small_loops(db: Shop) -> None:
    """Two loops of four turns, and of different statements."""
    for author in range(1, 5):
        db.execute("select name from author where id = ?", (author,)).fetchone()
    for book in range(1, 5):
        db.execute("select title from book where id = ?", (book,)).fetchone()


@GROUP.defect(loops=2, marked=(Repository._one,))
def two_loops_through_one_line(db: Shop) -> None:
    """Two loops whose statements pass the same line of a repository are still two loops."""
    repository = Repository(db)
    for author in range(1, N + 1):
        repository.author(author)
    for book in range(1, N + 1):
        repository.reviews(book)


@GROUP.silent(two_loops_through_one_line)
def four_and_four_through_one_line(db: Shop) -> None:
    """Two loops of four turns through that line: eight queries from one line, and no statement repeats enough."""
    repository = Repository(db)
    for author in range(1, 5):
        repository.author(author)
    for book in range(1, 5):
        repository.reviews(book)


@GROUP.defect()
def irregular_turns(db: Shop) -> None:
    """The second statement runs in every other turn only, fifteen times of thirty: it belongs to the loop."""
    for book in range(1, 31):
        db.execute("select title from book where id = ?", (book,)).fetchone()  # <- here
        if book % 2:
            db.execute("select count(*) from review where book_id = ?", (book,)).fetchone()  # <- here


@GROUP.silent(irregular_turns)
def irregular_turns_in_memory(db: Shop) -> None:
    """Both are read before the loop."""
    titles = dict(db.execute("select id, title from book").fetchall())
    counts = dict(db.execute("select book_id, count(*) from review group by book_id").fetchall())
    assert 30 == len([(titles[book], counts.get(book)) for book in range(1, 31)])


@GROUP.defect()
def loop_half_in_a_span(db: Shop, tracer: Tracer) -> None:
    """Every third item has a span of its own: the statement lies under six parents, in one loop of one line."""

    def title(book: int) -> None:
        db.execute("select title from book where id = ?", (book,)).fetchone()  # <- here

    for book in range(1, N + 1):
        if book % 3:
            title(book)
            continue
        with tracer.start_as_current_span("special item"):
            title(book)


@GROUP.silent(loop_half_in_a_span)
def three_items_in_spans(db: Shop, tracer: Tracer) -> None:
    """Three items, a span and a query each."""
    for book in range(1, 4):
        with tracer.start_as_current_span("item"):
            db.execute("select title from book where id = ?", (book,)).fetchone()


@GROUP.defect()
def failing_insert_in_loop(db: Shop) -> None:
    """An import that tries each row and passes over those that exist: fifteen inserts, all of which fail."""
    for number in range(1, N + 1):
        try:
            db.execute("insert into author (id) values (?)", (number,))  # <- here
        except sqlite3.IntegrityError:
            continue


@GROUP.silent(failing_insert_in_loop)
def insert_or_ignore(db: Shop) -> None:
    """One batch that ignores what exists."""
    db.executemany("insert or ignore into author (id) values (?)", [(number,) for number in range(1, N + 1)])


@GROUP.defect(DUPLICATE)
def duplicates_without_parameters(db: Shop) -> None:
    """The whole table of settings, read for each of twelve lines."""
    for _ in range(12):
        db.execute("select key, value from setting").fetchall()  # <- here


@GROUP.silent(duplicates_without_parameters)
def reads_of_twelve_tables(db: Shop) -> None:
    """A schema check looks at each table once, by PRAGMA and by count."""
    for table in ("author", "book", "review", "setting", "category", "job"):
        db.execute(f"pragma table_info({table})").fetchall()
        db.execute(f"select count(*) from {table}").fetchone()


@GROUP.defect(DUPLICATE)
def duplicates_with_inline_values(db: Shop) -> None:
    """The same text with the same value in it, twelve times."""
    for _ in range(12):
        db.execute("select value from setting where key = 'tax'").fetchone()  # <- here


@GROUP.silent(duplicates_with_inline_values)
def four_inline_values(db: Shop) -> None:
    """Four keys in the text."""
    for key in ("tax", "theme", "locale", "currency"):
        db.execute(f"select value from setting where key = '{key}'").fetchone()
