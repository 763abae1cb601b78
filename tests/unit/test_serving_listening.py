"""What the service refuses to start with, and by which names it is called."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from otel_verein.config.schema import Config
from otel_verein.errors import ConfigError
from otel_verein.serving.guard import Rules
from otel_verein.serving.listening import checked, is_loopback, listen

LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))


def _config(**options: object) -> Config:
    return replace(Config(), serve=replace(Config().serve, **options))  # type: ignore[arg-type]


def _refused(config: Config, host: str | None = None) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        checked(config, host)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("host", "hosts", "expected"),
    [
        ("127.0.0.1", (), LOOPBACK),
        ("localhost", ("Verein.Example",), LOOPBACK | {"verein.example"}),
        ("127.0.0.2", (), LOOPBACK | {"127.0.0.2"}),
    ],
)
def test_it_is_called_by_its_address_and_the_names_it_is_given(
    host: str, hosts: tuple[str, ...], expected: frozenset[str]
) -> None:
    """On loopback by all names of that."""
    assert checked(_config(hosts=hosts), host)[1] == Rules(expected, None)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "verein.example"])
def test_off_loopback_token_and_tls_have_to_be_there(host: str) -> None:
    """All that is missing is said together, with another way out."""
    ways = "; or listen on 127.0.0.1, behind a proxy that checks who asks"

    assert _refused(Config(), host) == [
        f"serve.token_file: {host} is reached from other machines, which takes a token that clients send{ways}",
        f"serve.tls_cert_file: {host} is reached from other machines, which takes a certificate, so that nobody reads "
        f"the token on its way{ways}",
        f"serve.tls_key_file: {host} is reached from other machines, which takes the key of the certificate{ways}",
    ]


@pytest.mark.parametrize("text", ["", "short", "0123456789abcde", "0123456789 abcdef", "0123456789abcdef\u20ac"])
def test_a_token_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    """Long enough not to be guessed, and such as a header can carry."""
    file = tmp_path / "token"
    file.write_text(text, encoding="utf-8")

    assert _refused(_config(token_file=str(file))) == [
        f"serve.token_file: {file} holds no token of 16 or more characters of ASCII without spaces; make one with "
        "`openssl rand -hex 32`"
    ]


def test_a_token_comes_from_its_file(tmp_path: Path) -> None:
    """Without the end of its line."""
    file = tmp_path / "token"
    file.write_text("0123456789abcdef\n")

    assert checked(_config(token_file=str(file)))[1].token == b"0123456789abcdef"


def test_a_token_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Rather than to answer everybody."""
    assert _refused(_config(token_file=str(tmp_path / "gone"))) == [
        f"serve.token_file: {tmp_path / 'gone'} cannot be read: No such file or directory"
    ]


def test_a_certificate_takes_its_key_and_the_other_way_round(tmp_path: Path) -> None:
    """And both have to be what they are said to be."""
    file = tmp_path / "x.pem"
    file.write_text("none")

    assert _refused(_config(tls_cert_file=str(file))) == [
        "serve.tls_key_file: has to be set, since serve.tls_cert_file is"
    ]
    assert _refused(_config(tls_key_file=str(file))) == [
        "serve.tls_cert_file: has to be set, since serve.tls_key_file is"
    ]
    both = _refused(_config(tls_cert_file=str(file), tls_key_file=str(file)))
    assert [problem.partition(f" with {file}")[0] for problem in both] == [f"serve.tls_cert_file: {file}"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True)]
    + [(host, False) for host in ("0.0.0.0", "::", "192.0.2.7", "localhost.example", "")],
)
def test_loopback_is_what_nobody_else_reaches(host: str, expected: bool) -> None:
    """A name other than localhost may stand for any address."""
    assert is_loopback(host) == expected


def test_a_free_port_is_said_as_it_is(tmp_path: Path) -> None:
    """The address is complete."""
    listening = listen(*checked(Config(), "::1", 0))
    with listening.socket:
        port = listening.socket.getsockname()[1]

    assert listening.url == f"http://[::1]:{port}"
