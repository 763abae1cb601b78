"""The visits: about 200 requests over catalogue, search, basket and account pages, the same each time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import chain
from threading import Event

from shop.seed import CUSTOMERS, PASSWORD

from walkthrough.browser import Browser, Page

PRODUCT = re.compile(r'href="(/catalogue/[\w-]+_\d+/)"')
CATEGORY = re.compile(r'href="(/catalogue/category/[\w/-]+_\d+/)"')
ADD = re.compile(r'action="(/basket/add/\d+/)"')
ORDER = re.compile(r'href="(/accounts/orders/\d+/)"')
FIELD = re.compile(r'<input[^>]*name="(form-[^"]+)"[^>]*value="([^"]*)"')
MISSING = ("/catalogue/no-such-book_999/", "/no/such/page/", "/catalogue/category/none_999/", "/accounts/orders/1/")
SEARCHES = ("trace", "book", "the", "notebook", "zzz")
EXPECTED = frozenset({200, 301, 302, 404})


def visit(port: int, seen: list[Page] | None = None) -> list[Page]:
    """Every page of all visits, one after the other, appended to *seen* as it arrives."""
    pages: list[Page] = [] if seen is None else seen
    for _ in chain(_stroll(port, pages), _search(port, pages), _buy(port, pages), _accounts(port, pages)):
        pass
    return pages


def visit_together(port: int, on_page: Callable[[int], None]) -> list[Page]:
    """The pages of the same visits, with two visitors in the shop at a time, so that two workers have work.

    *on_page* hears from time to time how many pages there are so far.
    """
    strolling: list[Page] = []
    others: list[Page] = []
    leave = Event()

    def walk(visits: Iterator[None]) -> None:
        for _ in visits:
            on_page(len(strolling) + len(others))
            if leave.is_set():
                return

    with ThreadPoolExecutor(2) as visitors:
        errands = chain(_search(port, others), _buy(port, others), _accounts(port, others))
        walks = [visitors.submit(walk, _stroll(port, strolling)), visitors.submit(walk, errands)]
        try:
            for done in as_completed(walks):
                done.result()
        finally:
            leave.set()
    return strolling + others


def surprises(pages: list[Page]) -> list[str]:
    """What no shop in order would answer: other statuses, and a 404 where a page was due, or the reverse."""
    wrong = []
    for page in pages:
        missing = page.path in MISSING
        if page.status not in EXPECTED or missing != (page.status == 404):
            wrong.append(f"{page.method} {page.path} answered {page.status}")
    return wrong


def _unique(pattern: re.Pattern[str], page: Page) -> list[str]:
    return list(dict.fromkeys(pattern.findall(page.text)))


def _stroll(port: int, seen: list[Page]) -> Iterator[None]:
    """Every list page, category and product, the reviews of some, and a look at what is not there."""
    with Browser(port, seen) as browser:
        first = browser.get("/")
        yield
        products = _unique(PRODUCT, first)
        for number in (2, 3):
            products += _unique(PRODUCT, browser.get(f"/catalogue/?page={number}"))
            yield
        for path in _unique(CATEGORY, first):
            browser.get(path)
            yield
        for number, path in enumerate(dict.fromkeys(products)):
            browser.get(path)
            yield
            if number % 4 == 0:
                browser.get(f"{path}reviews/")
                yield
        for path in MISSING[:3]:
            browser.get(path)
            yield


def _search(port: int, seen: list[Page]) -> Iterator[None]:
    with Browser(port, seen) as browser:
        for words in SEARCHES:
            browser.get(f"/search/?q={words}")
            yield
        browser.get("/accounts/login/")
        yield
        browser.get("/offers/")
        yield


def _buy(port: int, seen: list[Page]) -> Iterator[None]:
    """Put six things into a basket one by one, look at it each time, and take one out again."""
    with Browser(port, seen) as browser:
        products = _unique(PRODUCT, browser.get("/catalogue/?page=2"))[:6]
        for path in products:
            product = browser.get(path)
            add = ADD.search(product.text)
            if add is None:
                raise ValueError(f"{path}: the page has no form that adds to the basket")
            browser.post(add[1], {"quantity": "1"}, at=product)
            browser.get("/basket/")
            yield
        basket = browser.get("/basket/")
        form = dict(FIELD.findall(basket.text))
        browser.post("/basket/", {**form, "form-0-DELETE": "on"}, at=basket)
        yield


def _accounts(port: int, seen: list[Page]) -> Iterator[None]:
    for email, _ in CUSTOMERS[:2]:
        with Browser(port, seen) as browser:
            login = browser.get("/accounts/login/")
            form = {"login-username": email, "login-password": PASSWORD, "login_submit": "Log In"}
            browser.post("/accounts/login/", form, at=login)
            yield
            yield from _account_pages(browser)


def _account_pages(browser: Browser) -> Iterator[None]:
    for _ in range(8):
        for path in ("/accounts/profile/", "/accounts/addresses/", "/accounts/emails/"):
            browser.get(path)
            yield
        orders = browser.get("/accounts/orders/")
        yield
    for path in _unique(ORDER, orders)[:4]:
        browser.get(path)
        yield
    browser.get(MISSING[3])
    yield
