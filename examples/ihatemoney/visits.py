"""A household of eight and a year of its bills, by ihatemoney's own HTTP API; then visits to all that lists them."""

from __future__ import annotations

import base64
import http.client
import re
from dataclasses import dataclass
from urllib.parse import urlencode

PROJECT, PASSWORD = "household", "household"
MEMBERS = ("Ada", "Bela", "Caro", "Dan", "Edda", "Finn", "Gita", "Hugo")
BILLS = 60
ROUNDS = 5
_TOKEN = re.compile(rb'name="csrf_token"[^>]*value="([^"]+)"')
_ADDRESS = re.compile(rb"127\.0\.0\.1:\d+")


class VisitError(Exception):
    """The application answered what it should not; the message says to which request."""


@dataclass(frozen=True)
class Page:
    """One answer; ``plain`` is it without what differs between any two runs."""

    method: str
    path: str
    status: int
    body: bytes

    @property
    def plain(self) -> tuple[str, str, int, bytes]:
        return self.method, self.path, self.status, _ADDRESS.sub(b"", _TOKEN.sub(b"", self.body))


class Browser:
    """Asks one server, and keeps its cookie."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._cookie = ""
        self.pages: list[Page] = []

    def ask(self, method: str, path: str, form: list[tuple[str, str]] | None = None, *, key: bool = False) -> Page:
        """The answer to one request, with the *form* posted; by HTTP's own password where *key* is set."""
        headers = {"Cookie": self._cookie} if self._cookie else {}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if key:
            headers["Authorization"] = "Basic " + base64.b64encode(f"{PROJECT}:{PASSWORD}".encode()).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            connection.request(method, path, urlencode(form) if form is not None else None, headers)
            answer = connection.getresponse()
            page = Page(method, path, answer.status, answer.read())
            self._cookie = (answer.getheader("Set-Cookie") or self._cookie).partition(";")[0]
        finally:
            connection.close()
        if page.status >= 400:
            raise VisitError(f"{method} {path} answered {page.status}: {page.body[:200]!r}")
        self.pages.append(page)
        return page


def fill(port: int) -> None:
    """Make the project, its members and its bills."""
    browser = Browser(port)
    project = [("name", "Household"), ("id", PROJECT), ("password", PASSWORD), ("contact_email", "ada@house.example")]
    browser.ask("POST", "/api/projects", [*project, ("default_currency", "XXX")])
    keys = []
    for name in MEMBERS:
        answer = browser.ask("POST", f"/api/projects/{PROJECT}/members", [("name", name)], key=True)
        keys.append(answer.body.decode().strip())
    for number in range(BILLS):
        owers = [keys[(number + step) % len(keys)] for step in range(1 + number % len(keys))]
        bill = [("date", f"2026-{1 + number % 12:02}-{1 + number % 28:02}"), ("what", f"Bill {number}")]
        bill += [("payer", keys[number % len(keys)]), ("amount", str(10 + number)), ("bill_type", "Expense")]
        bill += [("payed_for", ower) for ower in owers]
        browser.ask("POST", f"/api/projects/{PROJECT}/bills", bill, key=True)


def visit(port: int) -> list[Page]:
    """The pages of a member who looks at everything, some times over."""
    browser = Browser(port)
    login = browser.ask("GET", f"/authenticate?project_id={PROJECT}")
    token = _TOKEN.search(login.body)
    if token is None:
        raise VisitError("the login page has no token")
    form = [("csrf_token", token[1].decode()), ("id", PROJECT), ("password", PASSWORD)]
    browser.ask("POST", "/authenticate", form)
    browser.pages.clear()  # they hold tokens that differ from run to run
    feed = re.search(rf"/{PROJECT}/feed/[^\"']+\.xml", browser.ask("GET", f"/{PROJECT}/").body.decode())
    for _ in range(ROUNDS):
        for page in ("", "statistics", "settle_bills", "history", "export/bills.json", "export/bills.csv"):
            browser.ask("GET", f"/{PROJECT}/{page}")
        if feed is not None:
            browser.ask("GET", feed[0])
        for page in ("", "/members", "/bills", "/statistics"):
            browser.ask("GET", f"/api/projects/{PROJECT}{page}", key=True)
    return browser.pages
