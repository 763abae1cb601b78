"""What is asked when nobody says what: the source and the configuration of this process, remembered between calls."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from otel_verein.api.convenience.arguments import optional_text, positive
from otel_verein.api.places import source_of
from otel_verein.config.schema import Config
from otel_verein.config.watch import Watch
from otel_verein.sources.base import ALL, Ask, Entities, Roots, Source, Statements, Steps, Tables
from otel_verein.sources.remembered import Remembered

if TYPE_CHECKING:
    from otel_verein.store.traces import TraceSpan

_MOST_SOURCES: Final = 4
_MOST_HOURS: Final = 24.0 * 366 * 10


@dataclass(frozen=True, slots=True)
class Asked:
    """Where an answer comes from, how it is judged, what of it is meant, and when that is."""

    source: Remembered
    config: Config
    ask: Ask
    now: datetime

    @property
    def now_s(self) -> float:
        """The time in seconds since the epoch."""
        return self.now.timestamp()

    def of(self, operation: object) -> Ask:
        """What is asked for, of operations of that name or glob alone; None or nothing is all of them."""
        return replace(self.ask, operation=optional_text("operation", operation))


def asked(source: Source | None, config: Config | None, hours: object = None) -> Asked:
    """*source* and *config*, or those of this process; the last *hours* of the data, or all of it.

    Hours begin at whole minutes, so that questions within one share what was read. Raises ConfigError, SourceError,
    MissingExtraError, and ArgumentError for hours that are none.
    """
    found = config if config is not None else HERE.config()
    now = datetime.now(timezone.utc)
    return Asked(_once(source, found) if source is not None else HERE.source(found), found, _window(hours, now), now)


def remembered_source(config: Config, place: str | Path | None = None) -> Remembered:
    """The source at *place*, or that of *config*, which remembers what it has read for ``serve.fresh_s``.

    Where it is, is looked up anew each time it is read: a store may come to be where there were only files.
    """
    return Remembered(Anew(lambda: source_of(config, place)), config.serve.fresh_s)


class Anew:
    """The source that *make* gives, made for each question; see :class:`Source`."""

    def __init__(self, make: Callable[[], Source]) -> None:
        self._make = make

    @property
    def name(self) -> str:
        """As the source is called that there is now."""
        return self._make().name

    def read(self, ask: Ask = ALL) -> Tables:
        """See :class:`Source`."""
        return self._make().read(ask)

    def steps(self, step_s: int, ask: Ask = ALL) -> Steps:
        """See :class:`Source`."""
        return self._make().steps(step_s, ask)

    def statements(self, ask: Ask = ALL) -> Statements:
        """See :class:`Source`."""
        return self._make().statements(ask)

    def entities(self, ask: Ask = ALL, entity_type: str | None = None, entity_id: str | None = None) -> Entities:
        """See :class:`Source`."""
        return self._make().entities(ask, entity_type, entity_id)

    def roots(self, ask: Ask = ALL, most: int = 1000, slowest: bool = False, failed: bool = False) -> Roots:
        """See :class:`Source`."""
        return self._make().roots(ask, most, slowest, failed)

    def trace(self, trace_id: str) -> tuple[TraceSpan, ...]:
        """See :class:`Source`."""
        return self._make().trace(trace_id)

    def state(self) -> Hashable | None:
        """The state of the source with what it is, so that another one at the same place differs."""
        source = self._make()
        state = source.state()
        return None if state is None else (type(source).__name__, source.name, state)


class Here:
    """The configuration of this process, followed as it changes, and a source for each; thread-safe.

    A configuration that becomes invalid is not taken: the one before stays, as it does in processes that run.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Begin anew, as in a forked child, where a thread that held the lock does not exist any more."""
        self._lock = Lock()  # guards all of it
        self._watch: Watch | None = None
        self._surroundings: Any = None
        self._config: Config | None = None
        self._sources: OrderedDict[Config, Remembered] = OrderedDict()
        self._last: tuple[Config, Remembered] | None = None

    def config(self) -> Config:
        """The configuration that a process has which starts now and here; raises ConfigError where there is none."""
        surroundings = (os.getcwd(), dict(os.environ))
        with self._lock:
            if self._watch is None or surroundings != self._surroundings:
                watch = Watch(os.environ)
                self._config = watch.read().config
                self._watch, self._surroundings = watch, surroundings
                self._sources.clear()  # their paths are relative
                self._last = None
            else:
                # the first look notes that something has changed, the second takes it
                look = self._watch.look() or self._watch.look()
                if look is not None and look.resolved is not None:
                    self._config = look.resolved.config
            assert self._config is not None
            return self._config

    def source(self, config: Config) -> Remembered:
        """The source that *config* names; the same one for the same configuration in the same directory."""
        with self._lock:
            if self._last is not None and self._last[0] is config:
                return self._last[1]
            found = self._sources.pop(config, None)
            if found is None:
                found = remembered_source(config)
            self._sources[config] = found
            while len(self._sources) > _MOST_SOURCES:
                self._sources.popitem(last=False)
            self._last = (config, found)
            return found


HERE: Final = Here()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=HERE.forget)


def _once(source: Source, config: Config) -> Remembered:
    """*source*, read once for all parts of one answer, so that they fit together."""
    return source if isinstance(source, Remembered) else Remembered(source, config.serve.fresh_s, most_bytes=None)


def _window(hours: object, now: datetime) -> Ask:
    if hours is None or hours == "":
        return ALL
    begin = now - timedelta(hours=positive("hours", hours, _MOST_HOURS))
    return Ask(start_ns=int(begin.timestamp()) // 60 * 60 * 1_000_000_000)
