"""Hostile segments: what is broken is set aside with its reason, the rest is taken, and the books balance."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from otel_verein.config.schema import Config
from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.store.compaction import compact
from otel_verein.store.ingest import IngestResult, ingest
from otel_verein.store.journal import Journal
from otel_verein.store.layout import Store, is_place
from otel_verein.store.lock import held
from otel_verein.store.rollup import roll
from otel_verein.store.taking.cumulative import Lasts
from otel_verein.store.taking.formats import TOO_LONG, messages
from otel_verein.store.taking.messages import Taking
from otel_verein.store.verify import verify
from tests.unit.hostile_points import POINT_CASES, histogram, point
from tests.unit.hostile_segments import NOW_NS, SPAN_CASES, START_NS, Case, line, span
from tests.unit.otlp_lines import attributes
from tests.unit.packed_segments import streamed

CASES = SPAN_CASES + POINT_CASES
LATEST_NS = NOW_NS + 3_600_000_000_000
BEFORE, AFTER = line(span(9001)) + point("sum", {"asInt": "1"}), line(span(9002))
"""What stands around everything, and is taken in any case."""


def taken(directory: Path) -> IngestResult:
    """Ingest ``<directory>/segments`` into ``<directory>/store``, and look at the whole store."""
    store = Store(directory / "store")
    with held(store, "ingest", 0):
        result = ingest(store, [directory / "segments"], StoreConfig(), now_ns=NOW_NS)
    assert () == verify(store).problems
    return result


def segment(directory: Path, name: str, content: bytes) -> Path:
    """A segment of this name and content, to which nobody has written for long."""
    path = directory / "segments" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (0, 0))
    return path


def reasons(result: IngestResult) -> dict[str, int]:
    """Items set aside, by reason."""
    found: Counter[str] = Counter()
    for aside in result.asides:
        found[aside.reason] += aside.items
    return dict(found)


def rows(directory: Path, columns: str, kind: str = "spans") -> list[tuple[Any, ...]]:
    """Columns of all detail of a kind, in order."""
    files = str(directory / "store" / "detail" / kind / "**" / "*.parquet")
    return duckdb.sql(f"SELECT {columns} FROM read_parquet('{files}') ORDER BY ALL").fetchall()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_broken_is_set_aside_and_the_rest_is_taken(tmp_path: Path, case: Case) -> None:
    """Every span and point is taken or set aside with a reason; nothing raises."""
    path = segment(tmp_path, "a.jsonl", BEFORE + case.content + AFTER)
    found: Counter[str] = Counter()
    taking = Taking(Lasts(lambda _: None), LATEST_NS, lambda _, reason, *__: found.update([reason]))

    for message in messages(path, limit=1_000_000, closed=True):
        if message.data.strip():
            taking.take(message.data)

    taking.spans.settle()
    taken_items = taking.tallies["spans"] - 2, taking.points.tallies["points"] - 1
    assert (case.spans, case.points, dict(case.asides)) == (*taken_items, dict(found))


def test_everything_that_is_broken_at_once(tmp_path: Path) -> None:
    """The sums over all cases come out, what was set aside can be read again, and the store is whole."""
    for number, case in enumerate(CASES):
        segment(tmp_path, f"{number}.jsonl", case.content)
    expected: Counter[str] = Counter()
    for case in CASES:
        expected.update(case.asides)

    result = taken(tmp_path)

    kept = [json.loads(each) for file in (tmp_path / "store/aside").iterdir() for each in file.open("rb")]
    assert sum(case.spans for case in CASES) == result.tallies["spans"]
    assert sum(case.points for case in CASES) == result.tallies["points"]
    assert expected == reasons(result) == Counter(item["reason"] for item in kept)
    assert [] == list((tmp_path / "segments").iterdir())


def test_what_was_taken_of_it_can_be_rolled_up_and_merged(tmp_path: Path) -> None:
    """What is odd but not impossible does not stop what comes later: all is rolled up, and all is conserved."""
    for number, case in enumerate(CASES):
        segment(tmp_path, f"{number}.jsonl", case.content)
    taken(tmp_path)
    store, later_s = Store(tmp_path / "store"), NOW_NS / 1e9 + 70 * 86_400

    with held(store, "rollup", 0):
        merged = compact(store, later_s)
        rolled = roll(store, Config(), later_s)

    assert ((), ()) == (merged.problems, rolled.problems)
    assert () == verify(store).problems
    assert {0, 1, 2, 3} == levels(store)


def levels(store: Store) -> set[int]:
    """How coarse the live files are."""
    with Journal.opened(store) as journal:
        return {file.level for file in journal.files()}


def test_names_of_files_are_no_commands(tmp_path: Path) -> None:
    """Quotes, patterns, line ends, bytes that are no text: each file is taken once, and none outside is touched."""
    names = ["a'b.jsonl", "[ab]*?.jsonl", "line\nend.jsonl", "..jsonl", "%41#?.jsonl", "-rf.jsonl", "$(x);`y`.jsonl"]
    for number, name in enumerate(names):
        segment(tmp_path, name, line(span(number + 1)))
    raw = os.fsencode(tmp_path / "segments") + b"/\xff\xfe.jsonl"
    Path(os.fsdecode(raw)).write_bytes(line(span(100)) + b"broken\n")
    outside = tmp_path / "outside.jsonl"
    outside.write_bytes(line(span(200)))
    (tmp_path / "segments" / "link.jsonl").symlink_to(outside)
    (tmp_path / "segments" / "folder.jsonl").mkdir()
    os.mkfifo(tmp_path / "segments" / "pipe.jsonl")

    result = taken(tmp_path)

    assert (len(names) + 1, {"not OTLP/JSON": 1}) == (result.tallies["spans"], reasons(result))
    assert outside.read_bytes() == line(span(200))


def test_nothing_that_telemetry_says_becomes_part_of_a_path(tmp_path: Path) -> None:
    """Names of services, operations and tiers with paths in them are values of columns, and only that."""
    evil = "../../../../tmp/evil\0'\"*" + "x" * 3000
    own = attributes({"verein.tier": evil, "verein.operation.name": evil, "verein.entity.id": evil})
    segment(tmp_path, "a.jsonl", line(span(1, name=evil, attributes=own), service=evil))

    taken(tmp_path)

    assert [(evil, evil, evil, evil, "")] == rows(tmp_path, "service, name, operation, entity_id, tier")
    assert all(is_place(name) for name in Store(tmp_path / "store").files())
    assert ["segments", "store"] == sorted(path.name for path in tmp_path.iterdir())


def test_byte_order_mark_begins_a_segment(tmp_path: Path) -> None:
    """Editors of Windows write one."""
    segment(tmp_path, "a.jsonl", b"\xef\xbb\xbf" + line(span(1)))

    assert (1, {}) == ((result := taken(tmp_path)).tallies["spans"], reasons(result))


@pytest.mark.parametrize("where", ["line", "lines", "files", "runs", "capitals"])
def test_span_that_comes_twice_counts_once(tmp_path: Path, where: str) -> None:
    """It was sent again since nobody had answered; that is booked, not hidden."""
    once = line(span(1)), line(span(2))
    if where == "line":
        segment(tmp_path, "a.jsonl", line(span(1), span(2), span(1)))
    elif where == "lines":
        segment(tmp_path, "a.jsonl", b"".join(once) + once[0])
    elif where == "capitals":
        segment(tmp_path, "a.jsonl", line(span(10), span(2), span(10, traceId=f"{10:032X}", spanId=f"{10:016X}")))
    else:
        segment(tmp_path, "a.jsonl", b"".join(once))
        if where == "runs":
            taken(tmp_path)
        segment(tmp_path, "b.jsonl", once[0] + b"\n")
    taken(tmp_path)

    assert 2 == len(set(rows(tmp_path, "trace_id, span_id")))


def test_same_segment_under_another_name_is_taken_once(tmp_path: Path) -> None:
    """Copied back from somewhere, it adds nothing."""
    segment(tmp_path, "a.jsonl", BEFORE)
    first = taken(tmp_path)
    segment(tmp_path, "b.jsonl", BEFORE)
    second = taken(tmp_path)

    assert (1, 0) == (first.tallies["spans"], second.tallies["spans"])


@pytest.mark.parametrize("spans", [1, 1500], ids=["short", "longer than a batch"])
def test_stream_that_is_interrupted_is_taken_once(tmp_path: Path, spans: int) -> None:
    """Nobody can go on in its middle, so nothing of it counts before its end; what came before it does."""
    messages_of_it = [line(*(span(at * spans + 1 + each) for each in range(spans))) for at in range(50)]
    content = b"".join(each + point("sum", {"asInt": "1"}) for each in messages_of_it)
    segment(tmp_path, "a.jsonl", BEFORE)
    os.utime(segment(tmp_path, "b.jsonl.zst", streamed(content)), (1, 1))
    store, asked = Store(tmp_path / "store"), iter(range(1000))
    with held(store, "ingest", 0):
        stopped = ingest(store, [tmp_path / "segments"], StoreConfig(), now_ns=NOW_NS, stop=lambda: next(asked) > 98)
    middle = verify(store).problems
    rest = taken(tmp_path)

    assert (1, 50 * spans, ()) == (stopped.tallies["spans"], rest.tallies["spans"], middle)
    assert [(50 * spans + 1,)] == rows(tmp_path, "count(*)")
    assert [(51.0,)] == rows(tmp_path, 'sum("value")', "points")


_RUN = """
import sys
from pathlib import Path
from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.store.ingest import ingest
from otel_verein.store.layout import Store
from otel_verein.store.lock import held
store = Store(Path(sys.argv[1]) / "store")
with held(store, "ingest", 0):
    result = ingest(store, [Path(sys.argv[1]) / "segments"], StoreConfig(), now_ns=int(sys.argv[2]))
peak_kb = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]  # ru_maxrss is that of the parent
print(int(result.tallies["spans"]), int(peak_kb) // 1024)
"""


def peak_mib(directory: Path) -> tuple[int, int]:
    """The spans that a process of its own takes, and the most memory that it had."""
    command = [sys.executable, "-c", _RUN, str(directory), str(NOW_NS)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(answer[0]), int(answer[1])


def test_line_of_100_mb_is_kept_aside_in_bounded_memory(tmp_path: Path) -> None:
    """It is copied without being held, byte by byte as it was."""
    path = segment(tmp_path, "a.jsonl", BEFORE)
    with path.open("ab") as file:
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\n" + AFTER)

    spans, mib = peak_mib(tmp_path)

    (aside,) = (tmp_path / "store/aside").iterdir()
    item = json.loads(aside.read_bytes())
    assert (2, TOO_LONG) == (spans, item["reason"])
    assert 4 * 33_333_334 == len(item["base64"])
    assert mib < 300


def test_histograms_that_are_far_apart_do_not_meet_in_memory(tmp_path: Path) -> None:
    """From a nanosecond to a day at the finest scale there are 48 million buckets; they are made coarser."""
    ends = [point("exponentialHistogram", histogram(scale=20, positive={"offset": at << 20, "bucketCounts": [3]}))
            for at in (-30, 16)]  # fmt: skip
    segment(tmp_path, "a.jsonl", BEFORE + b"".join(ends) + AFTER)

    spans, mib = peak_mib(tmp_path)

    ((count, buckets),) = rows(tmp_path, 'sum("count"), max(len(counts))', "points")
    assert (2, 6) == (spans, count)
    assert buckets <= 16_384
    assert mib < 300


def test_duration_is_not_changed_by_the_largest_stamp(tmp_path: Path) -> None:
    """What is just inside the bounds keeps every nanosecond."""
    first = 946_684_800_000_000_000
    segment(tmp_path, "a.jsonl", line(span(1, startTimeUnixNano=str(first), endTimeUnixNano=str(NOW_NS))))

    taken(tmp_path)

    assert [(first, NOW_NS - first)] == rows(tmp_path, "start_ns, duration_ns")
    assert START_NS < NOW_NS
