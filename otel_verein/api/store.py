"""What there is to do with a store, and to ask of it: one function each."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otel_verein.config.layers import resolve
from otel_verein.config.schema import Config
from otel_verein.errors import MissingExtraError, StoreError
from otel_verein.store.layout import Store

if TYPE_CHECKING:
    from otel_verein.store.backup import Archived
    from otel_verein.store.restore import Restored
    from otel_verein.store.status import Status
    from otel_verein.store.traces import TraceSpan
    from otel_verein.store.verifying.records import Verdict

_PACKAGES = ("duckdb", "pyarrow", "msgspec")

Progress = Callable[[int, int], None]
"""Is told how many bytes are done, of how many."""

Stop = Callable[[], bool]
"""Is asked at safe points whether to leave the rest for another time."""


@dataclass(frozen=True, slots=True)
class Place:
    """A store, where the files come from that it takes, and the configuration that it is kept by."""

    store: Store
    sources: tuple[Path, ...]
    config: Config


def place(environ: Mapping[str, str], sources: Sequence[Path] = (), directory: Path | None = None) -> Place:
    """The store of a process with *environ* in *directory*.

    Without *sources* it takes what applications and the collector write here, as far as it is there. Raises
    ConfigError, and StoreError for a source that is named and not there.
    """
    here = directory or Path.cwd()
    for source in sources:
        if not (here / source).exists():
            raise StoreError(f"{source}: is not there, so there is nothing to take from it")
    return placed(resolve(environ, directory).config, sources, here)


def placed(config: Config, sources: Sequence[Path], here: Path) -> Place:
    """The store that *config* names, for a process in the directory *here*."""
    root = here / config.store.directory
    taken = sources or (root / "otlp", Path(config.export.directory), Path(config.collector.directory) / "otlp")
    once = {(here / each).resolve(): here / each for each in taken}
    return Place(Store(root), tuple(once.values()), config)


@contextmanager
def extra() -> Iterator[None]:
    """Say which packages the store needs where one of them is not installed."""
    try:
        yield
    except ModuleNotFoundError as fault:
        if fault.name is None or fault.name.partition(".")[0] not in _PACKAGES:
            raise
        raise MissingExtraError("the store", fault.name, "store") from fault


def check_extra() -> None:
    """Raise MissingExtraError where a package that the store needs is not installed."""
    with extra():
        for package in _PACKAGES:
            importlib.import_module(package)


def status(place: Place, now: float | None = None) -> Status:
    """What is stored, how small it became, how far behind it is, and what was set aside."""
    with extra():
        from otel_verein.store.status import status as make

        return make(place.store, place.config, time.time() if now is None else now, place.sources)


def verify(place: Place, *, quick: bool = False) -> Verdict:
    """Whether every row is accounted for; *quick* believes in the content of files of the right size."""
    with extra():
        from otel_verein.store.verify import verify as make

        return make(place.store, quick)


def backup(place: Place, file: Path, wait_s: float = 0.0) -> Archived:
    """Write the store to *file*, which must not be there yet."""
    with extra():
        from otel_verein.store.backup import backup as make

        return make(place.store, file, wait_s)


def restore(place: Place, file: Path, directory: Path | None = None) -> Restored:
    """Make a store of the backup *file* in *directory*, else where the configuration has it; it must not be there."""
    with extra():
        from otel_verein.store.restore import restore as make

        return make(file, directory or place.store.root)


def trace(place: Place, trace_id: str) -> tuple[TraceSpan, ...]:
    """The spans of a trace; raises StoreError where there are none."""
    with extra():
        from otel_verein.api.traces import trace as find

        spans = find(place.config, trace_id, place.store.root)
    if not spans:
        raise StoreError(f"{trace_id}: no span of it is here: it was sampled out, or is past the days of its tier")
    return spans
