"""Who sends: the resource of this very process, also after a fork."""

from __future__ import annotations

import os
import sys
import uuid

from opentelemetry.sdk.resources import Resource

from otel_verein import semconv
from otel_verein.version import __version__

_INSTANCE = "service.instance.id"


class ProcessResource:
    """Gives *base* with the id of the process that asks; every process has a ``service.instance.id`` of its own.

    An id that *base* brings is kept in the process that was given it; a process that was forked or spawned by it
    appends its process id and a few random digits, since two processes of one id would overwrite each other's sums.
    """

    def __init__(self, base: Resource) -> None:
        self._base = base
        self._owner = os.getpid()
        self._forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._made: dict[str, Resource] = {}

    def __call__(self) -> Resource:
        """The resource of the calling process; the same object for all its threads until it forks."""
        made = self._made.get(_INSTANCE)
        # Of two threads that are the first, one makes the id of both.
        return made if made is not None else self._made.setdefault(_INSTANCE, self._new())

    def _new(self) -> Resource:
        pid = os.getpid()
        own: dict[str, str | int] = {
            "process.pid": pid,
            "telemetry.distro.name": semconv.SCOPE.replace("_", "-"),
            "telemetry.distro.version": __version__,
            _INSTANCE: self._instance(pid),
        }
        return self._base.merge(Resource(own))

    def _instance(self, pid: int) -> str:
        given = self._base.attributes.get(_INSTANCE)
        if not given:
            return str(uuid.uuid4())
        if pid == self._owner and not _spawned():
            return str(given)
        return f"{given}-{pid}-{os.urandom(3).hex()}"  # process ids come again


def _spawned() -> bool:
    """Whether ``multiprocessing`` started this process, as uvicorn does with its workers; it is not imported for it."""
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and processes.parent_process() is not None
