"""One world of telemetry with known truth, and every source that it can be read from."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

import requests

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.sources.backend import Backend
from otel_verein.sources.base import Source
from otel_verein.sources.clickhouse import ClickHouse
from otel_verein.sources.jaeger import Jaeger
from otel_verein.sources.otlp_files import OtlpFiles
from otel_verein.sources.store import StoreSource
from otel_verein.sources.tempo import Tempo
from otel_verein.store.ingest import ingest
from otel_verein.store.journal import Journal
from otel_verein.store.layout import NANOSECONDS, Store
from tests.services.clickhouse_exported import DATABASE, exported, lines
from tests.services.clickhouse_http import ClickHouseHttp
from tests.services.jaeger import Jaeger as JaegerServer
from tests.services.process import wait_until
from tests.services.store_load import Load, Traffic
from tests.services.store_truth import Truth
from tests.services.tempo_contract import TempoContract

RELEASES = ("2026.3", "2026.4")
SECONDS = 1200
UNMEASURED = "worker"
MEASURED = ("payments", "shop")
EXACT = 1e-9
"""How far sums of doubles may differ, which are added in another order, or are told as text."""


@dataclass(frozen=True)
class World:
    """Two releases, one after the other, of two measured services and one that is not."""

    root: Path
    begin_ns: int
    truths: tuple[Truth, ...]
    references: dict[bool, Asked] = field(default_factory=dict)

    def held(self, source: Source, *, counts: bool) -> Held:
        """The world as it is in *source*, next to files with the same signals."""
        place = self.segments if counts else self.only_spans
        return Held(Asked(source), counts, self.references.setdefault(counts, Asked(OtlpFiles(place))))

    @property
    def segments(self) -> Path:
        """All of it, as our SDK writes it."""
        return self.root / "otlp"

    @property
    def only_spans(self) -> Path:
        """The same without metrics."""
        return self.root / "spans-only"

    @property
    def middle_ns(self) -> int:
        """When the second release begins."""
        return self.begin_ns + SECONDS * NANOSECONDS

    @property
    def end_ns(self) -> int:
        """When it is over."""
        return self.begin_ns + len(RELEASES) * SECONDS * NANOSECONDS

    @property
    def truth(self) -> Truth:
        """Of both releases."""
        whole = Truth()
        for each in self.truths:
            whole.merge(each)
        return whole


def made(root: Path) -> World:
    """The world in files below *root*."""
    truths = []
    for piece, release in enumerate(RELEASES):
        traffic = Traffic(
            operations=400,
            seconds=SECONDS,
            piece=piece,
            unmeasured=frozenset({UNMEASURED}),
            interval_s=60,
            segment_age_s=3600,
            seed=11,
            resend_every=9,
        )
        written = root / "written" / release
        truths.append(Load(traffic).write(written))
        for file in written.rglob("*.jsonl"):
            to = root / "otlp" / release / file.parent.name / file.name
            to.parent.mkdir(parents=True, exist_ok=True)
            to.write_bytes(file.read_bytes().replace(RELEASES[0].encode(), release.encode()))
            if file.parent.name == "spans":
                alone = root / "spans-only" / release / "spans" / file.name
                alone.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(to, alone)
    return World(root, traffic.begin_ns, tuple(truths))


class Asked:
    """Answers as a source does, which is asked once for each question: the world does not change."""

    def __init__(self, source: Source) -> None:
        self.itself = source
        self._answers: dict[tuple[Any, ...], Any] = {}

    def __getattr__(self, question: str) -> Callable[..., Any]:
        def ask(*arguments: Any) -> Any:
            key = (question, *arguments)
            if key not in self._answers:
                self._answers[key] = getattr(self.itself, question)(*arguments)
            return self._answers[key]

        return ask


@dataclass(frozen=True)
class Held:
    """The world in one source; ``counts`` where its metrics are there, too. ``reference`` has the same in files."""

    source: Asked
    counts: bool
    reference: Asked


def files(world: World, _: ExitStack) -> Held:
    """The segments."""
    return world.held(OtlpFiles(world.segments), counts=True)


def store(world: World, _: ExitStack) -> Held:
    """A store that has taken the first release, and the second beside it."""
    place = Store(world.root / "store")
    place.root.mkdir()
    config = StoreConfig(keep_segments=True)
    with Journal.opened(place, create=True):
        pass
    ingest(place, [world.segments / RELEASES[0]], config)
    parts = [world.segments / release for release in RELEASES]
    return world.held(StoreSource(place, parts, config), counts=True)


def clickhouse(world: World, stack: ExitStack) -> Held:
    """ClickHouse's engine, filled by the real exporter."""
    server = stack.enter_context(ClickHouseHttp())
    exported(server, world.segments)
    return world.held(ClickHouse(Backend(f"{server.url}/{DATABASE}", timeout_s=60)), counts=True)


def jaeger(world: World, stack: ExitStack) -> Held:
    """A real Jaeger."""
    server = stack.enter_context(JaegerServer())
    for line in lines(world.segments, "spans"):
        answer = requests.post(
            f"http://{server.http_endpoint}/v1/traces", line, headers={"Content-Type": "application/json"}, timeout=60
        )
        answer.raise_for_status()
    wanted = [trace for truth in world.truths for trace, _ in truth.traces]
    assert wait_until(lambda: all(server.trace(trace) is not None for trace in wanted), 30)
    return world.held(Jaeger(Backend(server.query_url)), counts=False)


def tempo(world: World, stack: ExitStack) -> Held:
    """What Tempo's documents say, as a server."""
    import json

    server = stack.enter_context(TempoContract([json.loads(line) for line in lines(world.segments, "spans")]))
    return world.held(Tempo(Backend(server.url)), counts=False)


HOLDERS: dict[str, Callable[[World, ExitStack], Held]] = {
    "files": files,
    "store": store,
    "clickhouse": clickhouse,
    "jaeger": jaeger,
    "tempo": tempo,
}


def alike(one: Any, other: Any) -> bool:
    """Whether two values are equal, doubles as far as their sums can be."""
    if is_dataclass(one) and type(one) is type(other):
        return all(alike(getattr(one, each.name), getattr(other, each.name)) for each in fields(one))
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, float) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=EXACT, abs_tol=EXACT)
    return bool(one == other)


def unlike(ours: Sequence[Any], theirs: Sequence[Any], key: Callable[[Any], Any] = repr) -> list[Any]:
    """The rows that differ, of two answers in any order; empty when they are alike."""
    one, other = sorted(ours, key=key), sorted(theirs, key=key)
    if len(one) != len(other):
        return [len(one), len(other)]
    return [pair for pair in zip(one, other, strict=True) if not alike(*pair)]
