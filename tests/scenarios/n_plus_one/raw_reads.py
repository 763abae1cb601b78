"""sqlite3 by hand: reads in loops, and the same reads repaired."""

from __future__ import annotations

from collections import defaultdict

from tests.scenarios.n_plus_one.case import DUPLICATE, Group
from tests.scenarios.n_plus_one.sqlite_shop import N, Shop, shop

GROUP = Group("sqlite3", "raw", shop)


@GROUP.defect()
def select_in_loop(db: Shop) -> None:
    """One query per id where one IN list would do."""
    for author in range(1, N + 1):
        db.execute("select name from author where id = ?", (author,)).fetchone()  # <- here


@GROUP.silent(select_in_loop)
def select_in_list(db: Shop) -> None:
    """The ids go into one IN list."""
    marks = ", ".join("?" * N)
    db.execute(f"select id, name from author where id in ({marks})", tuple(range(1, N + 1))).fetchall()


@GROUP.defect()
def inline_literals_in_loop(db: Shop) -> None:
    """The values stand in the text, so every text is another; it is one statement all the same."""
    for author in range(1, N + 1):
        db.execute(f"select email from author where id = {author} and country = 'de'").fetchone()  # <- here


@GROUP.silent(inline_literals_in_loop)
def inline_literals_in_one_list(db: Shop) -> None:
    """One text with all values in it."""
    listed = ", ".join(str(author) for author in range(1, N + 1))
    db.execute(f"select email from author where id in ({listed}) and country = 'de'").fetchall()


@GROUP.defect()
def in_lists_of_varying_length(db: Shop) -> None:
    """For each author the books of his list: the lists differ in length, the statement does not."""
    for length in range(1, N + 1):
        marks = ", ".join("?" * length)
        db.execute(f"select title from book where id in ({marks})", tuple(range(length))).fetchall()  # <- here


@GROUP.silent(in_lists_of_varying_length)
def one_list_of_all(db: Shop) -> None:
    """The lists are gathered first, and read at once."""
    wanted = sorted({book for length in range(1, N + 1) for book in range(length)})
    marks = ", ".join("?" * len(wanted))
    db.execute(f"select id, title from book where id in ({marks})", tuple(wanted)).fetchall()


@GROUP.defect()
def comments_that_differ(db: Shop) -> None:
    """A request id in a comment makes every text unique, not the statement."""
    for author in range(1, N + 1):
        db.execute(f"select name from author where id = ? /* turn {author} */", (author,)).fetchone()  # <- here


@GROUP.silent(comments_that_differ)
def comment_on_one_statement(db: Shop) -> None:
    """One commented query for all."""
    db.execute("select id, name from author /* all of them */").fetchall()


@GROUP.defect()
def query_inside_a_streamed_cursor(db: Shop) -> None:
    """The outer rows are still being read while each asks for its author."""
    for _, author in db.execute("select id, author_id from book where id <= 15"):
        db.execute("select name from author where id = ?", (author,)).fetchone()  # <- here


@GROUP.silent(query_inside_a_streamed_cursor)
def streamed_join(db: Shop) -> None:
    """The join brings the author along with each row."""
    statement = "select b.id, a.name from book b join author a on a.id = b.author_id"
    assert len(list(db.execute(statement))) == 60


@GROUP.defect()
def count_per_author(db: Shop) -> None:
    """Counting per author is what GROUP BY is for."""
    for (author,) in db.execute("select id from author where id <= 15").fetchall():
        db.execute("select count(*) from book where author_id = ?", (author,)).fetchone()  # <- here


@GROUP.silent(count_per_author)
def count_grouped(db: Shop) -> None:
    """All counts in one query."""
    db.execute("select author_id, count(*) from book group by author_id").fetchall()


@GROUP.defect()
def two_queries_per_turn(db: Shop) -> None:
    """2N+1: author and review count of each book, in turns (A, B, A, B); one loop, so either line is right."""
    for book, author in db.execute("select id, author_id from book where id <= 15").fetchall():
        db.execute("select name from author where id = ?", (author,)).fetchone()  # <- here
        db.execute("select count(*) from review where book_id = ?", (book,)).fetchone()  # <- here


@GROUP.silent(two_queries_per_turn)
def three_queries_in_all(db: Shop) -> None:
    """Books, authors, reviews: one query each."""
    db.execute("select id, author_id from book where id <= 15").fetchall()
    db.execute("select id, name from author").fetchall()
    db.execute("select book_id, count(*) from review group by book_id").fetchall()


@GROUP.defect()
def four_queries_per_turn(db: Shop) -> None:
    """M statements per turn: four single look-ups for each of 15 books."""
    for book in range(1, N + 1):
        db.execute("select title from book where id = ?", (book,)).fetchone()  # <- here
        db.execute("select avg(stars) from review where book_id = ?", (book,)).fetchone()  # <- here
        db.execute("select user_id from review where book_id = ? limit 1", (book,)).fetchone()  # <- here
        db.execute("select amount from sale where id = ?", (book,)).fetchone()  # <- here


@GROUP.silent(four_queries_per_turn)
def four_queries_for_four_things(db: Shop) -> None:
    """One page asks for four different things, once each."""
    db.execute("select title from book where id = ?", (1,)).fetchone()
    db.execute("select avg(stars) from review where book_id = ?", (1,)).fetchone()
    db.execute("select user_id from review where book_id = ? limit 1", (1,)).fetchone()
    db.execute("select amount from sale where id = ?", (1,)).fetchone()


@GROUP.defect()
def nested_loops(db: Shop) -> None:
    """Four by five turns of small loops: twenty times the inner statement."""
    for author in range(1, 5):
        for price in range(10, 60, 10):
            db.execute("select title from book where author_id = ? and price > ?", (author, price))  # <- here


@GROUP.silent(nested_loops)
def nested_loops_in_memory(db: Shop) -> None:
    """The rows are read once; the nested loops only look at them."""
    books = db.execute("select author_id, price, title from book").fetchall()
    by_author = defaultdict(list)
    for author, price, title in books:
        by_author[author].append((price, title))
    assert [[title for price, title in by_author[author] if price > 10] for author in range(1, 5)]


@GROUP.defect(DUPLICATE)
def setting_read_in_loop(db: Shop) -> None:
    """The same row of settings, read again for each of 12 lines of an invoice."""
    for _ in range(12):
        db.execute("select value from setting where key = ?", ("tax",)).fetchone()  # <- here


@GROUP.silent(setting_read_in_loop)
def setting_read_once(db: Shop) -> None:
    """Read before the loop."""
    (tax,) = db.execute("select value from setting where key = ?", ("tax",)).fetchone()
    assert ["on"] * 12 == [tax for _ in range(12)]


@GROUP.defect()
def users_of_reviews(db: Shop) -> None:
    """Fifteen reviews by three users: parameters recur, but not all are equal, so it is an N+1."""
    for (user,) in db.execute("select user_id from review where id <= 15").fetchall():
        db.execute("select name from author where id = ?", (user,)).fetchone()  # <- here


@GROUP.silent(users_of_reviews)
def users_of_reviews_remembered(db: Shop) -> None:
    """A dictionary asks once per user; there are three."""
    names: dict[int, str] = {}
    for (user,) in db.execute("select user_id from review where id <= 15").fetchall():
        if user not in names:
            (names[user],) = db.execute("select name from author where id = ?", (user,)).fetchone()


@GROUP.defect()
def months_of_a_report(db: Shop) -> None:
    """Twelve months, twelve sums; GROUP BY gives them in one."""
    for month in range(1, 13):
        db.execute("select sum(amount) from sale where month = ?", (month,)).fetchone()  # <- here


@GROUP.silent(months_of_a_report)
def months_grouped(db: Shop) -> None:
    """One query for the year."""
    db.execute("select month, sum(amount) from sale group by month").fetchall()


@GROUP.silent(select_in_loop)
def loop_just_below_the_limit(db: Shop) -> None:
    """Four turns: below the repeats from which the default says anything."""
    for author in range(1, 5):
        db.execute("select name from author where id = ?", (author,)).fetchone()


@GROUP.defect()
def six_slow_repeats(db: Shop) -> None:
    """Six repeats of 20 ms are 120 ms: few, but worth it."""
    for author in range(1, 7):
        db.execute("select slow(name) from author where id = ?", (author,)).fetchone()  # <- here


@GROUP.silent(six_slow_repeats)
def six_fast_repeats(db: Shop) -> None:
    """Six repeats that take no measurable time: below the limit that is certain, and no time to gain."""
    for author in range(1, 7):
        db.execute("select name from author where id = ?", (author,)).fetchone()
