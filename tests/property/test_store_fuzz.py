"""Whatever is in a segment, ingest takes it or sets it aside, and what stands beside it is taken."""

from __future__ import annotations

import copy
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_verein.config.sections.storing import Store as StoreConfig
from otel_verein.store.ingest import ingest
from otel_verein.store.layout import Store
from otel_verein.store.lock import held
from otel_verein.store.taking.cumulative import Lasts
from otel_verein.store.taking.formats import messages
from otel_verein.store.taking.messages import Taking
from otel_verein.store.verify import verify
from tests.unit.hostile_points import histogram, point
from tests.unit.hostile_segments import NOW_NS, line, request, span
from tests.unit.otlp_lines import attributes, finding
from tests.unit.packed_segments import FORMS

LATEST_NS = NOW_NS + 3_600_000_000_000
_OWN = attributes(
    {
        "verein.db.query_count": 12,
        "verein.db.duration_ms": 1.5,
        "verein.breach": ["queries", "n_plus_one"],
        "verein.tier": "long",
    }
)
SPANS = request(
    [
        span(number, parentSpanId=f"{number + 50:016x}", traceState="ot=th:8", attributes=_OWN, events=[finding()])
        for number in (1, 2, 3)
    ],
    scope={"name": "a"},
)
POINTS: dict[str, Any] = json.loads(point("exponentialHistogram", histogram()))
GOOD = line(span(9001))

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 2**31, 2**53, 2**63, 2**64, 10**30, 10**400]),
    st.floats(),
    st.text(),
    st.sampled_from(["", "0", "-1", "NaN", "Infinity", "1e400", str(2**64), "9" * 5000, "a\0b", "f" * 32]),
)
_JSON = st.recursive(_SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
_LIMIT = 1_000_000


class Outcome:
    """What became of lines: items by signal, and the rows that would be written, which are made."""

    def __init__(self, lines: bytes) -> None:
        self.asides: Counter[str] = Counter()
        taking = Taking(Lasts(lambda _: None), LATEST_NS, lambda signal, *_: self.asides.update([signal]))
        for each in lines.split(b"\n"):
            if each.strip():
                taking.take(each)
        taking.spans.settle()
        self.spans = int(taking.tallies.get("spans", 0))
        self.points = int(taking.points.tallies["points"])
        self.span_rows = sum(file.table.num_rows + file.duplicates for file in taking.spans.rows.files())
        self.point_rows = sum(file.table.num_rows for file in taking.points.rows.files())
        self.finding_files = len(list(taking.spans.findings.files()))


def places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a tree of JSON: what holds it, and its key or index there."""
    if isinstance(tree, (dict, list)):
        for key in list(tree) if isinstance(tree, dict) else range(len(tree)):
            yield tree, key
            yield from places(tree[key])


def replaced(tree: Any, part: Any, choice: int, value: object) -> bytes:
    """*tree* as a line, with *value* at one of the places in *part* of it."""
    found = list(places(part))
    holder, key = found[choice % len(found)]
    holder[key] = value
    return json.dumps(tree).encode() + b"\n"


@given(st.integers(0), _JSON)
@settings(max_examples=200, deadline=None)
def test_any_value_at_any_place_of_a_span(choice: int, value: object) -> None:
    """Every one of the three spans is taken or set aside, once."""
    tree = copy.deepcopy(SPANS)
    outcome = Outcome(GOOD + replaced(tree, tree["resourceSpans"][0]["scopeSpans"][0]["spans"], choice, value) + GOOD)

    if not outcome.asides["lines"]:
        assert 5 == outcome.spans + outcome.asides["spans"]
    assert outcome.spans == outcome.span_rows >= 2


@given(st.integers(0), _JSON)
@settings(max_examples=150, deadline=None)
def test_any_value_at_any_place_of_a_message(choice: int, value: object) -> None:
    """What is no list of spans any more is one item set aside; the lines around are taken."""
    tree = copy.deepcopy(SPANS)
    other = copy.deepcopy(POINTS)
    outcome = Outcome(GOOD + replaced(tree, tree, choice, value) + replaced(other, other, choice, value) + GOOD)

    assert outcome.spans == outcome.span_rows >= 2


@given(st.integers(0), _JSON)
@settings(max_examples=200, deadline=None)
def test_any_value_at_any_place_of_a_point(choice: int, value: object) -> None:
    """The point is taken or set aside, once."""
    tree = copy.deepcopy(POINTS)
    (metric,) = tree["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    outcome = Outcome(GOOD + replaced(tree, metric["exponentialHistogram"]["dataPoints"], choice, value) + GOOD)

    assert (2, 1) == (outcome.spans, outcome.points + sum(outcome.asides.values()))
    assert outcome.points == outcome.point_rows


@given(st.lists(st.tuples(st.integers(0), st.binary(max_size=3)), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_bytes_at_any_place_of_a_line(changes: list[tuple[int, bytes]]) -> None:
    """Cut, overwritten or filled in: nothing raises, and the lines around are taken."""
    content = bytearray(json.dumps(SPANS).encode() + b"\n" + json.dumps(POINTS).encode())
    for place, given_bytes in changes:
        at = place % len(content)
        content[at : at + 2] = given_bytes
    outcome = Outcome(GOOD + bytes(content) + b"\n" + GOOD)

    assert outcome.spans == outcome.span_rows >= 2


@given(st.sampled_from(sorted(FORMS)), st.lists(st.tuples(st.integers(0), st.binary(max_size=3)), max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_bytes_at_any_place_of_a_file(form: str, changes: list[tuple[int, bytes]]) -> None:
    """However it is packed: each byte is in one message, and the end is reached."""
    content = bytearray(FORMS[form])
    for place, given_bytes in changes:
        at = place % len(content)
        content[at : at + 2] = given_bytes
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        found = list(messages(Path(file.name), limit=_LIMIT, closed=True))

    ends = [message.end for message in found]
    assert ends == sorted(ends)
    assert len(content) == (ends[-1] if ends else 0)


@pytest.mark.parametrize("examples", [4, pytest.param(100, marks=pytest.mark.soak)])
def test_store_of_anything_is_whole(tmp_path: Path, examples: int) -> None:
    """Ingested for good, whatever it was, every row is accounted for."""
    runs = iter(range(10_000))

    @given(st.lists(st.tuples(st.integers(0), _JSON), min_size=20, max_size=40))
    @settings(max_examples=examples, deadline=None, database=None)
    def ingested(mutations: list[tuple[int, object]]) -> None:
        place = tmp_path / str(next(runs))
        (place / "segments").mkdir(parents=True)
        content = [replaced(tree := copy.deepcopy(SPANS), tree, *mutation) for mutation in mutations]
        content += [replaced(tree := copy.deepcopy(POINTS), tree, *mutation) for mutation in mutations]
        path = place / "segments" / "long-2026-11-18T12-00-00.000.jsonl"
        path.write_bytes(GOOD + b"".join(content))
        store = Store(place / "store")
        with held(store, "ingest", 0):
            result = ingest(store, [place / "segments"], StoreConfig(), now_ns=NOW_NS)

        assert result.tallies["spans"] >= 1
        assert () == verify(store).problems
        assert not path.exists()

    ingested()
