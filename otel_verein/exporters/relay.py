"""The session that an OTLP/HTTP exporter of OpenTelemetry is given: it says where to, we say what, and get the answer.

Those exporters read the standard variables (endpoint, headers, timeout, certificates), and speak through a session
that may be given to them. Ours puts our bytes in the place of theirs, and takes what is answered past their retries,
which sleep, and past their log lines, one for each failure.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from opentelemetry.util._importlib_metadata import entry_points

from otel_verein.deadline import DeadlineAdapter
from otel_verein.delivery import Delivery, Outcome

_LATER = frozenset({408, 429, 502, 503, 504})
"""The last four as the OTLP specification has them; a proxy says 408 where a connection was too slow for it."""


class Answer(NamedTuple):
    """What became of one request: an answer, or a fault and no answer."""

    url: str
    response: requests.Response | None
    fault: Exception | None

    def delivery(self, rejected: Callable[[bytes], int]) -> Delivery:
        """The same in our terms; *rejected* reads the body of a success."""
        parts = urlsplit(self.url)
        to = f"cannot send to {parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}: "
        if self.response is None:
            # A ValueError is a broken URL or header, which no second attempt makes whole.
            outcome = Outcome.REFUSED if isinstance(self.fault, ValueError) else Outcome.LATER
            return Delivery(outcome, to + _reason(self.fault))
        status = self.response.status_code
        if 200 <= status < 300:
            return Delivery(Outcome.TAKEN, rejected=_rejected(self.response, rejected))
        if status == requests.codes.request_entity_too_large:
            return Delivery(Outcome.TOO_LARGE, to + "413 for a single one")
        said = to + f"{status} {self.response.reason or ''}".rstrip()
        if status in _LATER:
            return Delivery(Outcome.LATER, said, retry_after_s=retry_after_s(self.response.headers.get("Retry-After")))
        return Delivery(Outcome.REFUSED, said)


class Answered(BaseException):
    """Carries an answer past an exporter, which catches every Exception; never leaves the one who asked for it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


class Relay(requests.Session):
    """Sends :attr:`body` in the place of what it is asked to send, and raises :class:`Answered`."""

    def __init__(self, environ: Mapping[str, str], signal: str) -> None:
        super().__init__()
        self.body = b""
        self._compression = setting(environ, signal, "COMPRESSION").strip().lower()
        self._through = _credentials(environ, signal) or _session()

    def request(self, method: Any, url: Any, *_: Any, **given: Any) -> requests.Response:
        """Send, and raise what was answered."""
        headers = {**self.headers, **(given.get("headers") or {})}
        body = self.body
        if self._compression in ("gzip", "deflate"):
            headers["Content-Encoding"] = self._compression
            body = gzip.compress(body) if self._compression == "gzip" else zlib.compress(body)
        how = {
            "data": body,
            "headers": headers,
            "timeout": given.get("timeout"),
            "verify": given.get("verify", self.verify),
            "cert": given.get("cert", self.cert),
            "allow_redirects": False,
        }
        try:
            response = self._sent(method, url, how)
        except Exception as fault:  # noqa: BLE001 - handed to who asked, who says it once
            raise Answered(Answer(url, None, fault)) from None
        raise Answered(Answer(url, response, None))

    def _sent(self, method: str, url: str, how: Mapping[str, Any]) -> requests.Response:
        try:
            return self._through.request(method, url, **how)
        except requests.ConnectionError as fault:
            # A connection that was kept open and that the server closed meanwhile; a new one is worth trying at once.
            if not isinstance(_root(fault), ConnectionResetError | BrokenPipeError):
                raise
        return self._through.request(method, url, **how)

    def close(self) -> None:
        """Close the connections."""
        super().close()
        self._through.close()


def setting(environ: Mapping[str, str], signal: str, name: str) -> str:
    """The standard variable of one signal, ``TRACES`` or ``METRICS``, or the one of all."""
    return environ.get(f"OTEL_EXPORTER_OTLP_{signal}_{name}") or environ.get(f"OTEL_EXPORTER_OTLP_{name}", "")


def retry_after_s(header: str | None) -> float | None:
    """What a ``Retry-After`` header asks for: seconds or a date; None if it says nothing that can be read."""
    if header is None:
        return None
    try:
        return max(0.0, float(int(header.strip())))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(header)
    except (TypeError, ValueError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=timezone.utc)
    return max(0.0, (at - datetime.now(timezone.utc)).total_seconds())


def _session() -> requests.Session:
    session = requests.Session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, DeadlineAdapter())
    return session


def _credentials(environ: Mapping[str, str], signal: str) -> requests.Session | None:
    """The session of a credential provider, which the exporter would use if it were not given ours."""
    prefix = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_"
    name = environ.get(f"{prefix}CREDENTIAL_PROVIDER") or environ.get(f"{prefix}{signal}_CREDENTIAL_PROVIDER")
    if not name:
        return None
    for found in entry_points(group="opentelemetry_otlp_credential_provider", name=name):
        session = found.load()()
        if isinstance(session, requests.Session):
            return session
    raise RuntimeError(f"the credential provider {name!r} is not installed, or gives no requests.Session")


def _rejected(response: requests.Response, read: Callable[[bytes], int]) -> int:
    if not response.content or not response.headers.get("Content-Type", "").startswith("application/x-protobuf"):
        return 0
    try:
        return max(0, read(response.content))
    except Exception:  # noqa: BLE001 - a success whose details cannot be read is still one
        return 0


def _root(fault: BaseException) -> BaseException:
    """The fault that all others were raised for."""
    seen = {fault}
    while (cause := fault.__cause__ or fault.__context__) is not None and cause not in seen:
        seen.add(cause)
        fault = cause
    return fault


def _reason(fault: BaseException | None) -> str:
    if fault is None:
        return "no answer"
    if isinstance(fault, requests.Timeout):
        return "no answer in time"
    root = _root(fault)
    return (root.strerror if isinstance(root, OSError) and root.strerror else str(root)) or type(root).__name__
