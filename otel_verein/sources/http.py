"""Questions to a backend over HTTP: an answer that is whole, in time and of bounded size, or an error.

The error says what to check. Only GET is sent, so a question whose answer was lost on its way may be asked again.
"""

from __future__ import annotations

import base64
import ipaddress
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import local
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from otel_verein.clock import Clock
from otel_verein.errors import SourceError

if TYPE_CHECKING:
    import requests

    from otel_verein.sources.backend import Backend

_ATTEMPTS: Final = 3
_PAUSE_S: Final = 0.2
_REDIRECTS: Final = 3
_AGAIN: Final = frozenset({502, 503, 504})
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_BLOCK: Final = 1 << 16
_SAID: Final = 200
"""Characters of what a backend says of a fault that go into the error."""


@dataclass(frozen=True, slots=True)
class Product:
    """How errors speak of a backend: the word before its address, its name, and which port is meant."""

    kind: str
    name: str
    port: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The status and the whole body of an answer."""

    status: int
    body: bytes


class TooLargeError(SourceError):
    """An answer with more bytes than are read; less may be asked for."""


class Http:
    """Asks *backend*; threads may share it. Everything that is not an answer is a SourceError.

    Nothing beyond ``most_bytes`` of an answer is read, unpacked ones where it is packed.
    """

    def __init__(self, backend: Backend, product: Product, most_bytes: int) -> None:
        self._backend = backend
        self._product = product
        self.most_bytes = most_bytes
        self._sessions = local()

    @property
    def name(self) -> str:
        """The address as the user gave it."""
        return f"{self._product.kind}:{self._backend.url}"

    def fault(self, what: str) -> SourceError:
        """An error at this place."""
        return SourceError(f"{self.name}: {what}")

    def get(self, path: str, query: Mapping[str, str] | None = None, accepted: frozenset[int] = frozenset()) -> Answer:
        """The answer to *path* below the address, of status 200 or one that is *accepted*.

        It is whole within ``timeout_s`` of the connection, or else there is none. After a broken connection, 502, 503
        and 504 the question is asked again, twice at most and not once the time is over.
        """
        import requests

        url = self._backend.url + path
        begun_s = Clock.seconds()
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS or Clock.seconds() - begun_s >= self._backend.timeout_s
            try:
                answer = self._followed(url, query)
            except (requests.RequestException, OSError) as fault:
                if last or not _is_broken(fault):
                    raise self._unanswered(fault) from fault
            else:
                if answer.status == 200 or answer.status in accepted:
                    return answer
                if last or answer.status not in _AGAIN:
                    raise self.refused(answer)
            time.sleep(_PAUSE_S * attempt)
        raise AssertionError("the last attempt returns or raises")

    def _followed(self, url: str, query: Mapping[str, str] | None) -> Answer:
        """The answer, redirects followed as long as they stay with the same server: another one gets no token."""
        for _ in range(_REDIRECTS + 1):
            answer, moved = self._once(url, query)
            if moved is None:
                return answer
            target = urljoin(url, moved)
            if _server(target) != _server(url):
                raise self.fault(
                    f"sends on to another server, {_shown(target)}, which is not followed; is there a login in front "
                    "of it, or has the address changed?"
                )
            url, query = target, None
        raise self.fault("sends on and on; is there a login in front of it?")

    def _once(self, url: str, query: Mapping[str, str] | None) -> tuple[Answer, str | None]:
        backend = self._backend
        verify = backend.ca_file or True
        if backend.ca_file and not _is_readable(backend.ca_file):
            raise SourceError(f"source.ca_file: {backend.ca_file} cannot be read")
        with self._session().get(
            url,
            params=query,
            timeout=(backend.timeout_s, backend.timeout_s),
            allow_redirects=False,
            stream=True,
            verify=verify,
        ) as answer:
            moved = answer.headers.get("Location") if answer.status_code in _MOVED else None
            return Answer(answer.status_code, b"" if moved else b"".join(self._blocks(answer))), moved

    def _blocks(self, answer: requests.Response) -> Iterator[bytes]:
        read = 0
        for block in answer.iter_content(_BLOCK):
            read += len(block)
            if read > self.most_bytes:
                raise TooLargeError(
                    f"{self.name}: an answer has more than {self.most_bytes / 1e6:g} MB; ask for a shorter time"
                )
            yield block

    def _session(self) -> requests.Session:
        known: requests.Session | None = getattr(self._sessions, "session", None)
        if known is None:
            known = self._sessions.session = _session(self._backend)
        return known

    def refused(self, answer: Answer) -> SourceError:
        """What to say of an answer that is a refusal."""
        said = said_in(answer.body)
        status = f"answers {answer.status}" + (f" ({said})" if said else "")
        if answer.status in (401, 403):
            return self.fault(
                f"{status}; check source.token_file, or source.user and source.password_file, and source.tenant"
            )
        if answer.status in (404, 405):
            return self.fault(f"{status}; {self._right_port} And is a path before `/api` missing in the address?")
        if answer.status == 429:
            return self.fault(f"{status}; it takes no more questions at the moment, ask again later")
        if answer.status >= 500:
            return self.fault(f"{status}; its own log tells more")
        return self.fault(status)

    def _unanswered(self, fault: Exception) -> SourceError:
        """What went wrong with the connection, and what to check."""
        import requests
        from urllib3.exceptions import ReadTimeoutError

        if isinstance(fault, requests.exceptions.SSLError):
            return self.fault(
                f"no TLS connection ({_root(fault)}); check source.ca_file, and whether the address has to begin "
                "with http: or https:"
            )
        if isinstance(fault, requests.Timeout) or any(isinstance(each, ReadTimeoutError) for each in _chain(fault)):
            return self.fault(
                f"no whole answer within {self._backend.timeout_s:g} s; ask for a shorter time, or raise "
                "source.timeout_s"
            )
        if _is_broken(fault):
            return self.fault(f"the connection broke ({_root(fault)}); {self._right_port}")
        return self.fault(f"cannot be reached ({_root(fault)}); is {self._product.name} running? {self._right_port}")

    @property
    def _right_port(self) -> str:
        return f"is this {self._product.port}?"


def said_in(body: bytes) -> str:
    """What the body of a refusal says, as one short line; empty for a web page."""
    text = body[:4096].decode("utf-8", "replace").strip()
    if text.startswith("<"):
        return ""
    shown = "".join(each if each.isprintable() else " " for each in text)
    line = " ".join(shown.split())
    return line if len(line) <= _SAID else line[:_SAID] + "..."


def is_page(body: bytes) -> bool:
    """Whether it is HTML, as a login or a user interface answers to everything."""
    return body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _session(backend: Backend) -> requests.Session:
    import requests

    from otel_verein.deadline import DeadlineAdapter

    session = requests.Session()
    session.trust_env = not is_loopback(urlsplit(backend.url).hostname or "")  # its proxies are not for this machine
    for prefix in ("http://", "https://"):
        session.mount(prefix, DeadlineAdapter())
    session.headers["Accept"] = "application/json"
    if backend.tenant:
        session.headers["X-Scope-OrgID"] = backend.tenant
    session.auth = _credentials(backend)  # even when there are none: else requests looks for some in ~/.netrc
    return session


def _credentials(backend: Backend) -> Any:
    value = None
    if backend.token:
        value = f"Bearer {backend.token}"
    elif backend.user or backend.password:
        pair = base64.b64encode(f"{backend.user}:{backend.password}".encode()).decode("ascii")
        value = f"Basic {pair}"

    def shown(request: Any) -> Any:
        if value is not None:
            request.headers["Authorization"] = value
        return request

    return shown


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_readable(file: str) -> bool:
    try:
        with open(file, "rb"):
            return True
    except OSError:
        return False


def _server(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def _is_broken(fault: BaseException) -> bool:
    """Whether the connection was there and went away."""
    from http.client import HTTPException

    return any(isinstance(each, (ConnectionResetError, BrokenPipeError, HTTPException)) for each in _chain(fault))


def _root(fault: BaseException) -> str:
    """The innermost reason."""
    *_, innermost = _chain(fault)
    return getattr(innermost, "strerror", None) or str(innermost) or type(innermost).__name__


def _chain(fault: BaseException) -> Iterator[BaseException]:
    """The fault and what led to it, by its causes and by what libraries pass on as arguments."""
    seen: set[int] = set()
    waiting = [fault]
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        reason = getattr(each, "reason", None)
        further = (each.__cause__, each.__context__, reason, *each.args)
        waiting += [one for one in further if isinstance(one, BaseException)]
