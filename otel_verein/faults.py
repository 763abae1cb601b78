"""The one guard: our faults are counted, logged once per kind, and never reach the application."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from types import TracebackType

_logger = logging.getLogger("otel_verein")


def _log(site: str, fault: BaseException) -> None:
    _logger.warning(
        "otel-verein: fault in %s (%s: %s); the application is not affected, more of this kind are only counted",
        site,
        type(fault).__name__,
        fault,
        exc_info=_logger.isEnabledFor(logging.DEBUG),
    )


class Faults:
    """Faults of ours, by the place they happened in.

    *on_first* is called with the place and the fault the first time a kind is seen; tests inject one that
    fails. Counting is exact under the GIL's atomic operations only per thread switch, so a count may be one
    short under heavy contention; it never raises.
    """

    def __init__(self, on_first: Callable[[str, BaseException], None] = _log) -> None:
        self._on_first = on_first
        self._seen: set[tuple[str, type[BaseException]]] = set()
        self.counts: Counter[str] = Counter()

    def report(self, site: str, fault: BaseException) -> None:
        """Count *fault* for *site*; tell about the first of its kind."""
        self.counts[site] += 1
        kind = (site, type(fault))
        if kind not in self._seen:
            self._seen.add(kind)
            self._on_first(site, fault)

    def guard(self, site: str) -> _Guard:
        """A context that keeps exceptions of ours (not KeyboardInterrupt and its like) from going further."""
        return _Guard(self, site)


class _Guard:
    __slots__ = ("_faults", "_site")

    def __init__(self, faults: Faults, site: str) -> None:
        self._faults = faults
        self._site = site

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if fault is None or not isinstance(fault, Exception):
            return False
        self._faults.report(self._site, fault)
        return True


FAULTS = Faults()
"""The process's own, used unless another is injected."""
