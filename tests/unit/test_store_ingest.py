"""From segments to detail: what came in is in the files, once, whatever happens to the segments meanwhile."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.errors import StoreError
from otel_verein.store.ingest import IngestResult, ingest
from otel_verein.store.journal import Journal
from otel_verein.store.layout import NANOSECONDS, Store
from otel_verein.store.lock import held
from otel_verein.store.totals import added
from tests.services.store_load import Load, Traffic
from tests.services.store_truth import Truth

NOW = 1_800_000_000
KEEP = StoreConfig(keep_segments=True)
GO = StoreConfig()


def taken(root: Path, *sources: Path, config: StoreConfig = GO, **more: object) -> IngestResult:
    """One run, long after everything was measured."""
    return at(NOW * NANOSECONDS, root / "store", *sources, config=config, **more)


def at(now_ns: int, place: Path, *sources: Path, config: StoreConfig = GO, **more: object) -> IngestResult:
    """One run at that time, into the store at *place*."""
    with held(Store(place), "ingest"):
        return ingest(Store(place), sources, config, now_ns=now_ns, **more)  # type: ignore[arg-type]


def stored(root: Path) -> Mapping[str, float]:
    """The sums of everything in the store."""
    with Journal.opened(Store(root / "store")) as journal:
        return added(file.totals for file in journal.files())


def line(number: int) -> bytes:
    """A message with one span."""
    span = {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "name": "GET /",
        "kind": 2,
        "startTimeUnixNano": str((NOW - 100) * NANOSECONDS + number),
        "endTimeUnixNano": str((NOW - 100) * NANOSECONDS + number + 5),
    }
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode() + b"\n"


def check(found: Mapping[str, float], truth: Truth) -> None:
    """The store has what was written: each span, operation and query once."""
    expected = truth.totals
    assert {name: found[name] for name in ("spans", "operations", "queries", "events")} == {
        name: expected[name] for name in ("spans", "operations", "queries", "events")
    }
    assert found["duplicates"] == truth.resent + truth.resent_events


@pytest.fixture
def load(tmp_path: Path) -> tuple[Path, Truth]:
    """Segments as our SDK writes them, and what is in them; some spans were sent twice."""
    directory = tmp_path / "otlp"
    return directory, Load(Traffic(operations=400, seconds=7200, resend_every=9)).write(directory)


def test_what_came_in_is_in_the_files(tmp_path: Path, load: tuple[Path, Truth]) -> None:
    """Counts of spans, operations, queries and findings, and the sum of durations, are those of the segments."""
    directory, truth = load

    result = taken(tmp_path, directory)

    check(stored(tmp_path), truth)
    assert result.tallies["seconds"] == pytest.approx(truth.totals["seconds"], rel=1e-12)
    assert result.asides == []


def test_segments_go_when_they_are_in_the_store(tmp_path: Path, load: tuple[Path, Truth]) -> None:
    """Nothing is left to be taken, and the journal knows every one of them."""
    directory, _ = load
    names = {path.name for path in directory.rglob("*.jsonl")}

    result = taken(tmp_path, directory)

    assert list(directory.rglob("*.jsonl")) == []
    assert (result.segments, result.deleted) == (len(names), len(names))
    with Journal.opened(Store(tmp_path / "store")) as journal:
        assert {Path(each.path).name for each in journal.segments()} == names
        assert {each.state for each in journal.segments()} == {"deleted"}


def test_segments_that_are_kept_are_taken_once(tmp_path: Path, load: tuple[Path, Truth]) -> None:
    """Run after run, and also under another name or copied from elsewhere."""
    directory, truth = load
    taken(tmp_path, directory, config=KEEP)
    shutil.copytree(directory, tmp_path / "copy")

    again = taken(tmp_path, directory, tmp_path / "copy", config=KEEP)

    check(stored(tmp_path), truth)
    assert again.tallies.get("spans", 0) == 0


def test_an_open_segment_is_left_alone(tmp_path: Path) -> None:
    """Our SDK may be writing to it; it goes when it is closed."""
    part = tmp_path / "otlp" / "20261127T134411345641-8528-399b0d.jsonl.part"
    part.parent.mkdir()
    part.write_bytes(line(1))

    now_ns = int(part.stat().st_mtime * NANOSECONDS)
    at(now_ns, tmp_path / "store", part.parent)

    assert part.exists()
    assert stored(tmp_path) == {}


def test_a_segment_whose_process_died_is_taken_to_its_last_whole_line(tmp_path: Path) -> None:
    """A minute after its last word, since nobody holds its lock; the torn end is set aside."""
    part = tmp_path / "otlp" / "20261127T134411345641-8528-399b0d.jsonl.part"
    part.parent.mkdir()
    part.write_bytes(line(1) + line(2)[:50])
    os.utime(part, (NOW - 61, NOW - 61))

    result = taken(tmp_path, part.parent)

    assert stored(tmp_path)["spans"] == 1
    assert [(each.signal, each.reason, each.items) for each in result.asides] == [("lines", "not OTLP/JSON", 1)]
    assert not part.exists()


def test_a_growing_file_is_taken_line_by_line(tmp_path: Path) -> None:
    """What a collector has open is taken up to its last whole line, and goes on behind it, also when renamed."""
    growing = tmp_path / "otlp" / "long.jsonl"
    growing.parent.mkdir()
    growing.write_bytes(line(1) + line(2)[:50])
    first = taken(tmp_path, growing.parent)

    with growing.open("ab") as file:
        file.write(line(2)[50:] + line(3))
    growing.rename(growing.with_name("long-2026-11-27T15-39-56.708.jsonl"))
    second = taken(tmp_path, growing.parent)

    assert (first.tallies["spans"], second.tallies["spans"], stored(tmp_path)["spans"]) == (1, 2, 3)
    assert list(growing.parent.iterdir()) == []


def test_a_file_begun_anew_is_taken_anew(tmp_path: Path) -> None:
    """A collector without rotation truncates its file when it starts."""
    growing = tmp_path / "otlp" / "long.jsonl"
    growing.parent.mkdir()
    growing.write_bytes(line(1) + line(2))
    taken(tmp_path, growing.parent)

    growing.write_bytes(line(3))
    taken(tmp_path, growing.parent)

    assert stored(tmp_path)["spans"] == 3


def test_a_compressed_segment_is_taken_whole(tmp_path: Path) -> None:
    """What gzip makes of a segment is the same segment."""
    packed = tmp_path / "otlp" / "20261127T134411345641-8528-399b0d.jsonl.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(b"".join(line(number) for number in range(1, 101))))

    taken(tmp_path, packed)

    assert stored(tmp_path)["spans"] == 100


def test_protobuf_is_refused_and_stays(tmp_path: Path) -> None:
    """It is named with the cure, and what lies beside it is taken."""
    proto = tmp_path / "otlp" / "a.jsonl"
    proto.parent.mkdir()
    proto.write_bytes(b"\0\0\0\x04\x0a\x02\x0a\x00")
    (proto.parent / "b.jsonl").write_bytes(line(1))

    result = taken(tmp_path, proto, proto.parent / "b.jsonl")

    expected = "protobuf is not read; give the collector's file exporter `format: json`"
    assert result.refused == [(proto, expected)]
    assert proto.exists()
    assert stored(tmp_path)["spans"] == 1


def test_who_is_told_to_stop_stores_what_was_read(tmp_path: Path) -> None:
    """The next run goes on behind it, and nothing is taken twice."""
    segment = tmp_path / "otlp" / "20261127T134411345641-8528-399b0d.jsonl"
    segment.parent.mkdir()
    segment.write_bytes(b"".join(line(number) for number in range(1, 101)))
    asked = iter([False] * 30)

    first = taken(tmp_path, segment.parent, stop=lambda: next(asked, True))
    second = taken(tmp_path, segment.parent)

    assert 0 < first.tallies["spans"] < 100
    assert first.tallies["spans"] + second.tallies["spans"] == stored(tmp_path)["spans"] == 100


def test_progress_ends_with_all_bytes(tmp_path: Path, load: tuple[Path, Truth]) -> None:
    """Bytes that were read of bytes that there are, never less than before."""
    directory, _ = load
    size = sum(path.stat().st_size for path in directory.rglob("*.jsonl"))
    told: list[tuple[int, int]] = []

    taken(tmp_path, directory, progress=lambda done, total: told.append((done, total)))

    assert told[-1] == (size, size)
    assert told == sorted(told)


def test_cumulative_metrics_count_what_they_increased_by(tmp_path: Path) -> None:
    """As a collector writes them that gets them from an endpoint; in two runs as in one."""
    directory = tmp_path / "otlp"
    traffic = Traffic(operations=300, seconds=3600)
    truth = Load(traffic).write_collector(directory, cumulative=True, rotate_bytes=1 << 20)

    taken(tmp_path, directory)
    taken(tmp_path, directory)

    assert stored(tmp_path)["operations"] == truth.totals["operations"]
    assert stored(tmp_path)["queries"] == truth.totals["queries"]


def test_what_is_too_far_ahead_is_set_aside(tmp_path: Path) -> None:
    """A clock that runs wrong does not fill hours to come; how far is a matter of configuration."""
    segment = tmp_path / "otlp" / "20261127T134411345641-8528-399b0d.jsonl"
    segment.parent.mkdir()
    segment.write_bytes(line(1))
    now_ns = (NOW - 500) * NANOSECONDS

    strict = at(now_ns, tmp_path / "strict", segment, config=replace(KEEP, future_s=60.0))
    lenient = at(now_ns, tmp_path / "lenient", segment, config=KEEP)

    assert [(each.reason, each.items) for each in strict.asides] == [("later than now", 1)]
    assert lenient.asides == []
    aside = next((tmp_path / "strict" / "aside").iterdir()).read_text()
    assert json.loads(aside)["segment"] == str(segment)


def test_a_directory_that_cannot_be_written_loses_nothing(tmp_path: Path, load: tuple[Path, Truth]) -> None:
    """The error names the place; the segments stay, and the next run takes them."""
    directory, truth = load
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "tmp").write_text("in the way")

    with pytest.raises(StoreError) as caught:
        taken(tmp_path, directory)
    (tmp_path / "store" / "tmp").unlink()
    taken(tmp_path, directory)

    assert str(caught.value) == f"{tmp_path}/store: cannot be written to: File exists"
    check(stored(tmp_path), truth)


def test_spans_of_zstd_streams(tmp_path: Path) -> None:
    """What the zstd command makes of a segment is the same segment."""
    packed = tmp_path / "a.jsonl.zst"
    with pa.CompressedOutputStream(str(packed), "zstd") as stream:
        stream.write(line(1) + line(2))

    taken(tmp_path, packed)

    assert stored(tmp_path)["spans"] == 2


def test_a_segment_that_cannot_be_read_is_named_and_the_others_are_taken(tmp_path: Path) -> None:
    """A directory is no segment whatever its name, and one that vanishes while it is read is no error."""
    vanishing, other = tmp_path / "otlp" / "a.jsonl", tmp_path / "otlp" / "b.jsonl"
    vanishing.parent.mkdir()
    vanishing.write_bytes(line(1) + line(2))
    other.write_bytes(line(3))
    os.utime(vanishing, (1, 1))

    def gone() -> bool:
        vanishing.unlink(missing_ok=True)
        return False

    taken(tmp_path, vanishing.parent, stop=gone)

    assert stored(tmp_path)["spans"] == 3
    with Journal.opened(Store(tmp_path / "store")) as journal:
        assert {each.path: each.state for each in journal.segments()} == {
            str(vanishing): "deleted",
            str(other): "deleted",
        }
