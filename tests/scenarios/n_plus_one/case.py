"""What a case is: code that runs in one operation, and the finding that it deserves.

The docstring of a case's function says why it is labelled so. The line that a finding must name ends in ``<- here``;
where a loop runs several statements, each of their lines is marked, and any of them is right.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

MARK = "<- here"
N_PLUS_ONE, DUPLICATE, NONE = "n_plus_one", "duplicate", "none"

MODULES = (
    "django_relations",
    "django_lookups",
    "django_writes",
    "django_habits",
    "django_rendering",
    "sqlalchemy_relations",
    "sqlalchemy_statements",
    "sqlalchemy_async",
    "peewee_cases",
    "pony_cases",
    "raw_reads",
    "raw_writes",
    "raw_shapes",
    "raw_judgements",
    "raw_frames",
    "raw_limits",
    "postgres_cases",
    "mariadb_cases",
)


@dataclass(frozen=True)
class Services:
    """Where the servers are: a connection string of PostgreSQL, ``connect`` arguments of MariaDB; None if absent."""

    postgres: str | None = None
    mariadb: dict[str, Any] | None = None


@dataclass(frozen=True)
class Case:
    """One labelled piece of code.

    ``marked`` are the functions or template files that hold the marks, ``twins_of`` the defects that this one is the
    repaired or harmless form of, ``ignore`` the ``call_site.ignore`` it runs with. ``loops`` is how many findings it
    deserves: one for each loop, and reads apart from writes. ``own_operations`` says that it opens its root spans
    itself.
    """

    id: str
    group: str
    label: str
    why: str
    run: Callable[..., object]
    place: Callable[[Services], AbstractContextManager[Any]]
    needs: str | None = None
    marked: tuple[Any, ...] = ()
    twins_of: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    loops: int = 1
    own_operations: bool = False

    @property
    def sites(self) -> frozenset[tuple[str, int]]:
        """The file and line of every mark."""
        return frozenset(site for holder in self.marked or (self.run,) for site in _marks(holder))


def _marks(holder: Any) -> Iterator[tuple[str, int]]:
    if isinstance(holder, Path):
        file, lines, first = str(holder), holder.read_text(encoding="utf-8").splitlines(), 1
    else:
        lines, first = inspect.getsourcelines(holder)
        file = inspect.getsourcefile(holder) or ""
    yield from ((file, first + index) for index, line in enumerate(lines) if MARK in line)


@dataclass
class Group:
    """The cases of one library, which all run in the same kind of place (a seeded database)."""

    name: str
    prefix: str
    place: Callable[[Services], AbstractContextManager[Any]]
    needs: str | None = None
    cases: list[Case] = field(default_factory=list)

    def defect(
        self, kind: str = N_PLUS_ONE, **options: Any
    ) -> Callable[[Callable[..., object]], Callable[..., object]]:
        """A decorator for code that deserves a finding of *kind*."""
        return lambda run: self._add(run, kind, options)

    def silent(
        self, *twins_of: Callable[..., object], **options: Any
    ) -> Callable[[Callable[..., object]], Callable[..., object]]:
        """A decorator for code that deserves none; *twins_of* are the defects it resembles."""
        named = tuple(self._id(defect) for defect in twins_of)
        return lambda run: self._add(run, NONE, {**options, "twins_of": named})

    def _id(self, run: Callable[..., object]) -> str:
        return f"{self.prefix}-{run.__name__.replace('_', '-')}"

    def _add(self, run: Callable[..., object], label: str, options: dict[str, Any]) -> Callable[..., object]:
        why = " ".join((run.__doc__ or "").split())
        self.cases.append(Case(self._id(run), self.name, label, why, run, self.place, self.needs, **options))
        return run


def all_cases() -> list[Case]:
    """Every case, module by module."""
    return [case for name in MODULES for case in import_module(f"{__package__}.{name}").GROUP.cases]
