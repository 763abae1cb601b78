"""The N+1 verdict: pure, from the groups of an operation to its findings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from otel_verein.config.schema import NPlusOne
from otel_verein.ledger.callsite import CallSite
from otel_verein.ledger.fingerprint import Fingerprint
from otel_verein.ledger.operation import QueryGroup


class FindingKind(str, Enum):
    """N_PLUS_ONE: one statement, different parameters. DUPLICATE: the same parameters every time."""

    N_PLUS_ONE = "n_plus_one"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Finding:
    """One repeated statement, or the *statements* that one place of the code repeats, named by the first of them.

    ``repeats`` is how often the first one ran, ``queries`` how many all of them were, ``total_ms`` their time.
    """

    kind: FindingKind
    fingerprint: Fingerprint
    system: str
    repeats: int
    queries: int
    statements: int
    total_ms: float
    call_site: CallSite | None


def find(groups: Iterable[QueryGroup], options: NPlusOne) -> list[Finding]:
    """The findings among *groups*, most time first.

    A statement that ran at least ``repeats`` times under one parent span is suspect. Suspects of one line of code,
    and those that take strict turns (A, B, A, B, ...), are one loop. A loop is a finding if it took at least
    ``total_ms`` in sum or one of its statements ran at least ``certain_repeats`` times.
    """
    suspects = [group for group in groups if group.count >= options.repeats]
    findings = (
        _finding(loop)
        for loop in _loops(suspects)
        if max(group.count for group in loop) >= options.certain_repeats or _total_ms(loop) >= options.total_ms
    )
    return sorted(findings, key=lambda finding: -finding.total_ms)


def _total_ms(loop: list[QueryGroup]) -> float:
    return sum(group.total_ns for group in loop) / 1e6


def _finding(loop: list[QueryGroup]) -> Finding:
    first = loop[0]  # by time of its first query, which is the same in every run of the code
    equal = all(group.equal_parameters for group in loop)
    return Finding(
        kind=FindingKind.DUPLICATE if equal else FindingKind.N_PLUS_ONE,
        fingerprint=first.fingerprint,
        system=first.target.system,
        repeats=first.count,
        queries=sum(group.count for group in loop),
        statements=len(loop),
        total_ms=_total_ms(loop),
        call_site=first.call_site or next((group.call_site for group in loop if group.call_site), None),
    )


def _loops(groups: list[QueryGroup]) -> list[list[QueryGroup]]:
    """*groups* in lists of those that one loop ran; in order of their first query."""
    loops: list[list[QueryGroup]] = []
    for group in sorted(groups, key=lambda group: group.first_ns):
        for loop in loops:
            if _same_line(loop[0], group) or _take_turns(loop[0], group):
                loop.append(group)
                break
        else:
            loops.append([group])
    return loops


def _same_line(first: QueryGroup, second: QueryGroup) -> bool:
    one, other = first.call_site, second.call_site
    if first.parent is not second.parent or one is None or other is None:
        return False
    return (one.file, one.line) == (other.file, other.line)


def _take_turns(first: QueryGroup, second: QueryGroup) -> bool:
    """Whether each query of *second* lies between two neighbours of *first*; unknown (no) once records were folded."""
    if first.parent is not second.parent or first.count != second.count:
        return False
    if len(first.records) != first.count or len(second.records) != second.count:
        return False
    starts = [record.start_ns for record in first.records]
    between = zip(starts, (record.start_ns for record in second.records), [*starts[1:], None], strict=True)
    return all(before <= middle and (after is None or middle < after) for before, middle, after in between)
