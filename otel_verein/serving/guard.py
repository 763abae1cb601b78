"""Which requests are refused before anybody looks at what they ask."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from otel_verein.serving.limits import HEAD_BYTES, URL_BYTES
from otel_verein.serving.problems import Problem

OPEN: Final = ("/health/live", "/health/ready")
"""What says nothing that would need a token."""

_SAFE: Final = ("GET", "HEAD")
_HOST: Final = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(:[0-9]{1,5})?", re.ASCII)
_SCHEMES: Final = ("http://", "https://")
_BEARER: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Rules:
    """The names that the service may be called by, in lower case, and the token that clients have to send, if any."""

    names: frozenset[str]
    token: bytes | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What is looked at of a request; ``headers`` by name in lower case, with every value."""

    method: str
    path: str
    url_bytes: int
    headers: Mapping[str, Sequence[str]]


def refusal(request: Request, rules: Rules) -> Problem | None:
    """Why the *request* is refused; None if it is not.

    The name it calls us by has to be one of ours, or a page of another site could reach us through a name of its own
    (DNS rebinding); what changes something may not come from a page of another site.
    """
    if request.url_bytes > URL_BYTES:
        return Problem(414, f"path and query have {request.url_bytes} bytes; they may have {URL_BYTES}")
    head_bytes = sum(len(name) + len(value) for name, values in request.headers.items() for value in values)
    if head_bytes > HEAD_BYTES:
        return Problem(431, f"the headers have {head_bytes} bytes; they may have {HEAD_BYTES}")
    host = _host(request)
    if host is None or _name(host) not in rules.names:
        return Problem(421, "the Host header is no name of this service; serve.hosts says by which it may be called")
    if request.method not in _SAFE and not _of_our_pages(request, host):
        return Problem(403, "the request comes from a page of another site")
    if rules.token is not None and request.path not in OPEN and not _has_token(request, rules.token):
        return Problem(
            401,
            "a token is needed: send it as `Authorization: Bearer TOKEN`",
            {"WWW-Authenticate": 'Bearer realm="otel-verein"'},
        )
    return None


def _host(request: Request) -> str | None:
    given = request.headers.get("host", ())
    if len(given) != 1:
        return None
    host = given[0].strip().lower()
    return host if _HOST.fullmatch(host) else None


def _name(host: str) -> str:
    found = _HOST.fullmatch(host)
    assert found is not None
    return found[1].strip("[]").rstrip(".")


def _of_our_pages(request: Request, host: str) -> bool:
    """Whether a browser, if one sent the request, says that a page of ours made it."""
    sites = request.headers.get("sec-fetch-site", ())
    if any(site not in ("same-origin", "none") for site in sites):
        return False
    origins = request.headers.get("origin", ())
    return all(origin.lower() in [scheme + host for scheme in _SCHEMES] for origin in origins)


def _has_token(request: Request, token: bytes) -> bool:
    given = request.headers.get("authorization", ())
    if len(given) != 1 or not given[0].lower().startswith(_BEARER):
        return False
    return hmac.compare_digest(given[0][len(_BEARER) :].strip().encode("latin-1", "replace"), token)
