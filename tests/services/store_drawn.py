"""One operation as it was drawn, and what is to be said of it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.services.store_shapes import MS, Statement

_QUERIES, _QUERIES_CRITICAL = 50, 100
_DURATION_NS, _DURATION_CRITICAL_NS = 2000 * MS, 5000 * MS
_DB_NS, _DB_CRITICAL_NS = 1000 * MS, 2500 * MS


@dataclass(slots=True)
class Drawn:
    """One operation before anything is said about it."""

    statements: tuple[Statement, ...]
    took_ns: list[int]
    repeats: int
    each_ns: int
    failed: bool
    queries: int
    db_ns: int
    duration_ns: int


def breaches_of(drawn: Drawn) -> tuple[tuple[str, ...], bool]:
    """The budgets that an operation breaks, and whether it is critical; as ``processors/tagging.py`` judges."""
    if not (drawn.failed or drawn.repeats or drawn.duration_ns > _DURATION_NS or drawn.db_ns > _DB_NS):
        return (), False
    broken = ["error"] if drawn.failed else []
    if drawn.duration_ns > _DURATION_NS:
        broken.append("duration")
    if drawn.queries > _QUERIES:
        broken.append("queries")
    if drawn.db_ns > _DB_NS:
        broken.append("db_duration")
    if drawn.repeats:
        broken.append("n_plus_one")
    over = drawn.duration_ns > _DURATION_CRITICAL_NS or drawn.db_ns > _DB_CRITICAL_NS
    return tuple(broken), drawn.failed or over or drawn.queries > _QUERIES_CRITICAL


def reason_of(breaches: tuple[str, ...]) -> str:
    """Why an operation with these is kept, if it is."""
    if not breaches:
        return "sampled"
    return "error" if breaches[0] == "error" else "n_plus_one" if breaches == ("n_plus_one",) else "breach"
