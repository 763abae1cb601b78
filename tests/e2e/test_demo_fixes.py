"""A finding of the demo shop, mended as advised: the repetition is gone, and so are exactly the queries it wasted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from otel_verein.analysis.advice import advise
from tests.e2e.findings_read import finding_of

SHOP = Path(__file__).resolve().parents[2] / "examples" / "oscar_shop"
sys.path[:0] = [str(SHOP), str(SHOP.parent)]

import proof  # noqa: E402
import prove  # noqa: E402
from walkthrough.browser import Browser, Page  # noqa: E402
from walkthrough.traffic import CUSTOMERS, PASSWORD  # noqa: E402

ORDERS = "GET /accounts/orders/"
VISITS = 4


def looks_at_orders(port: int) -> list[Page]:
    """The first customer looks at all orders, some times."""
    pages: list[Page] = []
    with Browser(port, pages) as browser:
        login = browser.get("/accounts/login/")
        form = {"login-username": CUSTOMERS[0][0], "login-password": PASSWORD, "login_submit": "Log In"}
        browser.post("/accounts/login/", form, at=login)
        for _ in range(VISITS):
            browser.get("/accounts/orders/")
    return pages


Walk = tuple[list[Page], dict[str, Any]]


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Walk, Walk]:
    """The same visits before and after the one fix."""
    folder = tmp_path_factory.mktemp("shop")
    before = prove.walk(folder / "before", visits=looks_at_orders)
    return before, prove.walk(folder / "after", ("orders",), visits=looks_at_orders)


def test_advice_names_the_fix(walks: tuple[Walk, Walk]) -> None:
    """The report knows the ORM, its version and the relation, so the advice is the line that the fix has."""
    import django

    (_, report), _ = walks
    (found,) = [each for each in report["findings"] if (each["operation"], each["kind"]) == (ORDERS, "n_plus_one")]

    advice = advise(finding_of(found))

    assert (advice.orm, advice.orm_version, advice.feature) == ("django", django.__version__, "prefetch_related")
    assert advice.how == 'Order.objects.prefetch_related("lines")'
    assert '.prefetch_related("lines")' in (SHOP / "fixes" / "orders.py").read_text(encoding="utf-8")


def test_the_fix_removes_exactly_the_queries_that_were_wasted(walks: tuple[Walk, Walk]) -> None:
    """14 orders took 14 queries for their lines, and now take one, in each of four requests."""
    (_, before), (_, after) = walks

    (row,) = [each for each in proof.rows(before, after) if each.operation == ORDERS]

    assert (row.requests, row.predicted, row.measured, row.left) == (VISITS, 13 * VISITS, 13 * VISITS, ())


def test_the_fix_changes_no_answer(walks: tuple[Walk, Walk]) -> None:
    """The pages are the same, tokens and the clock apart."""
    (before, _), (after, _) = walks

    assert [page.path for page in before].count("/accounts/orders/") == VISITS
    assert prove.changed(before, after) == []
