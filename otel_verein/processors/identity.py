"""Who sends: the resource of this very process, also after a fork."""

from __future__ import annotations

import os
import uuid

from opentelemetry.sdk.resources import Resource

from otel_verein import semconv
from otel_verein.version import __version__

_INSTANCE = "service.instance.id"


class ProcessResource:
    """Gives *base* with the id of the process that asks; every process has a ``service.instance.id`` of its own."""

    def __init__(self, base: Resource) -> None:
        self._base = base
        self._fixed = _INSTANCE in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
        self._made: tuple[int, Resource] | None = None

    def __call__(self) -> Resource:
        """The resource of the calling process; the same object until it forks."""
        made, pid = self._made, os.getpid()
        if made is None or made[0] != pid:
            own: dict[str, str | int] = {
                "process.pid": pid,
                "telemetry.distro.name": semconv.SCOPE.replace("_", "-"),
                "telemetry.distro.version": __version__,
            }
            if not self._fixed:
                own[_INSTANCE] = str(uuid.uuid4())
            made = self._made = (pid, self._base.merge(Resource(own)))
        return made[1]
