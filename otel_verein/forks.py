"""Forks wait while a thread of ours imports: a child would find the locks of half-imported modules taken for ever.

The interpreter makes its own import lock whole again in a child, but not the locks of single modules. A child that
imports what a thread of its parent was importing at the fork hangs.
"""

from __future__ import annotations

import os
from _thread import RLock  # a real one, before gevent can put one of greenlets in its place
from collections.abc import Iterator
from contextlib import contextmanager

_AT_MOST_S = 2.0
"""How long a fork waits at most; what we import takes well under a second of processor time."""


class ForkGate:
    """Holds the forks of this process back while :meth:`closed` is entered, for a bounded time; thread-safe."""

    def __init__(self, at_most_s: float = _AT_MOST_S) -> None:
        self._at_most_s = at_most_s
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._before, after_in_parent=self._after_in_parent, after_in_child=self._renew)

    def _renew(self) -> None:
        self._lock = RLock()  # held while a thread of ours imports, and while the process forks
        self._held = False

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Inside, no fork happens that has not waited as long as it may; for imports only, never for an export."""
        lock = self._lock
        taken = lock.acquire(timeout=self._at_most_s)
        try:
            yield
        finally:
            if taken:
                lock.release()

    def _before(self) -> None:
        self._held = self._lock.acquire(timeout=self._at_most_s)

    def _after_in_parent(self) -> None:
        if self._held:
            self._held = False
            self._lock.release()


GATE = ForkGate()
"""The process's own: its forks wait for every thread of ours."""
