"""`otel-verein store watch` as a process: what it takes, what it says, how it ends."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_verein.store import lock
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store
from otel_verein.store.verify import verify
from tests.services.process import wait_until
from tests.services.store_load import Load, Traffic
from tests.services.store_truth import Truth

START_S = 60.0
STOP_S = 2.0
CODE = "from otel_verein.cli.main import main; main()"
STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", re.M)


class Watch:
    """The process, in a directory of its own, which has a `verein.yaml` and a store."""

    def __init__(self, here: Path) -> None:
        self.here = here
        self.store = Store(here / ".verein")
        self.log = here / "watch.log"
        self.configure("")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", CODE, "store", "watch"],
                cwd=here,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that it has a share of its own of the processor, low as it is
            )

    def configure(self, more: str) -> None:
        """Write its configuration, in which rounds come fast."""
        (self.here / "verein.yaml").write_text(f"store: {{interval_s: 0.2}}\n{more}")

    def write(self, operations: int = 200, seed: int = 1) -> Truth:
        """Put there the files of a host, all in one moment; what is in them."""
        traffic = Traffic(operations=operations, seconds=600, seed=seed, piece=seed)
        truth = Load(traffic).write(self.here / "elsewhere")
        (self.here / ".verein/otlp").mkdir(parents=True, exist_ok=True)
        (self.here / "elsewhere").rename(self.here / f".verein/otlp/host-{seed}")
        return truth

    @property
    def lines(self) -> list[str]:
        """What it said, without the times."""
        return STAMP.sub("", self.log.read_text()).splitlines()

    def says(self, text: str, seconds: float = START_S) -> bool:
        """Whether it says *text* in some line within *seconds*."""
        return wait_until(lambda: any(text in line for line in self.lines) or self.process.poll() is not None, seconds)

    def tallies(self, key: str) -> float:
        """What it has taken so far."""
        if not self.store.exists:
            return 0
        with Journal.opened(self.store) as journal:
            return sum(batch.tallies.get(key, 0) for batch in journal.batches())

    def began(self, job: str) -> float:
        """When that job last began; 0 before it did."""
        with Journal.opened(self.store) as journal:
            run = journal.runs().get(job)
        return 0.0 if run is None else run.began_s

    def stop(self) -> tuple[int, float]:
        """End it as systemd does: its exit status, and how long it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_S), time.monotonic() - began


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """One that has said where it works."""
    started = Watch(tmp_path)
    try:
        assert started.says("priority: ")
        yield started
    finally:
        started.process.kill()
        started.process.wait()


def test_it_takes_what_is_written_rolls_it_up_and_ends_at_once(watch: Watch) -> None:
    """Without a restart, again and again; the files go, nothing is lost, and SIGTERM is answered within 2 s."""
    first = watch.write(seed=1)
    assert wait_until(lambda: watch.tallies("spans") >= first.totals["spans"], START_S)
    second = watch.write(seed=2)
    spans = first.totals["spans"] + second.totals["spans"]
    assert wait_until(lambda: watch.tallies("spans") >= spans, START_S)
    assert wait_until(lambda: any(line.startswith("retention: deleted") for line in watch.lines), START_S), watch.lines

    status, took_s = watch.stop()

    assert (0, "stopped") == (status, watch.lines[-1])
    assert took_s < STOP_S
    assert spans == watch.tallies("spans")
    assert [] == list((watch.here / ".verein/otlp").rglob("*.jsonl"))
    assert () == verify(watch.store).problems


def test_its_log_says_what_it_did_and_no_more(watch: Watch) -> None:
    """A line for each job that did something; rounds in which there is nothing to do are silent."""
    watch.write()
    assert watch.says("retention: deleted")
    lines, after = watch.lines, time.time()
    assert wait_until(lambda: watch.began("retention") > after + 1, START_S)

    assert lines == watch.lines
    assert ["ingest", "rollup", "retention"] == [line.partition(": ")[0] for line in lines[2:]]


def test_a_changed_configuration_is_taken_over_with_the_next_round(watch: Watch) -> None:
    """And said; one that is not valid is said with its place, once, and what was in force stays so."""
    watch.configure("retention: {detail_d: 30}\n")
    assert watch.says("configuration: retention.detail_d is 30 now, was 7")
    watch.configure("retention: {detail_d: 0}\n")
    assert watch.says("verein.yaml:2: retention.detail_d: 0 must be at least 1")
    after = time.time()
    assert wait_until(lambda: watch.began("retention") > after + 0.5, START_S)

    assert [
        "configuration: retention.detail_d is 30 now, was 7",
        "the changed configuration is not usable, the one before stays in force",
        "verein.yaml:2: retention.detail_d: 0 must be at least 1",
    ] == watch.lines[2:]


def test_without_retention_it_takes_in_and_deletes_nothing(watch: Watch) -> None:
    """The capability is read in each round."""
    watch.configure("capabilities: {retention: false}\n")
    assert watch.says("configuration: capabilities.retention is false now, was true")

    spans = watch.write().totals["spans"]
    assert wait_until(lambda: spans == watch.tallies("spans"), START_S)
    after = time.time()
    assert wait_until(lambda: watch.began("compact") > after, START_S)

    assert [] == [line for line in watch.lines if line.startswith(("rollup", "retention"))]


def test_a_job_that_fails_is_told_once_and_the_others_go_on(watch: Watch) -> None:
    """What it fails for is told when it is new, and that it is over; nothing is lost meanwhile."""
    first = watch.write(seed=1).totals["spans"]
    assert watch.says("retention: deleted")
    blocked = watch.store.aside
    blocked.touch()  # a file where a directory has to be: what cannot be taken cannot be set aside
    bad = watch.here / ".verein/otlp/bad.jsonl"
    bad.write_text("no json\n")
    second = watch.write(seed=2).totals["spans"]
    assert watch.says("ingest: .verein: cannot be written to")
    after = time.time()
    assert wait_until(lambda: watch.began("retention") > after + 0.5, START_S)
    told = [line for line in watch.lines if "cannot be written to" in line]

    blocked.unlink()

    assert watch.says("ingest: all is well again")
    assert 1 == len(told)
    assert first + second == watch.tallies("spans")
    assert 1 == watch.tallies("lines_aside")
    assert () == verify(watch.store).problems


def test_another_writer_is_waited_for(watch: Watch) -> None:
    """Who holds the lock is told; when it is free, the rounds go on."""
    with lock.held(watch.store, "backup", START_S):
        spans = watch.write().totals["spans"]
        assert watch.says("is writing to it since")

    assert wait_until(lambda: spans == watch.tallies("spans"), START_S)


def test_a_stop_in_the_middle_of_much_work_is_answered_at_once(watch: Watch) -> None:
    """It does not take the rest first; what was not taken is taken by the next one, and nothing twice."""
    spans = watch.write(operations=10_000).totals["spans"]
    assert wait_until(lambda: watch.store.tmp.exists() or watch.tallies("spans"), START_S)

    status, took_s = watch.stop()
    again = subprocess.run(
        [sys.executable, "-c", CODE, "store", "ingest"], cwd=watch.here, timeout=120, capture_output=True, check=False
    )

    assert (0, 0, b"") == (status, again.returncode, again.stderr)
    assert took_s < 2 * STOP_S  # with other tests on the same processors
    assert spans == watch.tallies("spans")
    assert () == verify(watch.store).problems
