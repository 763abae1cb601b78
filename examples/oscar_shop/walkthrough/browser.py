"""A browser with cookies and forms but no caches: one request in, one page out."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
REDIRECTS = frozenset({301, 302, 303})


@dataclass(frozen=True, slots=True)
class Page:
    """One response as it came over the wire."""

    method: str
    path: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class Browser:
    """One visitor; keeps cookies, follows redirects, and appends every page to *seen*.

    Not thread-safe: it holds one connection.
    """

    def __init__(self, port: int, seen: list[Page]) -> None:
        self._port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._cookies: dict[str, str] = {}
        self._seen = seen

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, path: str) -> Page:
        """The page at *path*, after redirects."""
        return self._follow(self._request("GET", path, b""))

    def post(self, path: str, form: dict[str, str], *, at: Page) -> Page:
        """The page that answers *form*, sent with the CSRF token that stands on the page *at*."""
        token = TOKEN.search(at.text)
        if token is None:
            raise ValueError(f"{at.path}: no form with a CSRF token on this page (status {at.status})")
        body = urlencode({"csrfmiddlewaretoken": token[1], **form}).encode()
        return self._follow(self._request("POST", path, body))

    def _follow(self, page: Page) -> Page:
        while page.status in REDIRECTS:
            target = urlsplit(page.header("Location"))
            page = self._request("GET", target.path + (f"?{target.query}" if target.query else ""), b"")
        return page

    def _request(self, method: str, path: str, body: bytes) -> Page:
        headers = {"Host": "localhost", "Cookie": "; ".join(f"{k}={v}" for k, v in self._cookies.items())}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body or None, headers)
        response = self._connection.getresponse()
        page = Page(method, path, response.status, tuple(response.getheaders()), response.read())
        self._remember(page)
        self._seen.append(page)
        return page

    def _remember(self, page: Page) -> None:
        for key, value in page.headers:
            if key.lower() != "set-cookie":
                continue
            for name, morsel in SimpleCookie(value).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self._cookies.pop(name, None)
                else:
                    self._cookies[name] = morsel.coded_value
