"""A MariaDB server whose general log witnesses what it ran."""

from __future__ import annotations

import re
import shutil

from tests.services.ports import LOOPBACK, accepts, free_port
from tests.services.process import ServerProcess, ServiceAbsent, account

USER = "verein"
PASSWORD = "verein"
DATABASE = "verein"
_ENTRY = re.compile(r"^(?:\d{6}\s+\d?\d:\d\d:\d\d)?\t+ *\d+ (\w+(?: \w+)?)\t(.*)$")


class MariaDB:
    """A running server; a context manager that ends it."""

    def __init__(self) -> None:
        server, install = shutil.which("mariadbd", path=_PATH), shutil.which("mariadb-install-db", path=_PATH)
        if not server or not install:
            raise ServiceAbsent("MariaDB is not installed; run scripts/install-services")
        self.port = free_port()
        self._server = ServerProcess("mariadb", account("mysql"))
        self._general = self._server.directory / "general.log"
        data = self._server.directory / "data"
        self._server.run([
            install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
            "--skip-test-db", "--skip-name-resolve",
        ])  # fmt: skip
        users = self._server.directory / "users.sql"
        users.write_text(
            f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4;\n"
            f"CREATE USER {USER}@'{LOOPBACK}' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL ON *.* TO {USER}@'{LOOPBACK}';\n"
        )
        users.chmod(0o644)
        self._server.start([
            server, "--no-defaults", f"--datadir={data}", f"--bind-address={LOOPBACK}", f"--port={self.port}",
            f"--socket={self._server.directory / 's'}", f"--pid-file={self._server.directory / 'pid'}",
            f"--init-file={users}", "--skip-name-resolve", "--max-connections=60",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M",
            "--innodb-flush-method=nosync",
            "--general-log=1", "--log-output=FILE", f"--general-log-file={self._general}",
        ], self._ready)  # fmt: skip

    def __enter__(self) -> MariaDB:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server and remove its data."""
        self._server.stop()

    @property
    def address(self) -> dict[str, object]:
        """Keyword arguments of ``connect`` in PyMySQL and mysqlclient."""
        return {"host": LOOPBACK, "port": self.port, "user": USER, "password": PASSWORD, "database": DATABASE}

    def statements(self) -> list[str]:
        """Every statement the server was sent, in the order of its log, failed ones included."""
        found: list[str] = []
        is_query = False
        for line in self._general.read_text(errors="replace").splitlines():
            entry = _ENTRY.match(line)
            if entry:
                is_query = entry[1] in {"Query", "Execute"}
                if is_query:
                    found.append(entry[2])
            elif is_query:
                found[-1] += "\n" + line
        return found

    def _ready(self) -> bool:
        return self._server.said("ready for connections") and accepts(self.port)


_PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
