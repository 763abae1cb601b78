"""The demo shop, end to end: same bytes with and without recording, true counts, a named N+1, a silent twin.

Two walks through the shop are compared: one under plain gunicorn, one under ``otel-verein run`` with a
witness in SQLite itself.  Both start from copies of the same data, so whatever differs is our doing.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import oscar
import pytest

SHOP = Path(__file__).resolve().parents[2] / "examples" / "oscar_shop"
sys.path.insert(0, str(SHOP))

import demo  # noqa: E402
from shop import witness  # noqa: E402
from walkthrough.browser import Page  # noqa: E402
from walkthrough.server import fresh, serving  # noqa: E402
from walkthrough.traffic import surprises, visit  # noqa: E402

BIN = Path(sys.executable).parent
OSCAR = Path(oscar.__file__).parent
GUNICORN = [str(BIN / "gunicorn"), *demo.GUNICORN[1:]]
MASKS = (
    (re.compile(rb'(name="csrfmiddlewaretoken" value=")[^"]+'), rb"\1*"),
    (re.compile(rb'(<meta name="created" content=")[^"]+'), rb"\1*"),
)
COOKIE_MASKS = (
    (re.compile(r"^(csrftoken|sessionid)=[^;]+"), r"\1=*"),
    (re.compile(r"^(messages=[^:;]+):[^;]+"), r"\1:*"),  # the time of signing and its signature; the text stays
    (re.compile(r"expires=[^;]+"), "expires=*"),
)
ROUTES = """
import json, sys
import django
django.setup()
from django.urls import Resolver404, resolve
def name(path):
    try:
        match = resolve(path.partition("?")[0])
    except Resolver404:
        return None
    return "/" + match.route
print(json.dumps([name(path) for path in json.load(sys.stdin)]))
"""


class WitnessedPages(list[Page]):
    """Pages that know how many queries SQLite had run by the time each arrived; one visitor at a time."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._before = len(witness.queries(directory))
        self.queries: list[int] = []

    def append(self, page: Page) -> None:
        super().append(page)
        now = len(witness.queries(self._directory))
        self.queries.append(now - self._before)
        self._before = now


@dataclass(frozen=True)
class Walks:
    """What both walks brought home."""

    bare: list[Page]
    recorded: WitnessedPages
    statements: list[str]
    report: dict[str, Any]

    def route(self, route: str) -> dict[str, Any]:
        """The report's entry of the GET operation of *route*."""
        return next(one for one in self.report["operations"] if one["operation"] == f"GET {route}")

    def findings(self, route: str) -> list[dict[str, Any]]:
        return [one for one in self.report["findings"] if one["operation"] == f"GET {route}"]


@pytest.fixture(scope="module")
def data() -> Path:
    """The seeded shop, built once for all runs on this machine."""
    return demo.seeded()


@pytest.fixture(scope="module")
def walks(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Walks:
    """Both walks and the report over the recorded one."""
    directory = tmp_path_factory.mktemp("shop")
    plain = fresh(directory / "bare", data)
    with serving(GUNICORN, directory / "bare", plain) as port:
        bare = visit(port)
    seen = directory / "witness"
    environment = {
        **fresh(directory / "recorded", data),
        "DJANGO_SETTINGS_MODULE": "shop.settings_witness",
        "SHOP_WITNESS_DIRECTORY": str(seen),
    }
    with serving([str(BIN / "otel-verein"), "run", "--", *GUNICORN], directory / "recorded", environment) as port:
        recorded = WitnessedPages(seen)
        visit(port, recorded)
    statements = witness.queries(seen)
    return Walks(bare, recorded, statements, report(environment))


def report(environment: dict[str, str]) -> dict[str, Any]:
    """The report as JSON, from the command itself."""
    done = subprocess.run(
        [str(BIN / "otel-verein"), "report", "--json"],
        cwd=SHOP,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def operation_names(pages: list[Page], data: Path) -> list[str]:
    """What Django's own resolver calls the route of each page."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ROUTES],
        cwd=SHOP,
        env={**os.environ, "SHOP_DATA": str(data), "DJANGO_SETTINGS_MODULE": "shop.settings"},
        input=json.dumps([page.path for page in pages]),
        capture_output=True,
        text=True,
        check=True,
    )
    return [
        f"{page.method} {route or f'(no route, {page.status // 100}xx)'}"
        for page, route in zip(pages, json.loads(done.stdout), strict=True)
    ]


def masked(page: Page) -> tuple[Any, ...]:
    """The page without what differs between any two runs: tokens, session, cookie expiry and the clock."""
    body = page.body
    for pattern, replacement in MASKS:
        body = pattern.sub(replacement, body)
    headers = []
    for name, value in page.headers:
        if name == "Set-Cookie":
            for pattern, replacement in COOKIE_MASKS:
                value = pattern.sub(replacement, value)
        if name != "Date":
            headers.append((name, value))
    return page.method, page.path, page.status, headers, body


def test_responses_are_byte_identical(walks: Walks) -> None:
    """Recording changes no status, header or byte of any response, nor their order."""
    assert len(walks.bare) >= 200
    assert surprises(walks.bare) == []

    assert len(walks.bare) == len(walks.recorded)
    for bare, recorded in zip(walks.bare, walks.recorded, strict=True):
        assert masked(bare) == masked(recorded)


def test_query_counts_per_operation_are_those_of_the_witness(walks: Walks, data: Path) -> None:
    """Per operation and in total, the report counts the queries that SQLite says it ran; none is 0, not unknown."""
    expected: Counter[str] = Counter()
    for name, queries in zip(operation_names(walks.recorded, data), walks.recorded.queries, strict=True):
        expected[name] += queries

    counted = {one["operation"]: one["queries"]["total"] for one in walks.report["operations"]}
    assert dict(expected) == counted
    assert len(walks.statements) == sum(counted.values()) + walks.report["unattributed_queries"]
    assert 0 in counted.values()


def test_every_request_is_counted(walks: Walks, data: Path) -> None:
    """Each request is one operation of the report, and each operation was kept and written, or sampled out."""
    expected = Counter(operation_names(walks.recorded, data))
    expected["GET (no route, 4xx)"] += 1  # the request by which `serving` saw that the server answers

    counted = {one["operation"]: one["count"] for one in walks.report["operations"]}
    loss = walks.report["loss"]
    assert dict(expected) == counted
    assert loss["started"] == loss["kept"] + loss["sampled_out"] == sum(expected.values())
    assert {reason: lost for reason, lost in loss["dropped"].items() if lost} == {}


def test_list_of_orders_is_an_n_plus_one_in_a_line_of_oscar(walks: Walks) -> None:
    """oscar's order list asks for the lines of each order; the finding names that property, file and line."""
    module = OSCAR / "apps" / "order" / "abstract_models.py"
    lines = module.read_text(encoding="utf-8").splitlines()
    orders_of_first_customer = 14

    (finding,) = walks.findings("/accounts/orders/")

    site = finding["call_site"]
    assert ("n_plus_one", "select", orders_of_first_customer) == (
        finding["kind"],
        finding["verb"],
        finding["repeats_max"],
    )
    assert (str(module), "num_items") == (site["file"], site["function"])
    assert "self.lines.all()" in lines[site["line"] - 1]
    assert '"order_line"' in finding["statement"]


def test_catalogue_list_is_an_n_plus_one_in_a_line_of_a_template(walks: Walks) -> None:
    """The catalogue fetches each product from inside its template; the finding names the tag's line there."""
    sites = [one["call_site"] for one in walks.findings("/catalogue/")]

    named = [site for site in sites if site and site["file"].endswith("/oscar/catalogue/browse.html")]

    assert named
    for site in named:
        line = Path(site["file"]).read_text(encoding="utf-8").splitlines()[site["line"] - 1]
        assert "{% render_product product.object %}" in line


def test_list_of_mails_is_silent(walks: Walks) -> None:
    """The twin lists a row per order too, from one query: it has no finding and breaks no budget."""
    entry = walks.route("/accounts/emails/")

    rows = max(page.text.count("is on its way") for page in walks.recorded if page.path == "/accounts/emails/")

    assert rows == 14
    assert walks.findings("/accounts/emails/") == []
    assert sum(entry["breaches"].values()) == 0
    assert entry["queries"]["max"] < walks.route("/accounts/orders/")["queries"]["max"]


def test_demo_prints_the_report_and_where_to_look(data: Path) -> None:
    """The demo ends well, with the report and the line of the N+1 next to its silent twin."""
    done = subprocess.run([sys.executable, str(SHOP / "demo.py")], capture_output=True, text=True, timeout=180)

    assert (done.returncode, done.stderr) == (0, "")
    assert "What to look at: /accounts/orders/ runs one query per order, up to 14 in a request" in done.stdout
    assert "Its twin /accounts/emails/" in done.stdout
