"""A PostgreSQL server whose log and pg_stat_statements witness what it ran."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.services.ports import LOOPBACK, accepts, free_port
from tests.services.process import ServerProcess, ServiceAbsent, account

USER = "verein"
DATABASE = "postgres"
_ENTRY = re.compile(r"^\[(\d+)\] (LOG|ERROR|STATEMENT|DETAIL|HINT|CONTEXT|WARNING|FATAL|PANIC|NOTICE):  (.*)$", re.S)
_RAN = re.compile(r"^(?:statement|execute [^:]*): (.*)$", re.S)


@dataclass(frozen=True)
class _Entry:
    pid: str
    level: str
    text: str


class Postgres:
    """A running server; a context manager that ends it."""

    def __init__(self) -> None:
        binaries = _binaries()
        self.port = free_port()
        self._server = ServerProcess("postgres", account("postgres"))
        data = self._server.directory / "data"
        self._server.run([
            str(binaries / "initdb"), "-D", str(data), "-U", USER, "-A", "trust", "-E", "UTF8",
            "--locale=C", "--no-sync", "--no-instructions",
        ])  # fmt: skip
        settings = {
            "listen_addresses": LOOPBACK,
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": 60,
            "shared_preload_libraries": "pg_stat_statements",
            "log_statement": "all",
            "log_min_error_statement": "error",
            "log_line_prefix": "[%p] ",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._server.start([str(binaries / "postgres"), "-D", str(data), *options], self._ready)

    def __enter__(self) -> Postgres:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, not awaited."""
        self._server.stop(signal.SIGINT)

    @property
    def url(self) -> str:
        """The connection string for psycopg and psycopg2."""
        return f"postgresql://{USER}@{LOOPBACK}:{self.port}/{DATABASE}"

    def statements(self) -> list[str]:
        """Every statement the server was asked to run, in the order of its log, failed ones included."""
        found: list[str] = []
        last: dict[str, str | None] = {}
        for entry in self._entries():
            ran = _RAN.match(entry.text) if entry.level == "LOG" else None
            if ran:
                found.append(ran[1])
                last[entry.pid] = ran[1]
            elif entry.level == "STATEMENT":
                # Logged for an error; one refused before it ran (unknown table) has no line of its own.
                if last.get(entry.pid) != entry.text:
                    found.append(entry.text)
                last[entry.pid] = None
        return found

    def _entries(self) -> list[_Entry]:
        # Further lines of one entry are indented by a tab.
        text = self._server.log.read_text(errors="replace").replace("\n\t", "\x00")
        matches = (_ENTRY.match(line) for line in text.split("\n"))
        return [_Entry(found[1], found[2], found[3].replace("\x00", "\n")) for found in matches if found]

    def _ready(self) -> bool:
        return self._server.said("ready to accept connections") and accepts(self.port)


def _binaries() -> Path:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not versions:
        raise ServiceAbsent("PostgreSQL is not installed; run scripts/install-services")
    return versions[-1].parent
