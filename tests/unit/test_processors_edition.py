"""Editions: what one configuration means for the processors, and that an operation is judged wholly by its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_verein.config import Config
from otel_verein.config.schema import (
    Capabilities,
    Compression,
    Limits,
    NPlusOne,
    Sampling,
    SamplingRule,
    ThresholdRule,
    Thresholds,
)
from otel_verein.faults import Faults
from otel_verein.ledger import UNATTRIBUTED
from otel_verein.ledger.operation import SPAN_ATTRIBUTE
from otel_verein.processors import VereinSpanProcessor
from otel_verein.processors.edition import Edition
from otel_verein.processors.sampling import VereinSampler
from otel_verein.tracing import VereinTracerProvider
from tests.unit.measures import Collected
from tests.unit.operations import a_record

RULES = (
    ThresholdRule("GET /export*", queries=200, queries_critical=500),
    ThresholdRule("GET /*", duration_s=0.5),
    ThresholdRule("GET /export/all", queries=1),
)


def budgets(edition: Edition, name: str) -> tuple[int, int, float]:
    """Queries, critical queries and duration for one name."""
    found = edition.thresholds(name)
    return found.queries, found.queries_critical, found.duration_s


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GET /export", (200, 500, 2.0)),
        ("GET /export/all", (200, 500, 2.0)),
        ("GET /other", (50, 100, 0.5)),
        ("get /other", (50, 100, 2.0)),
        ("POST /other", (50, 100, 2.0)),
        ("", (50, 100, 2.0)),
    ],
)
def test_the_first_rule_for_a_name_holds(name: str, expected: tuple[int, int, float]) -> None:
    """What the rule does not give is as for all, not as in a later rule; globs tell large letters from small ones."""
    assert expected == budgets(Edition(Config(thresholds=Thresholds(operations=RULES))), name)


def test_names_that_came_last_are_remembered() -> None:
    """The rules are gone through for a new name only; of very many names some are forgotten, and looked up again."""
    edition = Edition(Config(thresholds=Thresholds(operations=RULES)))
    names = [f"GET /{number}" for number in range(3000)] + ["GET /2999"] * 5

    assert {0.5} == {edition.thresholds(name).duration_s for name in names}
    assert edition._of_name is not None
    known = edition._of_name.cache_info()  # type: ignore[attr-defined]
    assert (5, 3000, 1024) == (known.hits, known.misses, known.currsize)
    assert edition.thresholds("GET /0").duration_s == 0.5


def test_without_rules_all_names_have_one_object() -> None:
    """No look at the name where there is nothing to look for."""
    assert Edition(config := Config()).thresholds("GET /") is config.thresholds


CAPPED = Sampling(ratio=1.0, traces_per_second=1.0)


def threshold_after(before: Edition, config: Config, started: int = 100) -> int:
    """The threshold of the rate cap for the next operation of an edition that follows *before*."""
    for _ in range(started):
        before.policy.at_start(1, None)
    return Edition(config, before=before).policy.at_start(1, None).threshold


def test_the_rate_cap_goes_on_where_the_sampling_is_the_same() -> None:
    """A hundred operations have used the second up; a changed budget does not give it anew."""
    other_budget = Config(sampling=replace(CAPPED), thresholds=Thresholds(queries=7))

    assert threshold_after(Edition(Config(sampling=CAPPED)), other_budget) > 0


@pytest.mark.parametrize(
    "config",
    [
        Config(sampling=replace(CAPPED, traces_per_second=2.0)),
        Config(sampling=replace(CAPPED, operations=(SamplingRule("GET /health", 0.0),))),
        Config(sampling=CAPPED, capabilities=Capabilities(sampling=False)),
    ],
    ids=["another cap", "another rule", "switched off"],
)
def test_the_rate_cap_begins_anew_where_it_is_another(config: Config) -> None:
    """The silent twin: another sampling has a policy of its own, with nothing used up."""
    assert threshold_after(Edition(Config(sampling=CAPPED)), config) == 0


def test_switches_say_what_an_edition_does() -> None:
    """Sampling that is off keeps all, compression that is off never summarises; what was configured is kept."""
    config = Config(
        sampling=Sampling(ratio=0.2, traces_per_second=3.0, dry_run=True, operations=(SamplingRule("a", 0.0),)),
        compression=Compression(repeats=3, slowest=2),
        capabilities=Capabilities(sampling=False, compression=False, tagging=False, metrics=False),
    )

    edition = Edition(config)

    assert Sampling(ratio=1.0, remote_parents="ignore") == edition.sampling
    assert Compression(repeats=sys.maxsize, slowest=2) == edition.compression
    assert (True, True, False, False) == (edition.recording, edition.counting, edition.tagging, edition.metrics)
    assert edition.config is config


@pytest.mark.parametrize("off", ["recording", "counting"])
def test_what_is_not_counted_is_not_watched(off: str) -> None:
    """Without recording nothing is counted either, and no statement is followed that might repeat."""
    edition = Edition(Config(capabilities=replace(Capabilities(), **{off: False})))

    assert (False, sys.maxsize) == (edition.counting, edition.watch_from)


# --- operations that begin under one edition and end under another --------------------------------------------------

QUERIES = 6
BREACHES_QUERIES = Config(
    thresholds=Thresholds(queries=5), n_plus_one=NPlusOne(repeats=50, certain_repeats=50), sampling=Sampling(ratio=0.0)
)
BREACHES_N_PLUS_ONE = Config(n_plus_one=NPlusOne(repeats=3, certain_repeats=3), sampling=Sampling(ratio=0.0))


class Process:
    """A processor behind a provider, with what it exports."""

    def __init__(self, kind: str, config: Config) -> None:
        self.faults = Faults()
        self.exporter, self.metrics = InMemorySpanExporter(), Collected()
        self.processor = VereinSpanProcessor(self.exporter, config, self.metrics, faults=self.faults)
        if kind == "light":
            self.provider: TracerProvider = VereinTracerProvider(self.processor, shutdown_on_exit=False)
        else:
            self.provider = TracerProvider(sampler=VereinSampler(config.sampling), shutdown_on_exit=False)
            self.provider.add_span_processor(self.processor)
        self._tracer = self.provider.get_tracer("test")

    def operation(self, name: str, then: Config | None = None, children: int = 0) -> None:
        """An operation of six equal queries; *then* comes into force in the middle of them."""
        with self._tracer.start_as_current_span(name) as span:
            self._query(span, QUERIES // 2)
            if then is not None:
                self.processor.reconfigure(then)
            self._query(span, QUERIES // 2)
            for number in range(children):
                self._tracer.start_span(f"child {number}").end()

    def _query(self, span: Any, number: int) -> None:
        operation = getattr(span, SPAN_ATTRIBUTE, None)
        for each in range(number if operation is not None else 0):
            record = a_record(operation, "SELECT 1 FROM author WHERE id = ?", parent=span, parameters=each)
            operation.append(record)

    def spans(self, name: str) -> list[Any]:
        """The exported spans with this name."""
        self.processor.force_flush()
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def told(self, name: str, attribute: str) -> Any:
        """What the exported root of an operation says."""
        (root,) = self.spans(name)
        return root.attributes.get(attribute)

    def kinds(self) -> dict[str, int]:
        """How many exported spans summarise queries, and how many are single queries."""
        self.processor.force_flush()
        queries = [span for span in self.exporter.get_finished_spans() if "db.system.name" in span.attributes]
        summaries = sum("aggregation.is_summary" in span.attributes for span in queries)
        return {"summaries": summaries, "single": len(queries) - summaries}


@pytest.fixture(params=["light", "sdk"])
def process(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Makes a process of a configuration, by our own provider and by the SDK's; no fault of ours may have happened."""
    made: list[Process] = []

    def make(config: Config) -> Process:
        made.append(Process(request.param, config))
        return made[-1]

    yield make
    for each in made:
        each.provider.shutdown()
        assert dict(each.faults.counts) == {}
    UNATTRIBUTED.counting = True


@pytest.mark.parametrize(
    ("before", "after", "breaches"),
    [
        (BREACHES_QUERIES, BREACHES_N_PLUS_ONE, (("queries",), ("n_plus_one",))),
        (BREACHES_N_PLUS_ONE, BREACHES_QUERIES, (("n_plus_one",), ("queries",))),
    ],
    ids=["queries first", "n+1 first"],
)
def test_an_operation_is_judged_by_what_it_began_under(
    process: Any, before: Config, after: Config, breaches: tuple[object, object]
) -> None:
    """A mix would have both breaches or none; the next operation has those of the new configuration."""
    ours = process(before)
    ours.operation("first", then=after)
    ours.operation("second")

    assert breaches == (ours.told("first", "verein.breach"), ours.told("second", "verein.breach"))
    assert ours.processor.config == after


@pytest.mark.parametrize(("before", "after"), [(1.0, 0.0), (0.0, 1.0)], ids=["kept first", "let go first"])
def test_an_operation_is_kept_by_the_ratio_it_began_under(process: Any, before: float, after: float) -> None:
    """What is in the middle when the ratio changes is kept, or let go, with the old one."""
    plain = Config(n_plus_one=NPlusOne(repeats=50, certain_repeats=50))
    ours = process(replace(plain, sampling=Sampling(ratio=before)))
    ours.operation("first", then=replace(plain, sampling=Sampling(ratio=after)))
    ours.operation("second")

    assert (before, after) == (len(ours.spans("first")), len(ours.spans("second")))


ON = Config(sampling=Sampling(ratio=1.0), thresholds=Thresholds(queries=5))


def off(*names: str) -> Config:
    """:data:`ON` without these capabilities."""
    return replace(ON, capabilities=replace(Capabilities(), **dict.fromkeys(names, False)))


@pytest.mark.parametrize("switch", ["counting", "tagging", "compression", "metrics", "recording"])
@pytest.mark.parametrize("first_on", [True, False], ids=["switched off", "switched on"])
def test_a_switch_holds_from_the_next_operation_on(process: Any, switch: str, first_on: bool) -> None:
    """Whichever way it is turned in the middle of an operation, that one ends as it began and the next is as told."""
    ours = process(ON if first_on else off(switch))
    with_it, without = ("first", "second") if first_on else ("second", "first")
    ours.operation("first", then=off(switch) if first_on else ON)
    ours.operation("second")

    seen = {name: _figures(ours, name) for name in (with_it, without)}

    whole = {"kept": 1, "count": QUERIES, "breach": ("queries",), "measured": 1}
    expected = {
        "counting": {**whole, "count": None, "breach": None},
        "tagging": {**whole, "count": None, "breach": None},
        "compression": whole,
        "metrics": {**whole, "measured": 0},
        "recording": {"kept": 0, "count": None, "breach": None, "measured": 0},
    }
    assert {with_it: whole, without: expected[switch]} == seen
    summed, single = {"summaries": 1, "single": 1}, {"summaries": 0, "single": QUERIES}
    by_operation = {"compression": [summed, single], "counting": [summed], "recording": [summed]}
    parts = by_operation.get(switch, [summed, summed])
    assert {kind: sum(part[kind] for part in parts) for kind in summed} == ours.kinds()


def _figures(ours: Process, name: str) -> dict[str, Any]:
    roots = ours.spans(name)
    said = dict(roots[0].attributes) if roots else {}
    points = [
        point.count
        for point in ours.metrics.points("verein.operation.duration")
        if point.attributes["verein.operation.name"] == name
    ]
    return {
        "kept": len(roots),
        "count": said.get("verein.db.query_count"),
        "breach": said.get("verein.breach"),
        "measured": sum(points),
    }


@pytest.mark.parametrize(("before", "after"), [(2, 9), (9, 2)])
def test_an_operation_holds_the_spans_it_was_allowed_at_its_start(process: Any, before: int, after: int) -> None:
    """Limits of one operation are those that it began under, too."""
    ours = process(replace(ON, limits=Limits(spans_per_operation=before)))
    ours.operation("first", then=replace(ON, limits=Limits(spans_per_operation=after)), children=5)
    ours.operation("second", children=5)

    dropped = [ours.told(name, "verein.spans.dropped") for name in ("first", "second")]

    assert [max(0, 5 - before), max(0, 5 - after)] == dropped
