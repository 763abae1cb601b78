"""Whose line is named when layers lie between the loop and the query (pitfall of call sites in middleware)."""

from __future__ import annotations

from tests.scenarios.n_plus_one.case import DUPLICATE, Group
from tests.scenarios.n_plus_one.repository import Repository, middleware, timed
from tests.scenarios.n_plus_one.sqlite_shop import N, Shop, shop

GROUP = Group("layers", "layers", shop)
IGNORED = ("n_plus_one/repository.py",)


@GROUP.defect(marked=(Repository._one,))
def repository_by_default(db: Shop) -> None:
    """Nothing is configured: the innermost line of the application is the repository's."""
    repository = Repository(db)
    for author in range(1, N + 1):
        repository.author(author)


@GROUP.defect(ignore=IGNORED)
def repository_ignored(db: Shop) -> None:
    """With the repository among `call_site.ignore` the line is the loop's."""
    repository = Repository(db)
    for author in range(1, N + 1):
        repository.author(author)  # <- here


@GROUP.silent(repository_by_default, repository_ignored, ignore=IGNORED)
def repository_asked_once(db: Shop) -> None:
    """The repository takes all ids at once."""
    assert N == len(Repository(db).authors(list(range(1, N + 1))))


@timed
def _decorated(db: Shop, author: int) -> object:
    return db.execute("select name from author where id = ?", (author,)).fetchone()  # <- here


@GROUP.defect(marked=(_decorated.__wrapped__,))  # type: ignore[attr-defined]
def decorated_query(db: Shop) -> None:
    """A decorator between loop and query is never the line; the query's own is."""
    for author in range(1, N + 1):
        _decorated(db, author)


@GROUP.silent(decorated_query)
def decorated_once(db: Shop) -> None:
    """The decorated function is called once."""
    assert _decorated(db, 1)


def _view(db: Shop) -> None:
    for author in range(1, N + 1):
        db.execute("select name from author where id = ?", (author,)).fetchone()  # <- here


@GROUP.defect(marked=(_view,))
def view_below_middleware(db: Shop) -> None:
    """The middleware is in the stack of every query; the view's line is the one."""
    middleware(timed(_view), db)


@GROUP.defect(marked=(_view,), ignore=IGNORED)
def view_below_ignored_middleware(db: Shop) -> None:
    """Ignored or not, the outer frames do not matter."""
    middleware(timed(middleware), _view, db)


def _quiet_view(db: Shop) -> None:
    db.execute("select id, name from author").fetchall()
    db.execute("select id, title from book").fetchall()


@GROUP.silent(view_below_middleware, view_below_ignored_middleware)
def quiet_view_below_middleware(db: Shop) -> None:
    """A view without loop below the same middleware."""
    middleware(timed(_quiet_view), db)


@GROUP.defect(ignore=IGNORED)
def two_methods_in_one_loop(db: Shop) -> None:
    """Two repository methods in each turn: two statements, one loop."""
    repository = Repository(db)
    for number in range(1, N + 1):
        repository.author(number)  # <- here
        repository.reviews(number)  # <- here


@GROUP.silent(two_methods_in_one_loop, ignore=IGNORED)
def many_methods_once(db: Shop) -> None:
    """Three methods, called once each, all through the repository's one line."""
    repository = Repository(db)
    repository.author(1)
    repository.reviews(1)
    repository.setting("tax")


@GROUP.defect(DUPLICATE, ignore=IGNORED)
def setting_through_repository(db: Shop) -> None:
    """A setting read through the repository for each of twelve lines."""
    repository = Repository(db)
    for _ in range(12):
        repository.setting("tax")  # <- here


@GROUP.silent(setting_through_repository, ignore=IGNORED)
def settings_through_repository(db: Shop) -> None:
    """Four different settings, read where they are needed: below the limit."""
    repository = Repository(db)
    for key in ("tax", "theme", "locale", "currency"):
        assert repository.setting(key)


@GROUP.silent(repository_by_default)
def one_line_for_all_statements(db: Shop) -> None:
    """Fifteen different statements through one line of the repository: the line repeats, no statement does."""
    repository = Repository(db)
    for column in ("id", "title", "author_id", "price", "notes"):
        for function in ("count", "max", "min"):
            repository._one(f"select {function}({column}) from book", ())
