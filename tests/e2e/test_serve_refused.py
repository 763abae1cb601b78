"""What `otel-verein serve` refuses: questions, names, pages of other sites, bodies, clients without a token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.serving import Service, store


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store."""
    return store(tmp_path_factory.mktemp("serve"))


@pytest.fixture(scope="module")
def service(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that only reads, in a directory of its own."""
    with Service(tmp_path_factory.mktemp("run"), ["--source", str(root), "--log-requests"]) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "method", "status", "detail"),
    [
        ("/nothing", "GET", 404, "there is nothing of this name; /openapi.json says what there is"),
        ("/api/v1/call/nothing", "GET", 404, "there is nothing of this name; /openapi.json says what there is"),
        (
            "/api/v1/trace/../../etc/passwd",
            "GET",
            404,
            "there is nothing of this name; /openapi.json says what there is",
        ),
        ("/api/v1/trace/%2e%2e%2fetc", "GET", 404, "there is nothing of this name; /openapi.json says what there is"),
        ("//api/v1/health", "GET", 404, "there is nothing of this name; /openapi.json says what there is"),
        ("/page/", "GET", 404, "there is nothing of this name; /openapi.json says what there is"),
        ("/api/v1/trace/%00", "GET", 422, "id: '\\x00' is no trace id; it has to be 32 hexadecimal digits"),
        ("/api/v1/health", "POST", 405, "POST is not possible here"),
        ("/api/v1/call/run_smart_aggregation", "GET", 405, "GET is not possible here"),
        ("/api/v1/health?sinc=2h", "GET", 422, "'sinc' is no parameter here; did you mean since?"),
        ("/api/v1/health?source=/etc", "GET", 422, "'source' is no parameter here; did you mean service?"),
        ("/api/v1/health?service=a&service=b", "GET", 422, "service: is given 2 times; it may be given once"),
        ("/api/v1/health?service=", "GET", 422, "service: is empty"),
        ("/api/v1/health?service=%00", "GET", 422, "a text holds a NUL or half of a character"),
        ("/api/v1/health?since=1h&until=2h", "GET", 422, "until has to be after since"),
        ("/api/v1/slow?limit=1001", "GET", 422, "limit: '1001' has to be a whole number from 1 to 1000"),
        ("/api/v1/differs", "GET", 422, "operation is missing; it has to be given"),
        ("/api/v1/trend?step=10s", "GET", 422, "step: steps of less than an hour take a window; say since"),
        ("/api/v1/compare?before=baseline:../x", "GET", 422, "before: '../x' is no name of a baseline"),
        ("/api/v1/compare?before=baseline:gone", "GET", 404, "before: there is no such baseline: gone"),
        ("/api/v1/call/quick_health_check?place=/etc", "GET", 422, None),
        ("/api/v1/call/quick_health_check?config=/etc", "GET", 422, None),
        ("/api/v1/health?service=" + "a" * 9000, "GET", 414, "path and query have 9022 bytes; they may have 8192"),
        ("/api/v1/health?" + "&".join(f"a{n}=1" for n in range(65)), "GET", 422, None),
        (
            "/api/v1/call/reset_performance_config",
            "POST",
            403,
            "reset_performance_config changes something, which is not allowed here; it takes --allow-changes, or "
            "serve.allow_changes",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused_with_what_would_be_right(
    service: Service, path: str, method: str, status: int, detail: str | None
) -> None:
    """Each as a problem document (RFC 9457)."""
    answer = service.ask(path, method)

    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json["status"] == status
    assert detail in (None, answer.json["detail"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Host": "localhost"}, 200),
        ({"Host": "[::1]:8321"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "localhost:1", "Origin": "http://localhost:1"}, 200),
    ],
)
def test_a_call_from_a_page_of_another_site_is_refused(service: Service, headers: dict[str, str], status: int) -> None:
    """By the name it calls us, by its Origin, or by what the browser says of it."""
    assert service.post("/api/v1/call/get_environment_config", {}, headers).status == status


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        (b"Content-Length: 999999999", b"", 413),
        (b"Content-Length: " + b"9" * 5000, b"", 400),
        (b"Transfer-Encoding: chunked", (b"10000\r\n" + b"a" * 65_536 + b"\r\n") * 5 + b"0\r\n\r\n", 413),
        (b"Content-Length: 2\r\nContent-Type: text/plain", b"{}", 415),
        (b"Content-Length: 2\r\nContent-Type: application/json", b"[]", 422),
        (b"Content-Length: 2\r\nContent-Type: application/json", b"\xff\xff", 422),
        (b"Content-Length: 11\r\nContent-Type: application/json", b'{"hours":NaN}'[:11], 422),
        (b"Content-Length: 40000\r\nContent-Type: application/json", b"[" * 40_000, 422),
        (b"Content-Length: 12\r\nContent-Type: application/json", b'{"hours":[]}', 422),
        (b"Content-Length: 5\r\nContent-Length: 7", b"{}", 400),
        (b"Host: evil.example", b"", 400),
        (b"A: " + b"a" * 20_000, b"", 431),
    ],
    ids=[
        "large",
        "larger",
        "chunked",
        "type",
        "list",
        "bytes",
        "half",
        "deep",
        "kind",
        "two lengths",
        "two hosts",
        "head",
    ],
)
def test_a_body_or_head_out_of_bounds_is_refused(service: Service, head: bytes, body: bytes, status: int) -> None:
    """Before it is read whole, whatever it says of its length."""
    path = b"/api/v1/call/get_performance_summary"
    found = service.raw(
        b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + head + b"\r\n\r\n" + body
    )

    assert found.split(b" ")[1] == str(status).encode()


def test_a_token_is_asked_of_everything_but_whether_it_lives(root: Path, tmp_path: Path) -> None:
    """Also the page and the document; a wrong one is as none."""
    token = "0123456789abcdef0123456789abcdef"
    (tmp_path / "token").write_text(f"{token}\n")
    options = {"VEREIN_SERVE_TOKEN_FILE": str(tmp_path / "token")}
    with Service(tmp_path, ["--source", str(root)], options) as service:
        asked = {
            (path, value): service.ask(path, headers={"Authorization": value} if value else {}).status
            for path in ("/health/live", "/health/ready", "/page", "/openapi.json", "/api/v1/health")
            for value in ("", f"Bearer {token}", f"bearer  {token}", f"Bearer {token}0", "Bearer ", f"Basic {token}")
        }
        document = service.ask("/openapi.json", headers={"Authorization": f"Bearer {token}"}).json

    right = (f"Bearer {token}", f"bearer  {token}")
    assert asked == {
        (path, value): 200 if path.startswith("/health/") or value in right else 401 for path, value in asked
    }
    assert document["security"] == [{"token": []}]


def test_more_than_a_client_may_send_is_refused_for_a_while(root: Path, tmp_path: Path) -> None:
    """429 says when to come back; whether it lives, is answered all the same."""
    options = {"VEREIN_SERVE_REQUESTS_PER_S": "0.1", "VEREIN_SERVE_BURST": "3"}
    with Service(tmp_path, ["--source", str(root)], options) as service:
        answers = [service.ask("/openapi.json") for _ in range(4)]
        live = service.ask("/health/live").status

    assert ([each.status for each in answers], live) == ([200, 200, 200, 429], 200)
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 10
