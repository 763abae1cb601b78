"""The query groups of one operation, however many statements and spans it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from otel_verein.ledger.callsite import CallSite
from otel_verein.ledger.fingerprint import Fingerprint, StatementKind
from otel_verein.ledger.group import QueryGroup
from otel_verein.ledger.record import DURATION, FOUND, PARENT, TARGET, RecordFields

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from otel_verein.ledger.ledger import Ledger

IGNORED_ATTRIBUTE = "_verein_ignored"
"""The attribute by which a span says why repeats under it are no finding."""

GroupKey = tuple[int, str]
"""A parent span, by identity, and a fingerprint's key."""

CallSites = dict[GroupKey, CallSite | None]

_REST = Fingerprint("other", "", "other statements", "", (), StatementKind.QUERY, True, False)
_DEEPEST_PATH = 50
_MOST_IDENTITIES = 1000
_SPARE = 4  # times the records of an operation are held by its groups, until there are some to let go of at once
_IDENTITIES = 4000  # of all groups, roughly: the more groups there are, the fewer a new one may hold


class Groups:
    """Sorts queries into groups, of which there are at most ``limits.groups_per_operation`` of each of two kinds.

    First come those of one statement under one parent span. Once they are all taken, a statement that repeats gets
    one for all parent spans of one name. What repeats too seldom, or comes when these are taken too, is the ``rest``.
    """

    __slots__ = ("_ledger", "_own", "_shared", "_untrimmed", "rest")

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._own: dict[GroupKey, QueryGroup] = {}
        self._shared: dict[tuple[str, str, str | None], QueryGroup] = {}
        self._untrimmed: dict[int, QueryGroup] = {}
        self.rest: QueryGroup | None = None
        """The queries of no other group, under whatever span."""

    def __iter__(self) -> Iterator[QueryGroup]:
        """The groups, in order of first appearance, the rest apart."""
        yield from self._own.values()
        yield from self._shared.values()

    def all(self) -> list[QueryGroup]:
        """The groups, the rest among them."""
        return [*self, self.rest] if self.rest is not None else [*self]

    def fold(self, records: list[RecordFields], seen: dict[str, int], sites: CallSites) -> None:
        """Book *records* of an operation that goes on and hold only those that may stay whole.

        An interrupt may break it off anywhere: what was booked says so, and is passed over the next time.
        """
        for fields in records:
            if fields[DURATION] is not None:
                group = self._of(fields, seen, sites)
                self._untrimmed[id(group)] = group
                group.absorb(fields, min(_MOST_IDENTITIES, _IDENTITIES // self._number))
        spare = _SPARE * self._ledger.fold_at // self._number
        for group in self._untrimmed.values():
            group.trim(self._ledger.config.compression, spare)
        self._untrimmed = {}

    def take(self, records: list[RecordFields], seen: dict[str, int], sites: CallSites) -> None:
        """Book the last *records* of an operation that has ended, each of which stays known by itself."""
        of_group: dict[int, tuple[QueryGroup, list[RecordFields]]] = {}
        of_key: dict[GroupKey, list[RecordFields]] = {}
        for fields in records:
            if fields[DURATION] is None:
                continue  # in its group already: an interrupt broke off the fold that put it there
            key = (id(fields[PARENT]), fields[FOUND].key)
            alike = of_key.get(key)
            if alike is None:
                group = self._of(fields, seen, sites)
                alike = of_key[key] = of_group.setdefault(id(group), (group, []))[1]
            alike.append(fields)
        for group, theirs in of_group.values():
            group.take(theirs)

    def is_located(self, parent: Any, found: Fingerprint) -> bool:
        """Whether the line of code is known that runs *found* under spans named like *parent*."""
        group = self._shared.get(_shared_key(parent, found))
        return group is not None and group.call_site is not None

    def set_paths(self, root_id: int, spans: list[ReadableSpan]) -> None:
        """Tell each group the names of the spans above it, as far as they are among the ended *spans*."""
        ended: dict[int, ReadableSpan] | None = None
        for group in self:
            if group.parent.get_span_context().span_id == root_id:
                continue
            if ended is None:
                contexts = ((span.get_span_context(), span) for span in spans)
                ended = {context.span_id: span for context, span in contexts if context is not None}
            group.path = _path(group.parent, root_id, ended)

    @property
    def _number(self) -> int:
        return len(self._own) + len(self._shared) + 1

    def _of(self, fields: RecordFields, seen: dict[str, int], sites: CallSites) -> QueryGroup:
        parent, found = fields[PARENT], fields[FOUND]
        key = (id(parent), found.key)
        group = self._own.get(key)
        if group is None and len(self._own) < self._ledger.most_groups:
            group = self._own[key] = _new(found, fields)
        if group is not None:
            if group.call_site is None:
                group.call_site = sites.get(key)
            return group
        # No group holds this parent, so another span may have its identity one day: its call site goes at once.
        site = sites.pop(key, None)
        group = self._common(fields, seen)
        if group.parent is not parent:
            group.several = True
        if group.call_site is None and group is not self.rest:
            group.call_site = site
        return group

    def _common(self, fields: RecordFields, seen: dict[str, int]) -> QueryGroup:
        """The group for all parents of one name, or that of the rest."""
        found = fields[FOUND]
        key = _shared_key(fields[PARENT], found)
        group = self._shared.get(key)
        repeats = seen.get(found.key, 0) >= self._ledger.watch_from
        if group is None and repeats and len(self._shared) < self._ledger.most_groups:
            group = self._shared[key] = _new(found, fields)
        if group is None:
            group = self.rest = self.rest or _new(_REST, fields)
        return group


def _new(found: Fingerprint, fields: RecordFields) -> QueryGroup:
    parent = fields[PARENT]
    return QueryGroup(found, parent, fields[TARGET], getattr(parent, IGNORED_ATTRIBUTE, None))


def _shared_key(parent: Any, found: Fingerprint) -> tuple[str, str, str | None]:
    return getattr(parent, "name", ""), found.key, getattr(parent, IGNORED_ATTRIBUTE, None)


def _path(parent: Any, root_id: int, ended: dict[int, ReadableSpan]) -> tuple[str, ...]:
    """The names of the spans between the root and the queries, *parent* last; empty for the root itself."""
    names: list[str] = []
    span: Any = parent
    while span is not None and len(names) < _DEEPEST_PATH:
        if span.get_span_context().span_id == root_id:
            break
        names.append(getattr(span, "name", ""))
        above = getattr(span, "parent", None)
        span = ended.get(above.span_id) if above is not None else None
    return tuple(reversed(names))
