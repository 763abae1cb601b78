"""The jobs of the store from the command line, on the files of an application: each says in one line what it did."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from otel_verein.cli.main import main
from otel_verein.store.layout import Store
from tests.services.store_load import Load, Traffic
from tests.services.store_truth import Truth

SIZE = r"\d+(\.\d)? [kM]?B"
RETENTION_OFF = {"VEREIN_CAPABILITIES_RETENTION": "false"}


@dataclass(frozen=True)
class World:
    """A directory with the files of a process that has ended, and what is in them."""

    directory: Path
    truth: Truth

    @property
    def segments(self) -> list[Path]:
        """The files that are there."""
        return sorted((self.directory / ".verein/otlp").rglob("*.jsonl"))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Files in the working directory, and no variable of ours."""
    for name in [name for name in os.environ if name.startswith(("VEREIN_", "OTEL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return World(tmp_path, Load(Traffic(operations=120, seconds=600)).write(tmp_path / ".verein/otlp"))


def run(*words: str, **environ: str) -> Result:
    """What such a command line does."""
    return CliRunner().invoke(main, ["store", *words], env=environ)


def printed(*words: str, **environ: str) -> str:
    """What a command prints that ends well, without its last line's end."""
    done = run(*words, **environ)
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    return done.stdout.removesuffix("\n")


def test_ingest_says_what_it_took(world: World) -> None:
    """Counts as they were written, from how many files, and that those are gone; then there is nothing to do."""
    there, spans, events = len(world.segments), world.truth.totals["spans"], world.truth.totals["events"]

    said = printed("ingest")

    expected = (
        rf"{spans} spans, [\d,]+ points, {events} findings? from {there} segments, {SIZE}, {there} segments deleted"
    )
    assert re.fullmatch(expected, said), said
    assert [] == world.segments
    assert "nothing to do" == printed("ingest")


def test_segments_stay_where_they_are_to_be_kept(world: World) -> None:
    """They are not taken a second time."""
    there = world.segments

    said = printed("ingest", VEREIN_STORE_KEEP_SEGMENTS="true")

    assert "deleted" not in said
    assert there == world.segments
    assert "nothing to do" == printed("ingest", VEREIN_STORE_KEEP_SEGMENTS="true")


def test_other_places_are_taken_as_they_are_named(world: World) -> None:
    """More than one, and nothing of what is here by default."""
    for number in (1, 2):
        Load(Traffic(operations=20, seconds=60, seed=number, piece=number)).write(world.directory / f"host-{number}")

    said = printed("ingest", "--from", "host-1", "--from", "host-2")

    assert said.startswith(tuple("0123456789"))
    assert world.segments
    assert [] == [path for number in (1, 2) for path in (world.directory / f"host-{number}").rglob("*.jsonl")]


def test_what_cannot_be_taken_is_said_with_its_reason(world: World) -> None:
    """The rest is taken."""
    (world.directory / ".verein/otlp/spans/bad.jsonl").write_text("no json\n[]\n")

    said = printed("ingest")

    assert said.startswith(f"{world.truth.totals['spans']} spans, ")
    assert ", 2 items set aside (not OTLP/JSON), " in said
    assert "set aside: 2 items (lines: not OTLP/JSON)" in printed("status").splitlines()


def test_run_does_all_of_it_once(world: World) -> None:
    """One line for each job, in the order in which one needs the other; nothing is left to do."""
    first = printed("run").splitlines()
    second = printed("run").splitlines()

    assert ["ingest", "rollup", "compact", "retention"] == [line.partition(": ")[0] for line in first]
    assert re.fullmatch(rf"rollup: made \d hours?, \d days?, \d months?: \d+ rows, {SIZE}", first[1]), first
    assert re.fullmatch(rf"retention: deleted \d+ files, {SIZE}", first[3]), first
    assert [f"{job}: nothing to do" for job in ("ingest", "rollup", "compact", "retention")] == second


def test_run_without_retention_only_takes_in(world: World) -> None:
    """Nothing is added up, and nothing deleted but what is in the store."""
    said = printed("run", **RETENTION_OFF).splitlines()

    assert ["ingest", "compact"] == [line.partition(": ")[0] for line in said]


def test_run_goes_on_where_a_job_fails(world: World) -> None:
    """It is told, the others have their turn, and the exit status says that not all is well."""
    (world.directory / ".verein/otlp/spans/bad.jsonl").write_text("no json\n")
    (world.directory / ".verein/aside").touch()  # a file, so that nothing can be set aside there

    done = run("run")

    assert 2 == done.exit_code
    assert "otel-verein store run: ingest: .verein: cannot be written to: File exists\n" == done.stderr
    assert ["rollup", "compact", "retention"] == [line.partition(": ")[0] for line in done.stdout.splitlines()]
    assert world.segments


def test_one_job_after_the_other_does_what_run_does(world: World) -> None:
    """Each command says what it did."""
    printed("ingest")

    assert re.fullmatch(rf"made \d hours?, \d days?, \d months?: \d+ rows, {SIZE}", printed("rollup"))
    assert "nothing to do" == printed("compact")
    assert re.fullmatch(rf"deleted \d+ files, {SIZE}", printed("retention"))


def test_a_dry_run_says_what_would_go_and_deletes_nothing(world: World) -> None:
    """What goes by its age, with the option; before it is rolled up, that it may not go yet."""
    printed("ingest")
    held = printed("retention", "--dry-run").splitlines()
    printed("rollup")
    store = Store(world.directory / ".verein")
    there = store.files()

    going = printed("retention", "--dry-run").splitlines()

    assert "may not go yet:" == held[0]
    assert "would be deleted:" == going[0]
    assert ["kind", "level", "tier", "files", "size", "why"] == going[1].split()
    assert [line for line in going if line.endswith("older than 90 days (tiers.long_d)")]
    assert re.fullmatch(rf"the store takes {SIZE} of 10\.2 GB, then {SIZE}", going[-1])
    assert there == store.files()


def test_status_says_how_the_store_stands(world: World) -> None:
    """What is kept, what became of it, what waits; as JSON with every key."""
    waits = len(world.segments)
    run("rollup")  # makes an empty store
    before = printed("status").splitlines()
    printed("ingest")

    after, answer = printed("status").splitlines(), json.loads(printed("status", "--json"))

    assert [f"behind: {waits} segments"] == [line.partition(" with ")[0] for line in before if "behind" in line]
    assert "store " in after[0]
    assert ["kind", "level", "tier", "files", "rows", "size", "from", "to"] == after[1].split()
    assert "behind: nothing waits to be taken" in after
    assert [job for job in ("ingest", "rollup") if any(line.startswith(f"last {job} ") for line in after)] == [
        "ingest",
        "rollup",
    ]
    assert world.truth.totals["spans"] == answer["tallies"]["spans"]


def test_a_trace_is_shown_wherever_it_is(world: World) -> None:
    """Before and after it was taken in, as a tree and as JSON; one that is not there is told."""
    printed("rollup")
    trace_id, spans = world.truth.traces[0]
    waiting = printed("trace", trace_id)
    printed("ingest")

    stored, answer = printed("trace", trace_id.upper()), json.loads(printed("trace", trace_id, "--json"))

    assert waiting == stored
    assert stored.startswith(f"trace {trace_id}: {spans} span")
    assert spans + 2 == len(stored.splitlines())
    assert spans == len(answer["spans"])
    assert "service.name" in [each["key"] for each in answer["spans"][0]["resource"]["attributes"]]
    other = "0" * 31 + "1"
    assert (2, f"otel-verein store trace: {other}: no span of it is here: it was sampled out, or is past the days of "
            "its tier\n") == (run("trace", other).exit_code, run("trace", other).stderr)  # fmt: skip


def everything(terminal: int) -> str:
    """All that was written to a terminal that nobody writes to any more."""
    said = b""
    with contextlib.suppress(OSError):  # how Linux says that it is at its end
        while piece := os.read(terminal, 65536):
            said += piece
    os.close(terminal)
    return said.decode()


def test_a_terminal_shows_how_far_it_is(world: World) -> None:
    """A bar on stderr, up to its end; where stderr is no terminal there is none."""
    ours, theirs = pty.openpty()
    code = "from otel_verein.cli.main import main; main()"

    done = subprocess.run(
        [sys.executable, "-c", code, "store", "ingest"], stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=True
    )
    os.close(theirs)
    shown = everything(ours)

    assert "taking in" in shown
    assert "100%" in shown
    assert done.stdout.startswith(str(world.truth.totals["spans"]).encode())
