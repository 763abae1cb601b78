"""What is refused before anybody looks at the question: the table of it, case by case."""

from __future__ import annotations

import pytest

from otel_verein.serving.guard import Request, Rules, refusal

NAMES = frozenset(("127.0.0.1", "localhost", "::1"))
TOKEN = b"0123456789abcdef"
HOST = {"host": ["localhost:8321"]}


def _status(request: Request, rules: Rules = Rules(NAMES)) -> int | None:  # noqa: B008 - frozen
    problem = refusal(request, rules)
    return None if problem is None else problem.status


def _get(headers: dict[str, list[str]], path: str = "/api/v1/health", url_bytes: int = 20) -> Request:
    return Request("GET", path, url_bytes, headers)


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["localhost"], None),
        (["LOCALHOST:80"], None),
        (["localhost."], None),
        (["[::1]:8321"], None),
        (["127.0.0.1:8321"], None),
        ([], 421),
        (["localhost", "localhost"], 421),
        (["evil.example"], 421),
        (["localhost.evil.example"], 421),
        (["localhost:80@evil.example"], 421),
        (["localhost/evil"], 421),
        (["[::1]evil"], 421),
        ([""], 421),
    ],
)
def test_it_answers_to_its_own_names_only(hosts: list[str], expected: int | None) -> None:
    """Whatever the port: a tunnel has another one."""
    assert _status(_get({"host": hosts})) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, None),
        ({"origin": ["http://localhost:8321"]}, None),
        ({"origin": ["https://localhost:8321"]}, None),
        ({"origin": ["http://localhost:9999"]}, 403),
        ({"origin": ["null"]}, 403),
        ({"origin": ["http://evil.example"]}, 403),
        ({"origin": ["http://localhost:8321", "http://evil.example"]}, 403),
        ({"sec-fetch-site": ["same-origin"]}, None),
        ({"sec-fetch-site": ["none"]}, None),
        ({"sec-fetch-site": ["same-site"]}, 403),
        ({"sec-fetch-site": ["cross-site"]}, 403),
    ],
)
def test_what_may_change_something_does_not_come_from_another_site(
    more: dict[str, list[str]], expected: int | None
) -> None:
    """A browser says where a page is from that sends; programs say nothing."""
    assert _status(Request("POST", "/api/v1/call/x", 20, HOST | more)) == expected


def test_another_site_may_link_to_what_only_reads() -> None:
    """It cannot read the answer, as nothing allows it to."""
    assert _status(_get(HOST | {"origin": ["http://evil.example"], "sec-fetch-site": ["cross-site"]})) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["Bearer 0123456789abcdef"], None),
        (["bearer 0123456789abcdef "], None),
        ([], 401),
        (["Bearer"], 401),
        (["Bearer "], 401),
        (["0123456789abcdef"], 401),
        (["Basic 0123456789abcdef"], 401),
        (["Bearer 0123456789abcdeF"], 401),
        (["Bearer 0123456789abcdef0"], 401),
        (["Bearer \u20ac"], 401),
        (["Bearer 0123456789abcdef", "Bearer 0123456789abcdef"], 401),
    ],
)
def test_the_token_has_to_be_the_one(given: list[str], expected: int | None) -> None:
    """Sent once, as a bearer token."""
    assert _status(_get(HOST | {"authorization": given}), Rules(NAMES, TOKEN)) == expected


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_whether_it_lives_takes_no_token(path: str) -> None:
    """But the right name."""
    rules = Rules(NAMES, TOKEN)

    assert (_status(_get(HOST, path), rules), _status(_get({"host": ["evil"]}, path), rules)) == (None, 421)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (_get(HOST, url_bytes=8192), None),
        (_get(HOST, url_bytes=8193), 414),
        (_get(HOST | {"a": ["a" * 16_000]}), None),
        (_get(HOST | {"a": ["a" * 8_000, "a" * 8_500]}), 431),
    ],
    ids=["url", "long url", "head", "long head"],
)
def test_url_and_head_are_bounded(request_: Request, expected: int | None) -> None:
    """Before anything is made of them."""
    assert _status(request_) == expected
