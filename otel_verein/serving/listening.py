"""Where the service listens, and what it refuses to start with."""

from __future__ import annotations

import ipaddress
import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from otel_verein.config.schema import Config
from otel_verein.config.sections.answering import Serve
from otel_verein.errors import ConfigError, Problem
from otel_verein.serving.guard import Rules

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_SHORTEST_TOKEN: Final = 16
_BACKLOG: Final = 512


@dataclass(frozen=True, slots=True)
class Listening:
    """A socket that listens, and by which rules; ``url`` is how the service is called."""

    socket: socket.socket
    url: str
    rules: Rules
    options: Serve


def checked(config: Config, host: str | None = None, port: int | None = None) -> tuple[Serve, Rules]:
    """The options, with *host* and *port* instead of those configured, and the rules that follow from them.

    Raises ConfigError, with everything that is wrong: off loopback there has to be a token, and TLS to hide it.
    """
    given = config.serve
    options = replace(given, host=given.host if host is None else host, port=given.port if port is None else port)
    token, problems = _token(options.token_file)
    problems += [*_of_tls(options), *_of_place(options)]
    if problems:
        raise ConfigError(problems)
    return options, Rules(_names(options), token)


def listen(options: Serve, rules: Rules) -> Listening:
    """Listen as *options* say; raises ConfigError when the address cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            options.host, options.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
    except OSError as fault:
        raise _unheard(options, "serve.host", fault) from fault
    try:
        if os.name == "posix":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(_BACKLOG)
    except OSError as fault:
        found.close()
        raise _unheard(options, "serve.port", fault) from fault
    scheme = "https" if options.tls_cert_file else "http"
    host = f"[{options.host}]" if ":" in options.host else options.host
    return Listening(found, f"{scheme}://{host}:{found.getsockname()[1]}", rules, options)


def is_loopback(host: str) -> bool:
    """Whether nobody from elsewhere reaches *host*; a name other than `localhost` may be looked up to anything."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _unheard(options: Serve, option: str, fault: OSError) -> ConfigError:
    what = f"{options.host}:{options.port} cannot be listened on: {fault.strerror or fault}"
    return ConfigError([Problem(option, f"{what}; say another --host or --port, 0 for one that is free")])


def _names(options: Serve) -> frozenset[str]:
    host = options.host.lower()
    names = {host, *(name.lower() for name in options.hosts)}
    if is_loopback(host) or host in ("0.0.0.0", "::"):
        names.update(_LOOPBACK)
    return frozenset(names)


def _token(file: str) -> tuple[bytes | None, list[Problem]]:
    if not file:
        return None, []
    try:
        token = Path(file).read_bytes().strip()
    except OSError as fault:
        return None, [Problem("serve.token_file", f"{file} cannot be read: {fault.strerror or fault}")]
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or len(token.split()) != 1:
        what = f"{file} holds no token of {_SHORTEST_TOKEN} or more characters of ASCII without spaces"
        return None, [Problem("serve.token_file", f"{what}; make one with `openssl rand -hex 32`")]
    return token, []


def _of_tls(options: Serve) -> Iterator[Problem]:
    cert, key = options.tls_cert_file, options.tls_key_file
    if bool(cert) != bool(key):
        there, absent = ("tls_cert_file", "tls_key_file") if cert else ("tls_key_file", "tls_cert_file")
        yield Problem(f"serve.{absent}", f"has to be set, since serve.{there} is")
    elif cert:
        try:
            # a password that is none, so that nobody is asked for one on the terminal
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key, password="")
        except (OSError, ValueError) as fault:
            yield Problem("serve.tls_cert_file", f"{cert} with {key} cannot be used: {fault}")


def _of_place(options: Serve) -> Iterator[Problem]:
    if is_loopback(options.host):
        return
    for option, value, why in (
        ("token_file", options.token_file, "a token that clients send"),
        ("tls_cert_file", options.tls_cert_file, "a certificate, so that nobody reads the token on its way"),
        ("tls_key_file", options.tls_key_file, "the key of the certificate"),
    ):
        if not value:
            yield Problem(
                f"serve.{option}",
                f"{options.host} is reached from other machines, which takes {why}; "
                "or listen on 127.0.0.1, behind a proxy that checks who asks",
            )
