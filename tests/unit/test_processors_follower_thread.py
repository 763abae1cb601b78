"""The thread that follows the configuration: when it is there, when it is not, and what it takes over by itself."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from otel_verein.config import Config
from otel_verein.config.schema import Thresholds
from otel_verein.config.watch import LOOK_S, Watch
from otel_verein.faults import Faults
from otel_verein.processors import VereinSpanProcessor
from otel_verein.tracing import VereinTracerProvider
from tests.services.process import wait_until
from tests.unit.measures import Collected


def followers() -> list[threading.Thread]:
    """The threads that look at a configuration, but for those of other tests."""
    found = [each for each in threading.enumerate() if each.name == "otel-verein-configuration"]
    return [each for each in found if each not in _of_others]


_of_others: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def _alone() -> None:
    """What another test has left running is none of ours."""
    _of_others.clear()
    _of_others.update(followers())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Any]:
    """A directory, and a processor that follows its ``verein.yaml``; makes spans on demand."""
    (tmp_path / "verein.yaml").write_text("thresholds: {queries: 11}\n")
    os.utime(tmp_path / "verein.yaml", (1, 1))
    watch = Watch({}, tmp_path)
    first = watch.read().resolved
    assert first is not None
    processor = VereinSpanProcessor(None, first.config, Collected(), watch=watch, faults=Faults())
    provider = VereinTracerProvider(processor, shutdown_on_exit=False)
    yield tmp_path / "verein.yaml", processor, provider.get_tracer("test")
    provider.shutdown()
    assert wait_until(lambda: not followers(), 5)


def test_nobody_looks_before_the_first_operation_has_ended(site: Any) -> None:
    """A pre-fork master that serves nothing has no thread; the first operation starts one, further ones none."""
    file, processor, tracer = site
    file.write_text("thresholds: {queries: 12}\n")
    before = followers()

    for _ in range(3):
        tracer.start_span("GET /").end()

    assert ([], 1) == (before, len(followers()))
    assert wait_until(lambda: processor.config.thresholds.queries == 12, 3 * LOOK_S + 1)


def test_a_change_is_in_force_within_seconds(site: Any) -> None:
    """Without a further operation: the look that sees it, and the one that finds it settled."""
    file, processor, tracer = site
    tracer.start_span("GET /").end()
    assert wait_until(followers, 5)
    file.write_text("thresholds: {queries: 14}\n")

    assert wait_until(lambda: processor.config.thresholds.queries == 14, 3 * LOOK_S + 1)


def test_a_process_that_records_nothing_looks_too(tmp_path: Path) -> None:
    """Else recording that is off from the start could not be switched on."""
    (tmp_path / "verein.yaml").write_text("capabilities: {recording: false}\n")
    watch = Watch({}, tmp_path)
    first = watch.read().resolved
    assert first is not None
    processor = VereinSpanProcessor(None, first.config, None, watch=watch, faults=Faults())
    provider = VereinTracerProvider(processor, shutdown_on_exit=False)

    provider.get_tracer("test").start_span("GET /").end()

    assert len(followers()) == 1
    provider.shutdown()
    assert wait_until(lambda: not followers(), 5)


@pytest.mark.parametrize("before", [0, 1])
def test_after_the_end_nobody_looks(before: int, site: Any) -> None:
    """Shutting down ends the thread, if there is one, and what ends later starts none."""
    _, processor, tracer = site
    for _ in range(before):
        tracer.start_span("GET /").end()
    assert len(followers()) == before
    processor.shutdown()

    assert wait_until(lambda: not followers(), 5)
    tracer.start_span("GET /").end()
    assert followers() == []


def test_without_files_nobody_looks() -> None:
    """A processor that is given a configuration by hand has nothing to follow; it can still be given another."""
    other = Config(thresholds=Thresholds(queries=7))
    processor = VereinSpanProcessor(None, Config(), None, faults=Faults())
    provider = VereinTracerProvider(processor, shutdown_on_exit=False)
    provider.get_tracer("test").start_span("GET /").end()

    processor.reconfigure(other)

    assert ([], other) == (followers(), processor.config)
    provider.shutdown()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_looks_by_itself(site: Any) -> None:
    """It has no thread until its first operation ends, and then takes what has changed since the parent looked."""
    file, processor, tracer = site
    tracer.start_span("GET /").end()
    assert wait_until(followers, 5)
    file.write_text("thresholds: {queries: 13}\n")

    child = os.fork()
    if child == 0:
        alone = not followers()
        tracer.start_span("GET /").end()
        taken = wait_until(lambda: processor.config.thresholds.queries == 13, LOOK_S - 0.2)
        os._exit(0 if alone and taken else 1)

    assert os.waitpid(child, 0)[1] == 0
