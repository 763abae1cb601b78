"""The threads that otel-verein runs itself: what they do is not the application's."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class OwnThreads:
    """Knows which threads are ours; thread-safe, and as new in a forked child, which has none of them."""

    def __init__(self) -> None:
        self._idents: set[int] = set()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._idents.clear)

    @contextmanager
    def here(self) -> Iterator[None]:
        """Inside, the calling thread is one of ours."""
        ident = threading.get_ident()
        self._idents.add(ident)
        try:
            yield
        finally:
            self._idents.discard(ident)

    def current(self) -> bool:
        """Whether the calling thread is one of ours."""
        return threading.get_ident() in self._idents


OWN_THREADS = OwnThreads()
"""The process's own: its driver hooks count no query of these threads."""
