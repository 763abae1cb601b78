"""The benchmark's own arithmetic: what arrives is counted, work that was not done has no figure, targets are judged."""

from __future__ import annotations

import gzip
import importlib
import json
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.services.otlp_load import Load, Traffic, sampled

FOLDER = Path(__file__).parents[2] / "benchmarks"
ASKED = {"operations": 10, "queries": 50, "operations_with_finding": 2}


@pytest.fixture(scope="module")
def folder() -> Iterator[None]:
    """The modules of the benchmark can be imported, as its programs do it."""
    known = set(sys.modules)
    sys.path.insert(0, str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))
    for name in set(sys.modules) - known:
        if str(FOLDER) in (getattr(sys.modules[name], "__file__", None) or ""):
            del sys.modules[name]


def _module(name: str) -> ModuleType:
    return importlib.import_module(name)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        pytest.param(b"\x7f\xff", 127, id="fixint"),
        pytest.param(b"\xe0", -32, id="negative-fixint"),
        pytest.param(b"\xcd\x01\x00", 256, id="uint16"),
        pytest.param(b"\xd3" + struct.pack(">q", -5), -5, id="int64"),
        pytest.param(b"\xcb" + struct.pack(">d", 1.5), 1.5, id="double"),
        pytest.param(b"\xa3abc", "abc", id="fixstr"),
        pytest.param(b"\xd9\x03abc", "abc", id="str8"),
        pytest.param(b"\xc4\x02\x00\x01", b"\x00\x01", id="bin8"),
        pytest.param(b"\x82\xa1a\x01\xa1b\x93\xc0\xc2\xc3", {"a": 1, "b": [None, False, True]}, id="nested"),
        pytest.param(b"\xdc\x00\x02\x01\x02", [1, 2], id="array16"),
    ],
)
def test_messagepack_is_read(encoded: bytes, value: object) -> None:
    """Every form that the Datadog agent's protocol uses is read as what it means."""
    assert _module("sink_formats").unpack(encoded) == value


@pytest.mark.usefixtures("folder")
def test_datadog_tells_kept_from_rejected() -> None:
    """A trace whose root was rejected by sampling is none of the kept ones, nor are its spans."""
    kept = b"\x92" + b"\x81\xa7metrics\x81\xb5_sampling_priority_v1\x01" + b"\x80"
    rejected = b"\x92" + b"\x81\xa7metrics\x81\xb5_sampling_priority_v1\xff" + b"\x80"

    counted = _module("sink_formats").datadog(b"\x92" + kept + rejected)

    assert {"operations": 1, "operations_rejected": 1, "spans": 1} == counted


@pytest.mark.usefixtures("folder")
def test_sentry_envelopes_are_counted_by_item() -> None:
    """Only transactions are operations; reports of the client in the same envelope are passed over."""
    content = json.dumps({"spans": [{}, {}, {}]}).encode()
    item = json.dumps({"type": "transaction", "length": len(content)}).encode()
    report = b'{"type":"client_report","length":2}\n{}\n'
    envelope = b'{"dsn":"x"}\n' + report + item + b"\n" + content + b"\n"

    assert {"operations": 1, "spans": 3} == _module("sink_formats").sentry(envelope)


@pytest.mark.usefixtures("folder")
def test_elastic_counts_what_was_compressed_or_dropped() -> None:
    """A composite span stands for all that it replaced, and what the limit dropped is counted by its transaction."""
    events = [
        {"metadata": {}},
        {"span": {"composite": {"count": 7}}},
        {"span": {}},
        {"transaction": {"span_count": {"started": 8, "dropped": 4}}},
    ]

    body = b"\n".join(json.dumps(event).encode() for event in events)

    assert {"operations": 1, "spans": 12} == _module("sink_formats").elastic(body)


@pytest.mark.usefixtures("folder")
def test_scout_batches_are_counted() -> None:
    """The span of the request itself is no query."""
    commands = [{"StartRequest": {}}, {"StartSpan": {}}, {"StartSpan": {}}, {"StopSpan": {}}, {"FinishRequest": {}}]

    body = json.dumps({"BatchCommand": {"commands": commands}}).encode()

    assert {"operations": 1, "spans": 1} == _module("sink_formats").scout(body)


@pytest.mark.usefixtures("folder")
def test_packed_bodies_are_unpacked() -> None:
    """What is sent with gzip is counted like what is not."""
    unpacked = _module("sink")._unpacked

    assert (b"abc", b"abc") == (unpacked(gzip.compress(b"abc"), "gzip"), unpacked(b"abc", ""))


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("name", "hooked", "known", "received", "done"),
    [
        pytest.param("bare", False, {}, {}, True, id="bare"),
        pytest.param("bare", True, {}, {}, False, id="bare-but-hooked"),
        pytest.param(
            "verein", True, {"operations_counted": 10, "queries_counted": 50, "operations": 2}, {}, True, id="verein"
        ),
        pytest.param(
            "verein", True, {"operations_counted": 10, "queries_counted": 49, "operations": 2}, {}, False, id="lost"
        ),
        pytest.param("verein_otlp", True, {}, {"operations": 2, "spans": 8}, True, id="verein-otlp"),
        pytest.param("verein_otlp", True, {}, {"operations": 1, "spans": 8}, False, id="verein-otlp-lost"),
        pytest.param("always_on", True, {}, {"operations": 10, "spans": 50}, True, id="always-on"),
        pytest.param("always_on", True, {}, {"operations": 10, "spans": 49}, False, id="always-on-dropped"),
        pytest.param("always_off", True, {}, {}, True, id="always-off"),
        pytest.param("always_off", False, {}, {}, False, id="always-off-but-not-hooked"),
        pytest.param("elastic_off", True, {}, {"operations": 1}, False, id="off-but-kept"),
        pytest.param("sentry_off", False, {}, {"requests": 1}, True, id="by-hand"),
        pytest.param("newrelic", True, {"operations": 10, "spans": 50}, {}, True, id="own-counts"),
        pytest.param("newrelic", True, {}, {"operations": 10, "spans": 50}, False, id="no-own-counts"),
    ],
)
def test_work_has_to_be_proved(
    name: str, hooked: bool, known: dict[str, int], received: dict[str, int], done: bool
) -> None:
    """A variant has figures only if what it says or what has arrived is exactly what was asked for."""
    assert done is _module("proofs").proof(name, hooked, ASKED, known, received).done


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("times", "met"), [(1.0, 6), (3.0, 0)], ids=["cheap", "dear"])
def test_targets_are_judged_by_medians(times: float, met: int) -> None:
    """Each target of the version is met or not met by the median against that of its base."""
    raw = {
        "verein": {"q0": [20.0, 10.0, 9.0], "q5": [40.0, 40.0, 90.0], "q50": [80.0, 80.0, 90.0], "n50": [200.0] * 3},
        "always_off": {"q0": [5.0] * 3, "q5": [50.0] * 3, "q50": [500.0] * 3, "n50": [500.0] * 3},
        "always_on": {"q0": [50.0] * 3, "q5": [300.0] * 3, "q50": [2000.0] * 3, "n50": [2000.0] * 3},
    }
    dearer = {name: [one * times for one in values] for name, values in raw["verein"].items()}

    found = _module("figures").targets(raw | {"verein": dearer, "verein_otlp": dearer}, [times, times])

    assert met == sum(target.met for target in found)
    assert {"met" if met else "NOT MET"} == {str(target).partition(":")[0] for target in found}


@pytest.mark.usefixtures("folder")
def test_the_page_has_every_section_that_was_measured(tmp_path: Path) -> None:
    """Sections come in their order, with command, conditions, tables and verdicts, also when one is missing."""
    sections = _module("sections")
    for name in ("memory", "overhead"):
        table = ("A table", [("variant", "n"), ("bare", "7")])
        sections.Section(name, name.title(), f"make {name}", ["A fact."], [table], ["met: all"]).save(tmp_path)

    sections.write_page(tmp_path, tmp_path / "page.md")

    page = (tmp_path / "page.md").read_text()
    assert ["## Overhead", "## Memory"] == [line for line in page.splitlines() if line.startswith("## ")]
    assert all(2 == page.count(part) for part in ("- A fact.", "| bare | 7 |", "- met: all", "### A table"))
    assert ["`make overhead`", "`make memory`"] == [line for line in page.splitlines() if line.startswith("`make")]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("new", "said"),
    [pytest.param([20.0, 21.0, 22.0], "", id="apart"), pytest.param([9.0, 11.0, 13.0], "within the spread", id="same")],
)
def test_two_results_differ_where_their_quartiles_do(tmp_path: Path, new: list[float], said: str) -> None:
    """A difference smaller than the spread of the two is called what it is."""
    sections, compare = _module("sections"), _module("compare")
    for name, us in (("old", [9.0, 10.0, 11.0]), ("new", new)):
        raw = {"us_per_operation": {"bare": {"q0": us}}}
        sections.Section("overhead", "Title", "make", [], [], raw=raw).save(tmp_path / name)

    found = list(compare.rows("overhead", tmp_path / "old", tmp_path / "new"))

    assert [("bare", "q0", said)] == [(row[0], row[1], row[-1]) for row in found]


@pytest.mark.usefixtures("folder")
def test_otel_verein_proves_its_work() -> None:
    """The variant of otel-verein runs all workloads and has counted and kept just what they hold."""
    run = _module("overhead").Run("verein", FOLDER)
    try:
        run.measure(counted=True)
        said = run.finish()
    finally:
        run.close()

    assert "2500 of 2500 operations counted, 30000 of 30000 queries counted, 100 of 100 operations kept" == said
    assert [1, 1, 1, 1] == [len(values) for values in run.us.values()]


@pytest.mark.usefixtures("folder")
def test_an_agent_without_environment_is_named() -> None:
    """An agent that is not installed costs its own figures, not the run."""
    comparison = _module("overhead").Comparison(["scout"], FOLDER / "nowhere")

    assert {} == comparison.measure(0)
    assert ["scout"] == list(comparison.failed)
    assert "no environment of its own" in comparison.failed["scout"]


def _flood(**given: int) -> Any:
    counts = {"sent": 100, "taken": 60, "refused": 40, "unanswered": 0, "booked": 40, "came_out": 60} | given
    return _module("collector_overload").Flood(
        wanted_per_s=1.0, offered_per_s=1.0, taken_per_s=1.0, peak_mib=1.0, **counts
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("given", "problems"),
    [
        pytest.param({}, [], id="all-adds-up"),
        pytest.param(
            {"booked": 39}, ["the collector counts 39 refused spans, senders 40"], id="refused-without-a-word"
        ),
        pytest.param({"came_out": 59}, ["59 spans came out of 60 that were taken and 0 without an answer"], id="lost"),
        pytest.param({"unanswered": 5, "sent": 105, "came_out": 63}, [], id="taken-without-an-answer"),
        pytest.param(
            {"unanswered": 5, "sent": 105, "came_out": 66},
            ["66 spans came out of 60 that were taken and 5 without an answer"],
            id="doubled",
        ),
        pytest.param({"sent": 101}, ["of 101 spans 60 were taken and 40 refused"], id="not-booked"),
    ],
)
def test_a_flood_adds_up_or_says_why_not(given: dict[str, int], problems: list[str]) -> None:
    """What is taken comes out, and what is refused is counted on both sides."""
    assert problems == _flood(**given).problems()


@pytest.mark.usefixtures("folder")
def test_what_a_gateway_must_keep_is_known() -> None:
    """All traces that are judged and those of the rest that the coin keeps, with all their spans."""
    runs = _module("collector_runs")
    load = Load(Traffic(traces=300, services=2, collector_decides=True))
    thinned = {trace.trace_id.hex() for trace in load.traces() if sampled(trace.trace_id, 0.1)}
    judged = {trace_id for tier in ("long", "medium") for trace_id in load.truth().whole[tier]}

    feed = runs.Feed(load.traffic, 0.1)

    kept = {key for key in load.truth().all_spans if key[0] in thinned | judged}
    assert (len(load.truth().all_spans), len(kept)) == (feed.spans, feed.kept)
