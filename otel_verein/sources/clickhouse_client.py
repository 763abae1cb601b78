"""Asking a ClickHouse over HTTP: nothing is changed, no answer takes for ever, and a fault says what to check."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from threading import Lock
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from otel_verein.errors import MissingExtraError, SourceError
from otel_verein.sources.backend import Backend
from otel_verein.sources.http import is_loopback
from otel_verein.sources.sql.dialect import Query

_PORTS: Final = {"http": 8123, "https": 8443}
_MOST_ROWS: Final = 1_000_000
"""Of one answer: it is refused, rather than held, when it has more."""
_CODE: Final = re.compile(r"\bCode: (\d+)\. DB::")
_SAID: Final = 300
_AUTHENTICATION: Final = frozenset((192, 193, 194, 516))
_CHECKS: Final = {
    **dict.fromkeys(_AUTHENTICATION, "check source.user and source.password_file"),
    47: "check that the tables were made by the exporter of a collector from version 0.86 on",
    60: "check the database in the address, and that the collector has written to it",
    81: "check the database in the address, such as clickhouse:http://localhost:8123/otel",
    158: "ask for less: a window, a service or an operation",
    159: "ask for less, such as a window, or raise source.timeout_s",
    241: "ask for less: a window, a service or an operation",
    396: "ask for less: a window, a service or an operation",
    497: "check the grants of the user: SELECT on the tables otel_traces* and otel_metrics_*",
}
_SETTINGS: Final = {"readonly": 2, "max_result_rows": _MOST_ROWS, "result_overflow_mode": "throw"}


class Client:
    """The connection to one database, made when it is first used. Threads may share it."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._made: Any = None
        self._lock = Lock()  # guards _made

    @property
    def name(self) -> str:
        """The address as the user gives it."""
        return f"clickhouse:{self._backend.url}"

    def rows(self, query: Query) -> Sequence[tuple[Any, ...]]:
        """The rows of the answer; raises SourceError, and MissingExtraError without the client's package."""
        connection = self._connection()
        try:
            found = connection.query(query.text, parameters=dict(query.values)).result_rows
            return [tuple(row) for row in found]
        except Exception as fault:  # noqa: BLE001 - whatever a client makes of an answer that is none
            raise self._error(fault) from None

    def _connection(self) -> Any:
        try:
            import clickhouse_connect
        except ImportError as fault:
            raise MissingExtraError("reading ClickHouse", "clickhouse-connect", "clickhouse") from fault
        with self._lock:
            if self._made is None:
                try:
                    self._made = self._new(clickhouse_connect)
                except Exception as fault:  # noqa: BLE001 - the same
                    raise self._error(fault) from None
            return self._made

    def _new(self, library: Any) -> Any:
        backend = self._backend
        parts = urlsplit(backend.url)
        path, _, database = unquote(parts.path).strip("/").rpartition("/")
        seconds = max(1, math.ceil(backend.timeout_s))
        secret = {"access_token": backend.token} if backend.token else {"password": backend.password}
        port = parts.port or _PORTS[parts.scheme]
        made = library.get_client(
            interface=parts.scheme,
            host=parts.hostname,
            port=port,
            username=backend.user or None,
            **secret,
            database=database or "default",
            proxy_path=path,
            pool_mgr=_pool(parts.scheme, parts.hostname or "", port, backend.ca_file),
            connect_timeout=seconds,
            send_receive_timeout=seconds,
            autogenerate_session_id=False,
            query_limit=0,
        )
        for name, value in (*_SETTINGS.items(), ("max_execution_time", seconds)):
            known = made.server_settings.get(name)
            if known is None or not int(known.readonly):
                made.set_client_setting(name, value)
        return made

    def _error(self, fault: Exception) -> SourceError:
        text = " ".join(str(fault).split())
        for secret in (self._backend.password, self._backend.token):
            text = text.replace(secret, "***") if secret else text
        return SourceError(f"{self.name}: {_problem(text, self._backend.timeout_s)}")


def _pool(scheme: str, host: str, port: int, ca_file: str) -> Any:
    """Connections whose answers have to be whole in time, through the proxy that the environment names, if any."""
    from clickhouse_connect.driver import httputil

    from otel_verein.deadline import bound

    proxy = None if is_loopback(host) else httputil.check_env_proxy(scheme, host, port)
    through: dict[str, Any] = {f"{scheme}_proxy": proxy} if proxy else {}
    manager = httputil.get_pool_manager(ca_cert=ca_file or None, **through)
    bound(manager)
    return manager


def _problem(text: str, timeout_s: float) -> str:
    """What is wrong and what to check, by the text of a fault."""
    lowered = text.lower()
    if found := _CODE.search(text):
        said = text.rpartition("DB::Exception: ")[2].rpartition(" (for url ")[0] or text
        check = _CHECKS.get(int(found[1]))
        return f"it says: {said[:_SAID]}" + (f"; {check}" if check else "")
    if "timed out" in lowered or "timeout" in lowered:
        return f"no whole answer within {timeout_s:g} s; ask for less, or raise source.timeout_s"
    if "certificate" in lowered or "[ssl" in lowered:
        return f"no trusted connection; check source.ca_file and the address: {text[:_SAID]}"
    if any(word in lowered for word in ("refused", "resolve", "unreachable", "max retries")):
        return "cannot be reached; check that it is running, and that the address is that of its HTTP port (8123)"
    if "http status 401" in lowered or "http status 403" in lowered:
        return "asked for other credentials; check source.user, source.password_file and source.token_file"
    return f"gave no whole answer of ClickHouse; check that the address is that of its HTTP port (8123): {text[:_SAID]}"
