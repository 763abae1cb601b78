"""`otel-verein serve` as a process, over a store with known traffic; and requests to it, also ones that are none."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from otel_verein.api.store import placed
from otel_verein.api.store_jobs import INGEST, ROLLUP, Controls, run_job
from otel_verein.config.schema import Config
from tests.services.ports import accepts
from tests.services.process import READY_S, STOP_S, wait_until
from tests.services.store_load import Load, Traffic

COMMAND = (sys.executable, "-c", "from otel_verein.cli.main import main; main()", "serve")
OPERATIONS = 600
BEGIN_NS = 1_772_323_200_000_000_000


@dataclass(frozen=True)
class Answer:
    """What came back; ``headers`` by name in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


def store(directory: Path) -> Path:
    """A store of half an hour's traffic, in *directory*."""
    root = directory / "store"
    Load(Traffic(operations=OPERATIONS, seconds=1_800, begin_ns=BEGIN_NS, processes=1)).write(root / "otlp")
    config = replace(Config(), store=replace(Config().store, directory=str(root)))
    for job in (INGEST, ROLLUP):
        run_job(placed(config, (), directory), job, Controls())
    return root


def environ() -> dict[str, str]:
    """Our variables, without options of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("VEREIN_")}


@dataclass
class Service:
    """A service that is started in *directory*, with its options as variables, and ended by :meth:`stop`."""

    directory: Path
    arguments: Sequence[str] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    url: str = ""

    def __enter__(self) -> Service:
        """Started, and asked whether it answers."""
        with (self.directory / "serve.err").open("w") as err:
            self.process = subprocess.Popen(
                [*COMMAND, "--port", "0", *self.arguments],
                cwd=self.directory,
                env=environ() | dict(self.options),
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.errors()
        self.url = line.split()[0]
        assert wait_until(lambda: accepts(self.port), READY_S), self.errors()
        return self

    def __exit__(self, *_: object) -> None:
        """Ended, however it stands."""
        assert self.process is not None
        if self.process.poll() is None:
            self.stop()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def stop(self) -> int:
        """The exit status after SIGTERM."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def errors(self) -> str:
        """What it said on stderr."""
        return (self.directory / "serve.err").read_text()

    @property
    def port(self) -> int:
        """The port that it chose."""
        return int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        """Of the process."""
        assert self.process is not None
        return self.process.pid

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to one request, on a connection of its own; *path* goes out as it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            found = connection.getresponse()
            names = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, names, found.read())
        finally:
            connection.close()

    def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer to *body* as JSON."""
        return self.ask(path, "POST", json.dumps(body), {"Content-Type": "application/json", **(headers or {})})

    def raw(self, data: bytes) -> bytes:
        """What comes back when *data* is written, until the other side closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(data)
            parts = []
            while part := connection.recv(65_536):
                parts.append(part)
            return b"".join(parts)
