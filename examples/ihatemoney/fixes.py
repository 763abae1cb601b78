"""The fixes that the report's advice leads to, applied to ihatemoney from outside.

One finding stays: the history reads ``previous``, ``payer`` and ``owers`` of each version of a bill. These are
properties of SQLAlchemy-Continuum, not relationships of SQLAlchemy: each runs a query that looks for the version that
was in force at a transaction, and no loader option reaches it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from flask import g
from ihatemoney import history
from ihatemoney.models import Bill, BillVersion, Person, Project, db
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from sqlalchemy_continuum import transaction_class


def exports() -> None:
    """The export asks for the payer of each bill, twice; all of them are members of the project."""
    one_by_one = Person.query_class.get

    def get(self: Any, key: int, project: Any = None) -> Any:
        members = g.get("_members")
        return one_by_one(self, key, project) if members is None else members.get(key)

    pretty = Project.get_pretty_bills

    def get_pretty_bills(self: Any, export_format: str = "json") -> Any:
        g._members = {each.id: each for each in self.members}
        try:
            return pretty(self, export_format)
        finally:
            g._members = None

    Person.query_class.get = get
    Project.get_pretty_bills = get_pretty_bills


def histories() -> None:
    """The history reads the transaction of each version; joined, it comes with it."""
    queries = history.get_history_queries

    def get_history_queries(project: Any) -> tuple[Any, ...]:
        found = queries(project)
        return tuple(each.options(joinedload(each.column_descriptions[0]["type"].transaction)) for each in found)

    history.get_history_queries = get_history_queries


class FirstVersion:
    """Stands for ``bill.versions``, of which the feed reads when the first was written; asks for all bills at once."""

    def __get__(self, bill: Any, owner: type | None = None) -> list[Any]:
        known = g.setdefault("_written", {})
        if bill.id not in known:
            known.update(_first_written([each.id for each in db.session if isinstance(each, Bill)]))
        return [SimpleNamespace(transaction=SimpleNamespace(issued_at=known[bill.id]))]


def feeds() -> None:
    """The feed reads the first version of each bill and its transaction; one query knows when all were written."""
    type.__setattr__(Bill, "versions", FirstVersion())  # past SQLAlchemy, which would map it


def _first_written(keys: list[int]) -> dict[int, Any]:
    transaction = transaction_class(Bill)
    first = (
        select(BillVersion.id, func.min(BillVersion.transaction_id).label("number"))
        .where(BillVersion.id.in_(keys))
        .group_by(BillVersion.id)
        .subquery()
    )
    rows = select(first.c.id, transaction.issued_at).join(first, transaction.id == first.c.number)
    return dict(tuple(row) for row in db.session.execute(rows))


FIXES: dict[str, Callable[[], None]] = {"exports": exports, "histories": histories, "feeds": feeds}
