"""The N+1 verdict: pure, from the groups of an operation to its findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from otel_verein.config.schema import NPlusOne
from otel_verein.ledger.callsite import CallSite
from otel_verein.ledger.fingerprint import Fingerprint
from otel_verein.ledger.group import QueryGroup
from otel_verein.ledger.record import START


class FindingKind(str, Enum):
    """N_PLUS_ONE: one statement, different parameters. DUPLICATE: the same parameters every time."""

    N_PLUS_ONE = "n_plus_one"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Finding:
    """One repeated statement, or the *statements* that one place of the code repeats, named by the first of them.

    ``repeats`` is how often the first one ran, ``queries`` how many all of them were, ``total_ms`` their time;
    ``parameters`` how many different sets of parameters the first one had, None where they could not be compared.
    ``write``: it changes data. ``concurrent``: some of the repeats ran at the same time. ``ignored`` is the reason
    that the code gave for them, if it did.
    """

    kind: FindingKind
    fingerprint: Fingerprint
    system: str
    repeats: int
    queries: int
    statements: int
    total_ms: float
    call_site: CallSite | None
    parameters: int | None = None
    write: bool = False
    concurrent: bool = False
    ignored: str | None = None


class Repeat:
    """The queries of one fingerprint under spans that are turns of one loop: those of one path of names."""

    __slots__ = ("groups",)

    def __init__(self, group: QueryGroup) -> None:
        self.groups = [group]

    @property
    def first(self) -> QueryGroup:
        """The group whose first query came first."""
        return self.groups[0]

    @property
    def count(self) -> int:
        """How many queries they are."""
        return sum(group.count for group in self.groups)

    @property
    def last_ns(self) -> int:
        """When the last of them had ended."""
        return max(group.last_ns for group in self.groups)

    @property
    def total_ms(self) -> float:
        """The time of all of them."""
        return sum(group.total_ns for group in self.groups) / 1e6

    @property
    def call_site(self) -> CallSite | None:
        """The first line that is known to run them."""
        return next((group.call_site for group in self.groups if group.call_site), None)

    @property
    def parameters(self) -> int | None:
        """How many different sets of parameters they had."""
        if not all(group.comparable for group in self.groups):
            return None
        return len(set[int]().union(*(group.identities for group in self.groups)))

    @property
    def concurrent(self) -> bool:
        """Whether some ran while others did."""
        if any(group.overlapping for group in self.groups):
            return True
        ordered = sorted((group.first_ns, group.last_ns) for group in self.groups)
        return any(after[0] < before[1] for before, after in pairwise(ordered))

    def starts(self) -> list[int] | None:
        """When each query started, in order; None once records were folded."""
        if not all(group.whole for group in self.groups):
            return None
        return sorted(record[START] for group in self.groups for record in group.records)


def find(groups: Iterable[QueryGroup], options: NPlusOne) -> list[Finding]:
    """The findings among *groups*, most time first.

    A statement that ran at least ``repeats`` times under one parent span, or under spans of one name that are turns
    of a loop, is suspect. Suspects of one line of code, and those that take strict turns (A, B, A, B, ...), are one
    loop. A loop is a finding if it took at least ``total_ms`` in sum or one of its statements ran at least
    ``certain_repeats`` times. Reads and writes are never one loop. Batches of at least ``batch_values`` values,
    pages of one cursor and checks of a connection are no suspects, however often they come.
    """
    suspects = [
        repeat
        for repeat in _repeats(groups)
        if repeat.count >= options.repeats and not _is_harmless(repeat, options.batch_values)
    ]
    findings = (
        _finding(loop)
        for loop in _loops(suspects)
        if max(repeat.count for repeat in loop) >= options.certain_repeats
        or sum(repeat.total_ms for repeat in loop) >= options.total_ms
    )
    return sorted(findings, key=lambda finding: -finding.total_ms)


_LOOKED_AT = 5
_PAGES = frozenset(["FETCH", "MOVE", "CLOSE"])
_CHECK = "SELECT ?"


def _is_harmless(repeat: Repeat, batch_values: int) -> bool:
    """Whether the repeats cannot be one query for all: they are that already, or ask for no data."""
    found = repeat.first.fingerprint
    if found.verb in _PAGES or found.text.upper() == _CHECK:
        return True
    values = [number for group in repeat.groups[:_LOOKED_AT] for number in group.first_values()][:_LOOKED_AT]
    return bool(values) and min(values) >= batch_values


def _repeats(groups: Iterable[QueryGroup]) -> Iterator[Repeat]:
    by_place: dict[tuple[object, ...], Repeat] = {}
    for group in sorted(groups, key=lambda group: group.first_ns):
        key = (group.path, group.fingerprint.key, group.ignored)
        known = by_place.get(key)
        if known is None:
            by_place[key] = Repeat(group)
        else:
            known.groups.append(group)
    yield from by_place.values()


def _finding(loop: list[Repeat]) -> Finding:
    first = loop[0]  # by time of its first query, which is the same in every run of the code
    parameters = [repeat.parameters for repeat in loop]
    equal = all(number == 1 for number in parameters)
    return Finding(
        kind=FindingKind.DUPLICATE if equal else FindingKind.N_PLUS_ONE,
        fingerprint=first.first.fingerprint,
        system=first.first.target.system,
        repeats=first.count,
        queries=sum(repeat.count for repeat in loop),
        statements=len(loop),
        total_ms=sum(repeat.total_ms for repeat in loop),
        call_site=next((repeat.call_site for repeat in loop if repeat.call_site), None),
        parameters=parameters[0],
        write=first.first.fingerprint.write,
        concurrent=any(repeat.concurrent for repeat in loop),
        ignored=first.first.ignored,
    )


def _loops(repeats: list[Repeat]) -> list[list[Repeat]]:
    """*repeats* in lists of those that one loop ran; in order of their first query."""
    loops: dict[tuple[object, ...], list[list[Repeat]]] = defaultdict(list)
    for repeat in repeats:
        group = repeat.first
        among = loops[group.path, group.fingerprint.write, group.ignored]
        for loop in among:
            if _same_line(loop[0], repeat) or _take_turns(loop[0], repeat):
                loop.append(repeat)
                break
        else:
            among.append([repeat])
    found = [loop for among in loops.values() for loop in among]
    return sorted(found, key=lambda loop: loop[0].first.first_ns)


def _same_line(first: Repeat, second: Repeat) -> bool:
    one, other = first.call_site, second.call_site
    if one is None or other is None or (one.file, one.line) != (other.file, other.line):
        return False
    return second.first.first_ns <= first.last_ns  # else two loops, one after the other, through one helper


def _take_turns(first: Repeat, second: Repeat) -> bool:
    """Whether each query of *second* lies between two neighbours of *first*; unknown (no) once records were folded."""
    if first.count != second.count:
        return False
    starts, others = first.starts(), second.starts()
    if starts is None or others is None:
        return False
    between = zip(starts, others, [*starts[1:], None], strict=True)
    return all(before <= middle and (after is None or middle < after) for before, middle, after in between)
