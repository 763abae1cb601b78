"""Takes a changed configuration over while the process runs, and says on metrics which one it runs."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from otel_verein import semconv
from otel_verein.config.layers import Resolved, digest
from otel_verein.config.schema import Config
from otel_verein.config.watch import LOOK_S, Look, Watch, running
from otel_verein.errors import ConfigError
from otel_verein.faults import FAULTS, Faults
from otel_verein.forks import GATE
from otel_verein.processors.metrics import Measures
from otel_verein.processors.outbox.worker import Worker

_logger = logging.getLogger("otel_verein")

_IN_FORCE = "in_force"
_INVALID = "invalid"
_RESTART_NEEDED = "restart_needed"


class Follower:
    """Looks at the configuration once a second, on a thread that starts with the first operation of a process.

    *apply* is given what is to be in force from now on. What cannot be used leaves the one before in force: it is
    counted, and told in one log line; *refused* is why *config* stands in for another from the start.
    """

    def __init__(
        self,
        config: Config,
        apply: Callable[[Config], None],
        measures: Measures,
        watch: Watch | None = None,
        faults: Faults = FAULTS,
        refused: ConfigError | None = None,
    ) -> None:
        self._at_start = self._running = config
        self._followed = config if refused is None else None  # what *watch* said last: read again, it changes nothing
        self._state = _IN_FORCE if refused is None else _INVALID
        self._apply = apply
        self._measures = measures
        self._watch = watch
        self._told = "" if refused is None else _problems(refused)
        if refused is not None:
            self._count("refused")
        self._closed = False
        self._worker = Worker("configuration", self._turn, LOOK_S, faults, at_once=True)
        self._tell(at_once=False)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self.forget)

    def ensure_running(self) -> bool:
        """Start to look, if there is something to look at and nobody does yet; whether that is done."""
        if self._watch is None or self._closed:
            return True
        self._worker.ensure_running()
        return self._worker.running

    def close(self) -> None:
        """Look no more, without waiting for the thread to end."""
        self._closed = True
        self._worker.ask(last=True, timeout_s=0.0)

    def forget(self) -> None:
        """Be as new, in a forked child: it has no thread, and looks as soon as it has one."""
        self._closed = False
        self._worker.forget()
        if self._watch is not None:
            self._watch.forget()

    def take(self, look: Look) -> None:
        """Do what *look* calls for."""
        if look.resolved is not None:
            self._take_over(look.resolved)
        elif look.error is not None:
            self._refuse(look.error)

    def take_over(self, config: Config) -> None:
        """Let *config* be in force from now on, but for what takes effect at the start of a process."""
        wanted = running(self._at_start, config)
        state = _IN_FORCE if wanted == config else _RESTART_NEEDED
        if wanted == self._running and state == self._state:
            return
        if wanted != self._running:
            self._apply(wanted)
            self._running = wanted
            self._count("applied")
        self._state = state
        self._tell(at_once=True)

    def _turn(self, now: bool, last: bool) -> bool:
        if self._watch is None or last:
            return True
        if self._watch.is_due():
            with GATE.closed():
                _import_what_reads()
            look = self._watch.read()  # not while forks wait: the disk may be far away
            with GATE.closed():  # no child has half of a change
                self.take(look)
        return True

    def _take_over(self, resolved: Resolved) -> None:
        if resolved.config == self._followed and self._state != _INVALID:
            return  # what the application has set itself since then stays
        before, state = self._running, self._state
        self.take_over(resolved.config)
        self._followed = resolved.config
        self._told = ""
        if self._running != before or self._state != state:
            _logger.info("otel-verein: configuration %s is in force", digest(self._running))

    def _refuse(self, error: ConfigError) -> None:
        problems = _problems(error)
        if problems == self._told:
            return
        self._told, self._state = problems, _INVALID
        self._count("refused")
        self._tell(at_once=True)
        _logger.warning("otel-verein: the changed configuration is not usable, the one before stays: %s", problems)

    def _count(self, outcome: str) -> None:
        self._measures.count(semconv.METRIC_CONFIG_CHANGES, 1, ((semconv.CONFIG_OUTCOME, outcome),))

    def _tell(self, *, at_once: bool) -> None:
        said = (
            (semconv.CONFIG_DIGEST, digest(self._running)),
            (semconv.CONFIG_ENVIRONMENT, self._running.environment or "unknown"),
            (semconv.CONFIG_STATE, self._state),
        )
        self._measures.tell(semconv.METRIC_CONFIG_INFO, said, at_once=at_once)


def _import_what_reads() -> None:
    """What is imported late, since most processes need none of it."""
    import difflib  # noqa: F401
    import urllib.parse  # noqa: F401

    import otel_verein.config.document.composer  # noqa: F401


def _problems(error: ConfigError) -> str:
    return "; ".join(map(str, error.problems))
