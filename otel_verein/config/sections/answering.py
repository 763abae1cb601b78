"""How questions are answered: where the data is, how it is judged, and who may ask over HTTP."""

from __future__ import annotations

from dataclasses import dataclass

from otel_verein.config.options import option


@dataclass(frozen=True, slots=True)
class Source:
    """Where questions are answered from, and what asking a backend may take."""

    address: str = option(
        "",
        help="`jaeger:URL`, `tempo:URL`, `clickhouse:URL`, or a store, directory or file; empty: the store if there is "
        "one, else `export.directory`.",
    )
    user: str = option("", help="User of the backend, where it asks for one.")
    password_file: str = option("", help="File with the password of that user.")
    token_file: str = option("", help="File with the bearer token that the backend is shown.")
    ca_file: str = option("", help="Authorities that the backend's certificate is checked against, as PEM.")
    tenant: str = option("", help="Tenant of a backend that has several, as `X-Scope-OrgID` says it.")
    timeout_s: float = option(10.0, unit="s", above=0, at_most=600, help="Longest wait for one answer of a backend.")
    traces: int = option(
        2000,
        unit="{trace}",
        at_least=1,
        at_most=100_000,
        help="Traces fetched for one question from a backend that cannot add up itself; that there are more is said.",
    )


@dataclass(frozen=True, slots=True)
class Analysis:
    """From when on something is worth telling."""

    margin: float = option(
        0.05, above=0, at_most=1, help="Share by which a figure has to be worse before a comparison says so."
    )
    chatty_queries: int = option(
        20,
        unit="{query}",
        at_least=1,
        help="Queries of an operation, on the mean and without those that findings would save, that make it chatty.",
    )
    error_share: float = option(
        0.01, above=0, at_most=1, help="Share of failed operations from which errors are a finding."
    )
    few_rows: int = option(
        20,
        unit="{row}",
        at_least=1,
        help="Rows of an answer, on the mean, up to which a slow read of one table looks as if it lacked an index.",
    )
    entities: int = option(
        20, unit="{entity}", at_least=1, help="Entities that are told apart in an answer; the others are one."
    )


@dataclass(frozen=True, slots=True)
class Serve:
    """The HTTP service of `otel-verein serve`."""

    host: str = option("127.0.0.1", at_start=True, help="Address it listens on; off loopback it needs a token and TLS.")
    port: int = option(8321, at_least=0, at_most=65535, at_start=True, help="Port it listens on; 0: a free one.")
    hosts: tuple[str, ...] = option(
        (), at_start=True, help="Names it may be called by, beside that of its address; any other Host is refused."
    )
    token_file: str = option("", at_start=True, help="File with the bearer token that clients have to send.")
    tls_cert_file: str = option("", at_start=True, help="Its certificate, as PEM.")
    tls_key_file: str = option("", at_start=True, help="Key of that certificate, as PEM.")
    allow_changes: bool = option(
        False, at_start=True, help="Taking calls that change something: configuration, store, baselines."
    )
    requests_per_s: float = option(
        100.0, unit="{request}/s", above=0, at_start=True, help="Requests that one client may send, on the mean."
    )
    burst: int = option(
        200, unit="{request}", at_least=1, at_start=True, help="Requests that one client may send at once."
    )
    body_kb: int = option(
        256, unit="kB", at_least=1, at_most=65536, at_start=True, help="Largest request that is read."
    )
    workers: int = option(
        4, unit="{thread}", at_least=1, at_most=64, at_start=True, help="Questions that are worked on at a time."
    )
    fresh_s: float = option(
        5.0, unit="s", at_least=0, at_start=True, help="How old the data of an answer may be; older data is read again."
    )
