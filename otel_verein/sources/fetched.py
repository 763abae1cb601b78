"""Questions answered from whole traces that a backend gives: it cannot add up itself, so they are fetched for each.

A trace stands for as many as its weight says. Of what only metrics tell, such as export loss, nothing is known.
"""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, TypeVar

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.errors import MissingExtraError, SourceError
from otel_verein.sources.base import ALL, Ask, Entities, Roots, Statements, Steps, Tables
from otel_verein.sources.fetching import DAY_NS, HORIZON_DAYS, SECOND_NS, Limits, Page, Walked, walk
from otel_verein.sources.http import Http, Product, is_page
from otel_verein.sources.viewed import PACKAGES, checked_id
from otel_verein.store.choose import Bounds

if TYPE_CHECKING:
    from otel_verein.sources.backend import Backend
    from otel_verein.sources.messages import Messages
    from otel_verein.store.traces import TraceSpan

_ANSWER_BYTES: Final = 64_000_000
"""Parsed it takes several times as much memory."""

_ALL_BYTES: Final = 500_000_000

_Answer = TypeVar("_Answer", Tables, Steps, Statements, Entities, Roots)


@dataclass(frozen=True, slots=True)
class Fetched:
    """Traces as messages of OTLP/JSON, what of the question they answer, and what is missing."""

    messages: Sequence[bytes]
    ask: Ask
    notes: tuple[str, ...] = ()


class TraceBackend(ABC):
    """A source over a backend that is asked for traces; threads may share it."""

    def __init__(self, backend: Backend, product: Product, limits: Limits) -> None:
        for package in PACKAGES:
            if find_spec(package) is None:
                raise MissingExtraError(f"reading from {product.name}", package, "report")
        self._http = Http(backend, product, _ANSWER_BYTES)
        self._product = product
        self._traces = backend.traces
        self._limits = limits

    @property
    def name(self) -> str:
        """The address as the user gave it."""
        return self._http.name

    def read(self, ask: Ask = ALL) -> Tables:
        """Counts estimated from the traces, and the findings in them; raises SourceError."""
        fetched = self._fetched(ask)
        return _noted(fetched, self._over(fetched).read(fetched.ask))

    def steps(self, step_s: int, ask: Ask = ALL) -> Steps:
        """Operations by steps, estimated; raises SourceError."""
        fetched = self._fetched(ask)
        return _noted(fetched, self._over(fetched).steps(step_s, fetched.ask))

    def statements(self, ask: Ask = ALL) -> Statements:
        """What the traces say of single statements; raises SourceError."""
        fetched = self._fetched(ask)
        return _noted(fetched, self._over(fetched).statements(fetched.ask))

    def entities(self, ask: Ask = ALL, entity_type: str | None = None, entity_id: str | None = None) -> Entities:
        """What operations were about; raises SourceError."""
        fetched = self._fetched(ask)
        return _noted(fetched, self._over(fetched).entities(fetched.ask, entity_type, entity_id))

    def roots(self, ask: Ask = ALL, most: int = 1000, slowest: bool = False, failed: bool = False) -> Roots:
        """At most *most* operations of the traces, or *failed* ones; raises SourceError."""
        fetched = self._fetched(ask)
        return _noted(fetched, self._over(fetched).roots(fetched.ask, most, slowest, failed))

    def trace(self, trace_id: str) -> tuple[TraceSpan, ...]:
        """The spans of one trace, the earliest first; empty when it is not there. Raises SourceError."""
        wanted = checked_id(trace_id)
        return self._over(Fetched(self._one(wanted), ALL)).trace(wanted)

    def state(self) -> Hashable | None:
        """None: only asking tells whether there is more."""
        return None

    @abstractmethod
    def _look(self, service: str | None, stretch: Bounds, limit: int) -> Page[bytes]:
        """At most *limit* traces that have a span of *service* in *stretch*."""

    @abstractmethod
    def _services(self, ask: Ask) -> Sequence[str | None]:
        """Which services have to be asked for, one after another; None for all at once."""

    @abstractmethod
    def _one(self, trace_id: str) -> Sequence[bytes]:
        """The messages of one trace; empty when it is not there."""

    def _whole(self, walked: Walked[bytes]) -> tuple[Sequence[bytes], tuple[str, ...]]:
        """The messages of the traces that were found, and notes on what is missing."""
        return list(walked.traces.values()), ()

    def _over(self, fetched: Fetched) -> Messages:
        from otel_verein.sources.messages import Messages

        return Messages(fetched.messages, self.name)

    def _fetched(self, ask: Ask) -> Fetched:
        asked = _asked(ask, time.time_ns())
        services = self._services(ask)

        sizes: dict[str, int] = {}

        def look(stretch: Bounds, limit: int) -> Page[bytes]:
            page = joined([self._look(service, stretch, limit) for service in services])
            sizes.update((key, len(trace)) for key, trace in page.traces.items())
            self.refuse_more_than(sum(sizes.values()))
            return page

        walked = walk(look, asked, self._traces, self._limits)
        messages, missing = self._whole(walked)
        seen = walked.seen
        # Of an operation that began before what was seen whole, others of its time are not here.
        start_ns = seen.start_ns if walked.older and seen is not None else ask.start_ns
        return Fetched(messages, replace(ask, start_ns=start_ns), (*self._notes(ask, walked), *walked.notes, *missing))

    def refuse_more_than(self, size: int) -> None:
        """Raise SourceError when what was fetched does not fit into memory any more."""
        if size > _ALL_BYTES:
            raise self._http.fault(
                f"the traces have more than {_ALL_BYTES / 1e6:.0f} MB; ask for a shorter time, or lower source.traces"
            )

    def _notes(self, ask: Ask, walked: Walked[bytes]) -> tuple[str, ...]:
        number, more = len(walked.traces), "a higher source.traces fetches more"
        if walked.older and walked.seen is None:
            return (
                f"{self.name}: a single second has more than {number} traces; figures are of {number} of them; {more}",
            )
        if walked.older and walked.seen is not None:
            since = _moment(walked.seen.start_ns)
            return (
                f"{self.name}: there are more traces than {self._traces}; figures are of the newest {number}, "
                f"since {since}; {more}",
            )
        if ask.start_ns is None:
            return (f"{self.name}: looked back {HORIZON_DAYS} days; what is older has to be asked for by its time",)
        return ()

    def _json(self, body: bytes) -> Any:
        """The JSON of an answer."""
        documents = self._documents(body)
        if len(documents) != 1:
            raise self._other_form("several documents")
        return documents[0]

    def _documents(self, body: bytes) -> Sequence[Any]:
        """The JSON of an answer that may be streamed: a document, or several in a row."""
        import msgspec

        if is_page(body):
            raise self._http.fault(
                "answers with a web page in place of JSON; is there a login in front of it, is a path before `/api` "
                f"missing in the address, and is this {self._product.port}?"
            )
        try:
            return [msgspec.json.decode(body)]
        except (msgspec.DecodeError, RecursionError):
            try:
                return _row(body.decode("utf-8"))
            except (ValueError, RecursionError) as fault:
                raise self._http.fault(f"the answer is not JSON, or not all of it ({fault})") from fault

    def _object(self, value: object) -> Mapping[str, Any]:
        """*value*, which has to be an object."""
        if not isinstance(value, dict):
            raise self._other_form()
        return value

    def _other_form(self, where: str = "") -> SourceError:
        return self._http.fault(
            f"the answer is not that of {self._product.name}{f' ({where})' if where else ''}; is this "
            f"{self._product.port}?"
        )


def _row(text: str) -> Sequence[Any]:
    """The documents in *text*, with nothing but white space between them; raises ValueError."""
    decoder = json.JSONDecoder()
    found = []
    rest = text.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        found.append(document)
        rest = rest[end:].lstrip()
    if not found:
        raise ValueError("it is empty")
    return found


def joined(pages: Sequence[Page[bytes]]) -> Page[bytes]:
    """The traces of several pages; one that several have once."""
    traces: dict[str, bytes] = {}
    for page in pages:
        for key, trace in page.traces.items():
            traces.setdefault(key, trace)
    return Page(
        traces,
        [start for page in pages for start in page.starts_ns],
        any(page.full for page in pages),
        tuple(dict.fromkeys(note for page in pages for note in page.notes)),
    )


def _asked(ask: Ask, now_ns: int) -> Bounds:
    latest_ns = now_ns + round(StoreConfig().future_s * SECOND_NS)
    end_ns = latest_ns if ask.end_ns is None else min(ask.end_ns, latest_ns)
    start_ns = end_ns - HORIZON_DAYS * DAY_NS if ask.start_ns is None else ask.start_ns
    return Bounds(min(start_ns, end_ns), end_ns)


def _noted(fetched: Fetched, answer: _Answer) -> _Answer:
    return replace(answer, notes=(*fetched.notes, *answer.notes))


def _moment(moment_ns: int) -> str:
    return datetime.fromtimestamp(moment_ns // SECOND_NS, timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
