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
    """One repeated statement, or one repeated sequence of *statements* of which it is the slowest.

    ``repeats`` is how often it ran; ``total_ms`` the time of all statements of the sequence in sum.
    """

    kind: FindingKind
    fingerprint: Fingerprint
    system: str
    repeats: int
    statements: int
    total_ms: float
    call_site: CallSite | None


def find(groups: Iterable[QueryGroup], options: NPlusOne) -> list[Finding]:
    """The findings among *groups*, most time first.

    A statement that ran at least ``repeats`` times under one parent span is suspect; it is a finding if it took
    at least ``total_ms`` in sum or ran at least ``certain_repeats`` times. Suspects that take strict turns
    (A, B, A, B, ...) are one sequence and one finding.
    """
    suspects = [group for group in groups if group.count >= options.repeats]
    findings = [_finding(sequence) for sequence in _sequences(suspects)]
    certain = (
        finding
        for finding in findings
        if finding.repeats >= options.certain_repeats or finding.total_ms >= options.total_ms
    )
    return sorted(certain, key=lambda finding: -finding.total_ms)


def _finding(sequence: list[QueryGroup]) -> Finding:
    slowest = max(sequence, key=lambda group: group.total_ns)
    equal = all(group.equal_parameters for group in sequence)
    return Finding(
        kind=FindingKind.DUPLICATE if equal else FindingKind.N_PLUS_ONE,
        fingerprint=slowest.fingerprint,
        system=slowest.target.system,
        repeats=slowest.count,
        statements=len(sequence),
        total_ms=sum(group.total_ns for group in sequence) / 1e6,
        call_site=slowest.call_site or next((group.call_site for group in sequence if group.call_site), None),
    )


def _sequences(groups: list[QueryGroup]) -> list[list[QueryGroup]]:
    """*groups* in lists of those that take turns with the first of each list; in order of their first query."""
    sequences: list[list[QueryGroup]] = []
    for group in sorted(groups, key=lambda group: group.first_ns):
        for sequence in sequences:
            if _take_turns(sequence[0], group):
                sequence.append(group)
                break
        else:
            sequences.append([group])
    return sequences


def _take_turns(first: QueryGroup, second: QueryGroup) -> bool:
    """Whether each query of *second* lies between two neighbours of *first*; unknown (no) once records were folded."""
    if first.parent is not second.parent or first.count != second.count:
        return False
    if len(first.records) != first.count or len(second.records) != second.count:
        return False
    starts = [record.start_ns for record in first.records]
    between = zip(starts, (record.start_ns for record in second.records), [*starts[1:], None], strict=True)
    return all(before <= middle and (after is None or middle < after) for before, middle, after in between)
