"""sqlite3 by hand: how the repeats lie in the operation: spans, threads, functions, comprehensions, recursion."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache

from opentelemetry.trace import Tracer

from tests.scenarios.n_plus_one.case import DUPLICATE, Group
from tests.scenarios.n_plus_one.sqlite_shop import N, Shop, shop

GROUP = Group("sqlite3", "raw", shop)
TABLES = ("author", "book", "review", "setting", "category", "job", "audit", "sale", "big", "sqlite_master")


@GROUP.defect()
def child_span_in_every_turn(db: Shop, tracer: Tracer) -> None:
    """Each item has a span of its own with one query in it: still one query per item."""
    for author in range(1, N + 1):
        with tracer.start_as_current_span("render item"):
            db.execute("select name from author where id = ?", (author,)).fetchone()  # <- here


@GROUP.silent(child_span_in_every_turn)
def child_spans_without_queries(db: Shop, tracer: Tracer) -> None:
    """The rows are read before the spans; the spans only render."""
    for row in db.execute("select name from author limit 15").fetchall():
        with tracer.start_as_current_span("render item"):
            assert row


@GROUP.defect()
def child_span_with_two_queries(db: Shop, tracer: Tracer) -> None:
    """Two statements per item, each pair in a span of its own."""
    for book in range(1, N + 1):
        with tracer.start_as_current_span("render item"):
            db.execute("select title from book where id = ?", (book,)).fetchone()  # <- here
            db.execute("select count(*) from review where book_id = ?", (book,)).fetchone()  # <- here


@GROUP.silent(child_span_with_two_queries)
def child_spans_of_different_work(db: Shop, tracer: Tracer) -> None:
    """Ten spans, each of which reads another table."""
    for table in TABLES:
        with tracer.start_as_current_span(f"read {table}"):
            db.execute(f"select count(*) from {table}").fetchone()


@GROUP.defect()
def threads_of_one_request(db: Shop) -> None:
    """Fifteen threads of one request run the same query at once: concurrent repeats are repeats."""

    def one(author: int) -> None:
        connection = db.another()
        connection.execute("select name from author where id = ?", (author,)).fetchone()  # <- here
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(copy_context().run, one, author) for author in range(1, N + 1)]
    assert [None] * N == [one.result() for one in waiting]


@GROUP.silent(threads_of_one_request)
def threads_with_different_queries(db: Shop) -> None:
    """A page gathers ten different figures in parallel."""

    def one(table: str) -> None:
        connection = db.another()
        connection.execute(f"select count(*) from {table}").fetchone()
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(copy_context().run, one, table) for table in TABLES]
    assert [None] * len(TABLES) == [one.result() for one in waiting]


@GROUP.silent(threads_of_one_request, own_operations=True)
def threads_of_many_requests(db: Shop, tracer: Tracer) -> None:
    """The same query in fifteen requests, one thread each: that is traffic."""

    def one(author: int) -> None:
        connection = db.another()
        with tracer.start_as_current_span("GET /author"):
            connection.execute("select name from author where id = ?", (author,)).fetchone()
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert [None] * N == list(pool.map(one, range(1, N + 1)))


@GROUP.defect(own_operations=True)
def loop_in_one_of_many_operations(db: Shop, tracer: Tracer) -> None:
    """Of three requests one has a loop; it has the finding."""
    for size in (1, N, 2):
        with tracer.start_as_current_span("GET /authors"):
            for author in range(1, size + 1):
                db.execute("select name from author where id = ?", (author,)).fetchone()  # <- here


@GROUP.silent(loop_in_one_of_many_operations, own_operations=True)
def same_text_in_many_operations(db: Shop, tracer: Tracer) -> None:
    """Fifteen requests ask the same once each; none of them has a loop."""
    for author in range(1, N + 1):
        with tracer.start_as_current_span("GET /author"):
            db.execute("select name from author where id = ?", (author,)).fetchone()


@GROUP.silent(child_span_with_two_queries)
def fifteen_different_statements(db: Shop) -> None:
    """Fifteen queries of one table that ask for different things: many, but no repeat."""
    columns = ("id", "title", "author_id", "price", "notes")
    for column in columns:
        for function in ("count", "max", "min"):
            db.execute(f"select {function}({column}) from book").fetchone()


@GROUP.silent(child_span_with_two_queries)
def fifteen_tables(db: Shop) -> None:
    """The same question to fifteen tables: no single statement could answer it the way an IN list does."""
    for number in range(N):
        db.execute(f"create table part_{number} (id integer primary key)")
    for number in range(N):
        db.execute(f"select count(*) from part_{number}").fetchone()


@GROUP.defect()
def list_comprehension(db: Shop) -> None:
    """A loop is a loop, also in one line."""
    names = [db.execute("select name from author where id = ?", (i,)).fetchone() for i in range(1, 16)]  # <- here
    assert N == len(names)


@GROUP.silent(list_comprehension)
def comprehension_over_rows(db: Shop) -> None:
    """The comprehension reads rows, not the database."""
    assert 30 == len([name for (name,) in db.execute("select name from author")])


@GROUP.defect()
def sort_key_asks(db: Shop) -> None:
    """A sort whose key is a query."""

    def price(book: int) -> object:
        return db.execute("select price from book where id = ?", (book,)).fetchone()  # <- here

    assert N == len(sorted(range(1, N + 1), key=price))


@GROUP.silent(sort_key_asks)
def sorted_by_database(db: Shop) -> None:
    """ORDER BY sorts."""
    db.execute("select id from book where id <= 15 order by price").fetchall()


@GROUP.defect()
def generator_asks(db: Shop) -> None:
    """The query stands in a generator that somebody else consumes; its line is the one to repair."""

    def enriched() -> Iterator[object]:
        for book in range(1, N + 1):
            yield db.execute("select notes from book where id = ?", (book,)).fetchone()  # <- here

    assert N == len(list(enriched()))


@GROUP.silent(generator_asks)
def generator_reads_one_cursor(db: Shop) -> None:
    """The generator hands out the rows of one query, a page of rows at a time."""

    def pages() -> Iterator[list[object]]:
        cursor = db.execute("select notes from book")
        while page := cursor.fetchmany(4):
            yield page

    assert 15 == len(list(pages()))


@GROUP.defect()
def walk_up_a_tree(db: Shop) -> None:
    """Fifteen steps from leaf to root, a query each; a recursive common table expression walks in the database."""
    node = N
    while node:
        (node,) = db.execute("select parent_id from category where id = ?", (node,)).fetchone()  # <- here


@GROUP.silent(walk_up_a_tree)
def walk_by_recursive_query(db: Shop) -> None:
    """One recursive query."""
    db.execute(
        "with recursive up (id) as (select 15 union all select parent_id from category join up using (id)"
        " where parent_id is not null) select id from up"
    ).fetchall()


def _descend(db: Shop, node: int) -> int:
    children = db.execute("select id from category where parent_id = ?", (node,)).fetchall()  # <- here
    return 1 + sum(_descend(db, child) for (child,) in children)


@GROUP.defect(marked=(_descend,))
def recursive_tree_walk(db: Shop) -> None:
    """A function that calls itself for each child asks once per node."""
    assert N == _descend(db, 1)


@GROUP.silent(recursive_tree_walk)
def tree_from_one_query(db: Shop) -> None:
    """All nodes in one query; the recursion runs in memory."""
    children: dict[int, list[int]] = {}
    for node, parent in db.execute("select id, parent_id from category"):
        children.setdefault(parent, []).append(node)

    def size(node: int) -> int:
        return 1 + sum(map(size, children.get(node, [])))

    assert N == size(1)


@GROUP.defect(DUPLICATE)
def duplicates_from_two_places(db: Shop) -> None:
    """Header and body each read the same row six times: twelve reads of one row, either line is right."""
    for _ in range(6):
        db.execute("select value from setting where key = ?", ("locale",)).fetchone()  # <- here
    for _ in range(6):
        db.execute("select value from setting where key = ?", ("locale",)).fetchone()  # <- here


@GROUP.silent(duplicates_from_two_places)
def twice_from_two_places(db: Shop) -> None:
    """The same row from two places, twice each: a shrug."""
    for _ in range(2):
        db.execute("select value from setting where key = ?", ("locale",)).fetchone()
    for _ in range(2):
        db.execute("select value from setting where key = ?", ("locale",)).fetchone()


@GROUP.silent(duplicates_from_two_places)
def remembered_by_cache(db: Shop) -> None:
    """functools.cache asks once for all twelve."""

    @cache
    def setting(key: str) -> object:
        return db.execute("select value from setting where key = ?", (key,)).fetchone()

    assert 1 == len({setting("locale") for _ in range(12)})
