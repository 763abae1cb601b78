"""Rounds of all jobs over a store, until told to stop: what `otel-verein store watch` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

from otel_verein.api.store import Place, Progress, check_extra, placed
from otel_verein.api.store_jobs import RETENTION, Controls, run_job, wanted
from otel_verein.config.layers import changed
from otel_verein.config.shown import shown
from otel_verein.config.watch import Watch, running
from otel_verein.errors import VereinError
from otel_verein.store.reserve import is_full

_WAIT_S = 1.0  # for the lock; a stop has to be answered soon
_LONGEST_PAUSE = 16  # rounds
_SETTLED_S = 600.0


class Words(NamedTuple):
    """What a job did, on one line, and what it found that stands until somebody does something; empty for nothing."""

    deed: str
    standing: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one job of a round: its result, or the problem it had."""

    job: str
    result: Any = None
    problem: str = ""
    is_full: bool = False


def attempt(place: Place, job: str, controls: Controls) -> Done:
    """Run the *job*; whatever it fails for is told, and keeps no other job from its turn."""
    try:
        return Done(job, run_job(place, job, controls))
    except VereinError as fault:
        return Done(job, problem=str(fault), is_full=is_full(fault))
    except Exception as fault:  # noqa: BLE001 - told with its kind, and on record; the next round tries again
        return Done(job, problem=f"{type(fault).__name__}: {fault}", is_full=is_full(fault))


def run_once(place: Place, wait_s: float, stop: Callable[[], bool], progress: Progress | None = None) -> list[Done]:
    """All jobs once, the later ones also where an earlier one fails; raises MissingExtraError."""
    check_extra()
    return [attempt(place, job, Controls(wait_s, stop, progress)) for job in wanted(place) if not stop()]


class Patience:
    """How many rounds a job is left alone that finds no room on the disk: 1, then 2, 4 ... and 16 at most."""

    def __init__(self) -> None:
        self._pauses: dict[str, int] = {}
        self._left: dict[str, int] = {}

    def is_due(self, job: str) -> bool:
        """Whether it is the turn of *job*; asked once in each round."""
        left = self._left.get(job, 0)
        self._left[job] = max(0, left - 1)
        return left == 0

    def note(self, job: str, *, fails: bool) -> None:
        """What came of a try: the pause doubles each time that it *fails*, and is forgotten when it does not."""
        self._pauses[job] = min(max(1, 2 * self._pauses.get(job, 0)), _LONGEST_PAUSE) if fails else 0
        self._left[job] = self._pauses[job]


class Rounds:
    """Rounds over the store of a process with *environ*, until *stop* is set.

    *say* is told of what is worth a line of a log: what a job did, in the words of *words_of*, problems when they are
    new, and changes of the configuration, which is read again for each round. Raises ConfigError if that is not valid
    at the start.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        sources: Sequence[Path],
        stop: Event,
        say: Callable[[str], None],
        words_of: Callable[[str, Any], Words],
    ) -> None:
        self._here = Path.cwd()
        self._watch = Watch(environ, self._here)
        self._sources = tuple(sources)
        self._stop = stop
        self._say = say
        self._words_of = words_of
        self._config = self._watch.read().config
        self._refused = ""
        self._problems: dict[str, str] = {}
        self._patience = Patience()

    @property
    def place(self) -> Place:
        """The store, and the configuration of this round."""
        return placed(self._config, self._sources, self._here)

    def run(self) -> None:
        """Rounds, with the pause of the configuration between them; returns within moments of the stop."""
        while not self._stop.is_set():
            self.round()
            self._stop.wait(self._config.store.interval_s)

    def round(self) -> None:
        """Every job that is wanted, once."""
        self._read()
        for job in wanted(self.place):
            if self._stop.is_set():
                return
            if not self._patience.is_due(job):
                continue
            done = attempt(self.place, job, Controls(_WAIT_S, self._stop.is_set, settled_s=_SETTLED_S))
            self._tell(done)
            self._patience.note(job, fails=done.is_full and job != RETENTION)  # which is what makes room

    def _read(self) -> None:
        look = self._watch.read()
        if look.resolved is None:
            refused = str(look.error)
            if refused != self._refused:
                self._say("the changed configuration is not usable, the one before stays in force")
                for line in refused.splitlines():
                    self._say(line)
            self._refused = refused
            return
        self._refused = ""
        before, self._config = self._config, running(self._config, look.resolved.config)
        for key, old, new in changed(before, self._config):
            self._say(f"configuration: {key} is {shown(new)} now, was {shown(old)}")

    def _tell(self, done: Done) -> None:
        before = self._problems.get(done.job, "")
        words = Words("", done.problem) if done.problem else self._words_of(done.job, done.result)
        if words.deed:
            self._say(f"{done.job}: {words.deed}")
        if words.standing != before:
            for line in words.standing.splitlines() or ["all is well again"]:
                self._say(f"{done.job}: {line}")
        self._problems[done.job] = words.standing
