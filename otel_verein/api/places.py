"""Where telemetry is read from: the place that was named, else the store if there is one, else the files."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from otel_verein.config.schema import Config
from otel_verein.errors import MissingExtraError
from otel_verein.sources.otlp_files import OtlpFiles
from otel_verein.store.layout import Store

if TYPE_CHECKING:
    from otel_verein.sources.store import StoreSource

_SEGMENTS: Final = "otlp"
"""Where, below the directory of a store or a collector, files of telemetry are."""

_PACKAGES: Final = ("duckdb", "pyarrow", "msgspec")
"""What the extra ``store`` brings."""


def source_of(config: Config, place: Path | None = None) -> OtlpFiles | StoreSource:
    """The source at *place*, a store, a directory or a file; without, what *config* says.

    A store is read together with what the segments beside it hold beyond it. Raises MissingExtraError when there is a
    store and not what reads one.
    """
    store = Store(place or Path(config.store.directory))
    if not store.exists:
        return OtlpFiles(place or Path(config.export.directory))
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
