"""Where telemetry is read from: the place that was named, else the store if there is one, else the files."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from otel_verein.config.schema import Config
from otel_verein.errors import MissingExtraError, SourceError
from otel_verein.sources.backend import Backend
from otel_verein.sources.base import Source
from otel_verein.sources.otlp_files import OtlpFiles
from otel_verein.store.layout import Store

if TYPE_CHECKING:
    from otel_verein.sources.store import StoreSource

_SEGMENTS: Final = "otlp"
"""Where, below the directory of a store or a collector, files of telemetry are."""

_PACKAGES: Final = ("duckdb", "pyarrow", "msgspec")
"""What the extra ``store`` brings."""

_BACKENDS: Final = {
    "jaeger": ("otel_verein.sources.jaeger", "Jaeger"),
    "tempo": ("otel_verein.sources.tempo", "Tempo"),
    "clickhouse": ("otel_verein.sources.clickhouse", "ClickHouse"),
}
"""The word before the address of a backend, and what reads from it."""


def source_of(config: Config, place: str | Path | None = None) -> Source:
    """The source at *place*, a backend, a store, a directory or a file; without, what *config* says.

    A store is read together with what the segments beside it hold beyond it. Raises MissingExtraError when what reads
    the place is not installed, and SourceError for an address that is none.
    """
    address = str(place) if place is not None else config.source.address
    kind, _, url = address.partition(":")
    if kind in _BACKENDS and url:
        return _backend(config, kind, url)
    if "://" in address:
        known = ", ".join(f"`{name}:URL`" for name in _BACKENDS)
        raise SourceError(f"{address}: no source is called {kind!r}; it has to be {known}, or a directory or file")
    return local_source(config, Path(address) if address else None)


def local_source(config: Config, path: Path | None = None) -> OtlpFiles | StoreSource:
    """The store, directory or file at *path*; without, those that *config* says. Raises as :func:`source_of` does."""
    store = Store(path or Path(config.store.directory))
    if not store.exists:
        return OtlpFiles(path or Path(config.export.directory))
    for package in _PACKAGES:
        if find_spec(package) is None:
            raise MissingExtraError("reading a store", package, "store")
    from otel_verein.sources.store import StoreSource

    return StoreSource(store, segments_of(config, store), config.store)


def segments_of(config: Config, store: Store) -> Sequence[Path]:
    """The directories whose segments go into *store*, those that there are: as configured, or the one inside it."""
    places = [store.root / _SEGMENTS]
    if store.root.absolute() == Path(config.store.directory).absolute():
        places += [Path(config.export.directory), Path(config.collector.directory) / _SEGMENTS]
    there = {place.resolve(): place for place in places if place.is_dir()}
    return list(there.values())


def _backend(config: Config, kind: str, url: str) -> Source:
    source = config.source
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SourceError(f"{kind}:{url}: not an address; it has to be such as {kind}:http://localhost:8080")
    if parts.username is not None or parts.password is not None:
        raise SourceError(
            f"{kind}: the address holds a user or password, which others can read; say source.user and "
            "source.password_file"
        )
    module, name = _BACKENDS[kind]
    backend = Backend(
        url=url.rstrip("/"),
        user=source.user,
        password=_secret("source.password_file", source.password_file),
        token=_secret("source.token_file", source.token_file),
        ca_file=source.ca_file,
        tenant=source.tenant,
        timeout_s=source.timeout_s,
        traces=source.traces,
    )
    made: Any = getattr(importlib.import_module(module), name)(backend)
    found: Source = made
    return found


def _secret(option: str, file: str) -> str:
    if not file:
        return ""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise SourceError(f"{option}: {file} cannot be read: {fault}") from fault
