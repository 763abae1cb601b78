"""Questions to a backend over HTTP: whole answers in time, or errors that say what to check."""

from __future__ import annotations

import gzip
import subprocess
import time
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path

import pytest

from otel_verein.errors import SourceError
from otel_verein.sources.backend import Backend
from otel_verein.sources.http import Answer, Http, Product, TooLargeError, said_in
from tests.services.http_answers import AnsweringServer, Asked, Drip, Reply, Reset, Silence, Word
from tests.services.ports import LOOPBACK, free_ports

PRODUCT = Product("jaeger", "Jaeger", "the port of its query service")
MOST = 100_000


def ask(server: AnsweringServer, backend: Backend | None = None) -> Answer:
    """The answer to one question."""
    return Http(backend or Backend(server.url), PRODUCT, MOST).get("/api/x", {"a": "ü b"})


def fault_of(server: AnsweringServer, backend: Backend | None = None) -> str:
    """The error of one question, with the address as `URL`."""
    with pytest.raises(SourceError) as caught:
        ask(server, backend)
    return str(caught.value).replace(server.url, "URL")


def always(reply: Word) -> AnsweringServer:
    """A server with one answer to everything."""
    return AnsweringServer(lambda asked: reply)


def in_turn(*replies: Word) -> AnsweringServer:
    """A server with these answers, the last one again and again."""
    left: Iterator[Word] = chain(replies, repeat(replies[-1]))
    return AnsweringServer(lambda asked: next(left))


def test_an_answer_is_its_status_and_body() -> None:
    """The query is encoded, and the body comes as it was sent."""
    with always(Reply(b'{"x": 1}')) as server:
        answer = ask(server)

        assert answer == Answer(200, b'{"x": 1}')
        assert [("/api/x", {"a": "ü b"})] == [(each.path, each.query) for each in server.asked]


@pytest.mark.parametrize(
    ("backend", "headers"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"token": "t"}, {"authorization": "Bearer t"}, id="token"),
        pytest.param({"user": "u", "password": "pö"}, {"authorization": "Basic dTpww7Y="}, id="password"),
        pytest.param({"tenant": "one"}, {"x-scope-orgid": "one"}, id="tenant"),
    ],
)
def test_credentials_are_what_was_configured(
    backend: dict[str, str], headers: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Nothing is looked up in ~/.netrc, and proxies of the environment are not asked for this machine."""
    (tmp_path / ".netrc").write_text(f"machine {LOOPBACK} login other password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with always(Reply()) as server:
        ask(server, Backend(server.url, **backend))

        sent = server.asked[0].headers
        assert headers == {name: sent[name] for name in ("authorization", "x-scope-orgid") if name in sent}


@pytest.mark.parametrize("trouble", [Reset(), Reply(status=502), Reply(status=503), Reply(status=504)])
def test_a_broken_connection_is_asked_again(trouble: Reply | Reset) -> None:
    """What may have been an accident is tried three times."""
    with in_turn(trouble, trouble, Reply(b"at last")) as server:
        answer = ask(server)

        assert answer == Answer(200, b"at last")
        assert 3 == len(server.asked)


def test_it_is_asked_no_more_than_three_times() -> None:
    """A connection that always breaks is an error that names the port."""
    with always(Reset()) as server:
        said = fault_of(server)

        assert (
            said
            == "jaeger:URL: the connection broke (Connection reset by peer); is this the port of its query service?"
        )
        assert 3 == len(server.asked)


REFUSALS = {
    "401": (
        Reply(b"no org id\n", status=401),
        "answers 401 (no org id); check source.token_file, or source.user and source.password_file, and source.tenant",
    ),
    "403-page": (
        Reply(b"<html>Forbidden</html>", status=403),
        "answers 403; check source.token_file, or source.user and source.password_file, and source.tenant",
    ),
    "404": (
        Reply(b"404 page not found\n", status=404),
        "answers 404 (404 page not found); is this the port of its query service? And is a path before `/api` missing "
        "in the address?",
    ),
    "400": (Reply(b'{"error": "bad\x00\n query"}', status=400), 'answers 400 ({"error": "bad query"})'),
    "429": (Reply(status=429), "answers 429; it takes no more questions at the moment, ask again later"),
    "500": (Reply(b"x" * 300, status=500), f"answers 500 ({'x' * 200}...); its own log tells more"),
}


@pytest.mark.parametrize(("reply", "message"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_says_what_to_check(reply: Reply, message: str) -> None:
    """The status, what the backend says in one line, and the cure; asked only once."""
    with always(reply) as server:
        said = fault_of(server)

        assert f"jaeger:URL: {message}" == said
        assert 1 == len(server.asked)


def test_503_in_the_end_is_an_error() -> None:
    """After the last attempt its status is told."""
    with always(Reply(b"starting", status=503)) as server:
        said = fault_of(server)

        assert said == "jaeger:URL: answers 503 (starting); its own log tells more"
        assert 3 == len(server.asked)


def test_nobody_there_is_an_error() -> None:
    """A port on which nothing listens."""
    (port,) = free_ports(1)
    with pytest.raises(SourceError) as caught:
        Http(Backend(f"http://{LOOPBACK}:{port}"), PRODUCT, MOST).get("/api")

    assert (
        f"jaeger:http://{LOOPBACK}:{port}: cannot be reached (Connection refused); is Jaeger running? "
        "is this the port of its query service?"
    ) == str(caught.value)


def test_a_dripping_answer_is_cut_off_in_time() -> None:
    """The timeout is for the whole answer, not for each of its bytes."""
    with always(Drip()) as server:
        begun = time.monotonic()
        said = fault_of(server, Backend(server.url, timeout_s=0.4))
        took = time.monotonic() - begun

        assert said == ("jaeger:URL: no whole answer within 0.4 s; ask for a shorter time, or raise source.timeout_s")
        assert took < 5


def test_a_silent_server_is_given_up_in_time() -> None:
    """No head of an answer within the timeout."""
    with always(Silence()) as server:
        said = fault_of(server, Backend(server.url, timeout_s=0.2))

        assert said == ("jaeger:URL: no whole answer within 0.2 s; ask for a shorter time, or raise source.timeout_s")


def test_an_answer_that_is_cut_off_is_no_answer() -> None:
    """Fewer bytes than its head says are an error, after further attempts."""
    with always(Reply(b'{"x"', length=100)) as server:
        said = fault_of(server)

        assert said == (
            "jaeger:URL: the connection broke (IncompleteRead(4 bytes read, 96 more expected)); "
            "is this the port of its query service?"
        )
        assert 3 == len(server.asked)


def test_an_answer_of_the_largest_size_is_read() -> None:
    """The bound itself is still fine."""
    with always(Reply(b"x" * MOST)) as server:
        answer = ask(server)

        assert MOST == len(answer.body)


@pytest.mark.parametrize("packed", [False, True])
def test_a_larger_answer_is_refused(packed: bool) -> None:
    """The bound holds for what is unpacked, too."""
    body = b"x" * (MOST + 1)
    headers = {"Content-Encoding": "gzip"} if packed else {}
    with always(Reply(gzip.compress(body) if packed else body, headers=headers)) as server:
        with pytest.raises(TooLargeError) as caught:
            ask(server)

        assert f"jaeger:{server.url}: an answer has more than 0.1 MB; ask for a shorter time" == str(caught.value)


def test_a_redirect_within_the_server_is_followed() -> None:
    """Such as from one path to another."""

    def answers(asked: Asked) -> Reply:
        if asked.path == "/api/x":
            return Reply(status=307, headers={"Location": "/other/x?a=1"})
        return Reply(asked.path.encode())

    with AnsweringServer(answers) as server:
        answer = ask(server, Backend(server.url, token="t"))

        assert answer == Answer(200, b"/other/x")
        assert ["Bearer t", "Bearer t"] == [each.headers["authorization"] for each in server.asked]


def test_a_redirect_to_another_server_is_not_followed() -> None:
    """The other one is not shown the token."""
    with always(Reply()) as other, always(Reply(status=302, headers={"Location": f"{other.url}/login?a=b"})) as server:
        said = fault_of(server, Backend(server.url, token="t"))

        assert said == (
            f"jaeger:URL: sends on to another server, {other.url}, which is not followed; is there a login in "
            "front of it, or has the address changed?"
        )
        assert [] == other.asked


def test_a_circle_of_redirects_ends() -> None:
    """Four requests, and then an error."""
    with always(Reply(status=302, headers={"Location": "/api/x"})) as server:
        said = fault_of(server)

        assert said == "jaeger:URL: sends on and on; is there a login in front of it?"
        assert 4 == len(server.asked)


def test_no_tls_where_tls_is_asked_for() -> None:
    """An https address of a server that speaks plain HTTP."""
    with always(Reply()) as server:
        with pytest.raises(SourceError) as caught:
            ask(server, Backend(server.url.replace("http:", "https:")))

        assert str(caught.value).endswith(
            "; check source.ca_file, and whether the address has to begin with http: or https:"
        )


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of this machine that only itself vouches for, with its key."""
    file, key = tmp_path / "both.pem", tmp_path / "key.pem"
    subject = ("-subj", "/CN=verein", "-addext", f"subjectAltName=IP:{LOOPBACK}")
    command = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", file)
    subprocess.run((*command, *subject), check=True, capture_output=True, timeout=30)
    file.write_text(file.read_text() + key.read_text())
    return file


def test_a_certificate_is_checked_against_the_authorities_given(certificate: Path) -> None:
    """Without them it is not trusted."""
    with AnsweringServer(lambda asked: Reply(b"secret"), certificate) as server:
        answer = ask(server, Backend(server.url, ca_file=str(certificate)))
        said = fault_of(server)

        assert answer == Answer(200, b"secret")
        assert said.startswith("jaeger:URL: no TLS connection ([SSL: CERTIFICATE_VERIFY_FAILED] ")
        assert said.endswith("; check source.ca_file, and whether the address has to begin with http: or https:")


def test_a_ca_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """It is an option's fault, not the backend's."""
    with always(Reply()) as server:
        said = fault_of(server, Backend(server.url, ca_file=str(tmp_path / "none.pem")))

        assert f"source.ca_file: {tmp_path / 'none.pem'} cannot be read" == said
        assert [] == server.asked


@pytest.mark.parametrize("secret", ["token", "password"])
def test_no_error_shows_a_secret(secret: str) -> None:
    """Whatever is refused, errors go into logs."""
    with always(Reply(b"no", status=401)) as server:
        said = fault_of(server, Backend(server.url, user="u", **{secret: "hush-hush"}))

        assert "hush" not in said


def test_what_a_web_page_says_is_not_repeated() -> None:
    """Markup helps nobody in an error."""
    said = said_in(b"  <!doctype html><title>Login</title>")

    assert "" == said
