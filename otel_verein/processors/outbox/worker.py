"""A daemon thread that does one thing over and over, and at once when it is asked to.

Nothing here waits on a lock that the asking thread may hold itself: who asks may be a signal handler that interrupted
another call of the same thread.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable

from opentelemetry.instrumentation.utils import suppress_instrumentation

from otel_verein.faults import Faults
from otel_verein.threads import OWN_THREADS

NAME = "otel-verein-"
"""How the names of our threads begin."""


class _Asked:
    """One call of :meth:`Worker.ask`."""

    __slots__ = ("done", "last", "result")

    def __init__(self, last: bool) -> None:
        self.last = last
        self.result = False
        self.done = threading.Lock()  # held until the turn is over
        self.done.acquire()


class Worker:
    """Calls *turn* on a thread of its own, every *interval_s* and when asked; its two arguments are below.

    *now*: somebody waits for the result. *last*: the process ends, and there will be no other turn. The thread starts
    with :meth:`ensure_running` and runs in an empty context in which OpenTelemetry instruments nothing.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[bool, bool], bool],
        interval_s: float,
        faults: Faults,
        *,
        at_once: bool = False,
    ) -> None:
        """*at_once*: the first turn is done when the thread starts, not after the first interval."""
        self._name = NAME + name
        self._turn = turn
        self._interval_s = interval_s
        self._at_once = at_once
        self._faults = faults
        self.forget()

    def forget(self) -> None:
        """Be as new, in a forked child: the thread stayed in the parent."""
        self._thread: threading.Thread | None = None
        self._wake: threading.Lock | None = None
        self._asked: deque[_Asked] = deque()
        self._over: bool | None = None  # what the last turn of all said
        self._starting = threading.Lock()  # guards _thread; held while the thread is started
        self._turning = threading.Lock()  # held during a turn; never waited for, since its holder may wait for us

    @property
    def running(self) -> bool:
        """Whether the thread is there."""
        return self._thread is not None and self._thread.is_alive()

    def ensure_running(self) -> None:
        """Start the thread if this process has none."""
        if self._thread is not None:
            return
        # Whoever finds it taken goes on: another is starting the thread. Under gevent, whose patches may come after
        # this lock was made, starting switches to other greenlets, and one that waited would stop them all.
        if not self._starting.acquire(blocking=False):
            return
        try:
            if self._thread is None:
                self._wake = threading.Lock()  # made now, not with the process: gevent may patch in between
                if not self._at_once:
                    self._wake.acquire()
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                with contextlib.suppress(RuntimeError):  # the interpreter is going, and exports on its way out
                    thread.start()
                    self._thread = thread
        finally:
            self._starting.release()

    def wake(self) -> None:
        """Have the thread do its turn now; does nothing if it is about to."""
        wake = self._wake
        if wake is not None:
            with contextlib.suppress(RuntimeError):  # it is free: the thread was woken and has not looked yet
                wake.release()

    def ask(self, *, last: bool, timeout_s: float) -> bool:
        """Have a turn done and wait for it, at most *timeout_s*; what it said, False if it took longer.

        Without a thread the caller does it, since none may be started while the interpreter ends.
        """
        if threading.current_thread() is self._thread:
            return False
        over = self._said()
        if over is not None:
            return over
        if not self.running:
            return self._guarded_turn(True, last)
        asked = _Asked(last)
        self._asked.append(asked)
        self.wake()
        over = self._said()
        if over is not None:  # since a moment ago: nobody comes for it
            return over
        return asked.done.acquire(timeout=max(0.0, timeout_s)) and asked.result

    def _said(self) -> bool | None:
        return self._over

    def _run(self) -> None:
        with OWN_THREADS.here():
            self._run_turns()

    def _run_turns(self) -> None:
        wake = self._wake
        assert wake is not None
        last = False
        while not last:
            wake.acquire(timeout=self._interval_s)
            asked = []
            while self._asked:
                asked.append(self._asked.popleft())
            last = any(each.last for each in asked)
            result = self._guarded_turn(bool(asked), last)
            if last:
                asked.extend(self._asked)
            for each in asked:
                each.result = result
                each.done.release()

    def _guarded_turn(self, now: bool, last: bool) -> bool:
        if not self._turning.acquire(blocking=False):
            return False
        try:
            result = False
            with self._faults.guard("export.run"), suppress_instrumentation():
                result = self._turn(now, last)
            if last:
                self._over = result
            return result
        finally:
            self._turning.release()
