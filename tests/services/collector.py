"""A real OpenTelemetry collector: the one that ``make collector`` builds, with any configuration."""

from __future__ import annotations

import os
import re
import shutil
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.services.exposition import Sample, scrape, total
from tests.services.kept import kept
from tests.services.ports import accepts
from tests.services.process import ServerProcess, ServiceAbsent, ServiceFailed

FLUSH_S = 30.0


def binary() -> Path:
    """The collector that ``VEREIN_COLLECTOR`` names, else the one that was built from our manifest.

    Raises :class:`ServiceAbsent` where there is neither.
    """
    named = os.environ.get("VEREIN_COLLECTOR")
    if not named:
        return kept("build-collector")
    found = shutil.which(named)
    if found is None:
        raise ServiceAbsent(f"VEREIN_COLLECTOR={named} is no program")
    return Path(found).resolve()


class Collector:
    """A running collector; a context manager that ends it.

    Where it listens is read from *config*, a document of the collector's; relative paths in it lead from *directory*.
    It is ready when its ``health_check`` says so, and where the configuration has none, when its first OTLP receiver
    accepts. *gates* are names of feature gates, switched on. *environment* is laid over ours; *memory_mib* becomes
    ``GOMEMLIMIT``. *under* is put before the command, such as ``("taskset", "-c", "0")``; it has to end in an exec.
    Without a *directory* it has one of its own, which goes with :meth:`close`.
    """

    def __init__(
        self,
        config: str,
        *,
        gates: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        memory_mib: int | None = None,
        directory: Path | None = None,
        under: Sequence[str] = (),
    ) -> None:
        program = binary()
        self._config = yaml.safe_load(config)
        self._server = ServerProcess("collector", None, directory)
        self._environment = {**os.environ, **(environment or {})}
        if memory_mib is not None:
            self._environment["GOMEMLIMIT"] = f"{memory_mib}MiB"
        path = self.directory / "collector.yaml"
        path.write_text(config, encoding="utf-8")
        switches = [f"--feature-gates={','.join(f'+{gate}' for gate in gates)}"] if gates else []
        self._command = [*under, str(program), "--config", str(path), *switches]
        self.start()

    def __enter__(self) -> Collector:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start it (again), in the same directory and on the same ports, and return when it is ready."""
        self._server.start(self._command, self._ready, self._environment)

    def kill(self) -> None:
        """End it by SIGKILL; its directory stays."""
        self._server.kill()

    def stop(self, seconds: float = FLUSH_S) -> None:
        """End it by SIGTERM and wait until it has flushed; its directory stays.

        Raises :class:`ServiceFailed` where it ran on for longer than *seconds*, or ended with a fault.
        """
        if code := self._server.end(seconds=seconds):
            raise ServiceFailed(f"the collector ended with {code}; its log ends:\n{self._server.tail()}")

    def close(self) -> None:
        """End it and remove its own directory; safe to call twice."""
        self._server.stop()

    @property
    def directory(self) -> Path:
        """Where it runs."""
        return self._server.directory

    @property
    def log(self) -> str:
        """All that it has said, since its first start."""
        return self._server.log.read_text(encoding="utf-8", errors="replace")

    @property
    def pid(self) -> int:
        """Its process."""
        return self._server.pid

    @property
    def http_endpoint(self) -> str:
        """``host:port`` of its OTLP receiver for HTTP."""
        return self._otlp("http")

    @property
    def grpc_endpoint(self) -> str:
        """``host:port`` of its OTLP receiver for gRPC."""
        return self._otlp("grpc")

    def samples(self) -> list[Sample]:
        """What its own telemetry says now."""
        return scrape(f"http://{self._telemetry()}/metrics")

    def metric(self, name: str, *, absent: float | None = None, **labels: str) -> float:
        """The sum of its own series *name* with these *labels*; where there is none, see :func:`exposition.total`.

        The collector has no series of a counter before it first counts: give ``absent=0`` where zero is expected.
        """
        return total(self.samples(), name, labels, absent=absent)

    def rss_bytes(self) -> int:
        """Its resident memory now."""
        return self._status_kib("VmRSS") * 1024

    def peak_rss_bytes(self) -> int:
        """The most resident memory that it had since its start."""
        return self._status_kib("VmHWM") * 1024

    def cpu_s(self) -> float:
        """The processor time that it has used since its start, in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _status_kib(self, key: str) -> int:
        found = re.search(rf"^{key}:\s+(\d+) kB$", Path(f"/proc/{self.pid}/status").read_text(), re.M)
        assert found, f"/proc has no {key}"
        return int(found[1])

    def _ready(self) -> bool:
        health = self._config.get("extensions", {}).get("health_check")
        if health is None:
            return accepts(int(self._first_otlp().rpartition(":")[2]))
        try:
            with urllib.request.urlopen(f"http://{health['endpoint']}/", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _receivers(self) -> list[dict[str, Any]]:
        return [
            receiver["protocols"]
            for name, receiver in self._config["receivers"].items()
            if name.partition("/")[0] == "otlp"
        ]

    def _otlp(self, protocol: str) -> str:
        return next(str(found[protocol]["endpoint"]) for found in self._receivers() if protocol in found)

    def _first_otlp(self) -> str:
        return next(str(listener["endpoint"]) for found in self._receivers() for listener in found.values())

    def _telemetry(self) -> str:
        for reader in self._config["service"]["telemetry"]["metrics"]["readers"]:
            address = reader.get("pull", {}).get("exporter", {}).get("prometheus")
            if address:
                return f"{address['host']}:{address['port']}"
        raise LookupError("the configuration lets nobody scrape the collector's own telemetry")
