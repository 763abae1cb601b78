"""Layers that stand between a loop and its query, as applications have them: a repository, decorators, a middleware."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable
from typing import Any


class Repository:
    """The only place of its application that writes SQL."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def author(self, author: int) -> Any:
        """One author."""
        return self._one("select id, name from author where id = ?", (author,))

    def authors(self, ids: list[int]) -> list[Any]:
        """Many authors in one query."""
        marks = ", ".join("?" * len(ids))
        return self._all(f"select id, name from author where id in ({marks})", tuple(ids))

    def setting(self, key: str) -> Any:
        """One setting."""
        return self._one("select value from setting where key = ?", (key,))

    def reviews(self, book: int) -> Any:
        """How many reviews a book has."""
        return self._one("select count(*) from review where book_id = ?", (book,))

    def _one(self, statement: str, parameters: tuple[Any, ...]) -> Any:
        return self._connection.execute(statement, parameters).fetchone()  # <- here

    def _all(self, statement: str, parameters: tuple[Any, ...]) -> list[Any]:
        return self._connection.execute(statement, parameters).fetchall()


def timed(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that calls on, as those of metrics, retries and permissions do."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


def middleware(view: Callable[..., Any], *args: Any) -> Any:
    """A frame that is in every stack of the application."""
    return view(*args)
