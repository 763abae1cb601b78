"""What holds of every source: the same tables of the same telemetry, each figure exact or within its error."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import pytest

from otel_verein import semconv
from otel_verein.errors import SourceError
from otel_verein.sources.base import Ask, Tables
from otel_verein.sources.rows import HistogramRow, RootRow
from tests.contracts.sources_world import MEASURED, RELEASES, UNMEASURED, Held, World, alike, unlike
from tests.services.store_shapes import shapes

SIGMAS = 3
ANY = "any"
"""The breach that sums the others up: not on the metrics of this world."""
NOBODY = "'; DROP TABLE otel_traces_long; --"


def whole(world: World, **more: str) -> Ask:
    """All the time of the world."""
    return Ask(start_ns=world.begin_ns, end_ns=world.end_ns, **more)


def durations(tables: Tables, service: str) -> list[HistogramRow]:
    """The rows that count the operations of *service*."""
    return [row for row in tables.histograms if row.metric == semconv.METRIC_DURATION and row.service == service]


def counted(tables: Tables) -> Counter[tuple[str, str, str, str]]:
    """Operations by service, name, kind and status."""
    found: Counter[tuple[str, str, str, str]] = Counter()
    for row in tables.histograms:
        if row.metric == semconv.METRIC_DURATION:
            found[row.service, row.operation, row.kind, row.status] += row.count
    return found


def by_service(tables: Tables) -> Counter[str]:
    """How many operations each has."""
    return Counter(
        {service: sum(row.count for row in durations(tables, service)) for service in (*MEASURED, UNMEASURED)}
    )


def bare(row: RootRow) -> RootRow:
    """Without attributes, whose texts are as a source kept them."""
    return replace(row, attributes={})


class SourceContract:
    """The tests; a class that inherits them has fixtures *held* and *world*."""

    def test_findings_are_those_that_were_made(self, held: Held, world: World):
        """Whatever is sampled: an operation with a finding is kept. All figures, and where in the code."""
        truth: dict[tuple[str, ...], tuple[int, int, int, int]] = {}
        for (service, operation, kind, fingerprint, _), each in world.truth.findings.items():
            seen = truth.get((service, operation, kind, fingerprint), (0, 0, 0, 0))
            truth[service, operation, kind, fingerprint] = (
                seen[0] + each.events,
                seen[1] + each.repeats_sum,
                max(seen[2], each.repeats_max),
                seen[3] + each.wasted,
            )
        sites = {
            (shape.service, shape.operation): (shape.site.file, shape.site.line, shape.site.function)
            for shape in shapes(3, 10)
            if shape.site is not None
        }

        found = held.source.read(whole(world)).findings

        assert truth == {
            (row.service, row.operation, row.kind, row.fingerprint): (
                row.events,
                row.repeats_sum,
                row.repeats_max,
                row.wasted_queries,
            )
            for row in found
        }
        assert {sites[row.service, row.operation] for row in found} == {
            (row.file, row.line, row.function) for row in found
        }

    def test_findings_equal_those_of_files(self, held: Held, world: World):
        """All else that they say, too: time, statement, stack, example."""
        ask = whole(world)

        assert [] == unlike(held.source.read(ask).findings, held.reference.read(ask).findings)

    def test_operations_are_counted_or_estimated_within_the_error(self, held: Held, world: World):
        """With metrics exactly, each series; from spans within three standard errors of what was, and said to be so."""
        truth: Counter[tuple[str, str, str, str]] = Counter()
        for (series, _), number in world.truth.operations.items():
            truth[series] += number

        tables = held.source.read(whole(world))

        if held.counts:
            assert truth == Counter({key: count for key, count in counted(tables).items() if key[0] in MEASURED})
        for service in MEASURED:
            rows = durations(tables, service)
            error = math.sqrt(math.fsum(row.variance for row in rows))
            assert {not held.counts} == {row.estimated for row in rows}
            assert abs(sum(row.count for row in rows) - sum(n for key, n in truth.items() if key[0] == service)) <= (
                SIGMAS * error + len(rows) * (not held.counts)
            )

    def test_estimates_equal_those_of_files(self, held: Held, world: World):
        """Of the service without metrics in any source, of the others where only spans are there; with its error."""
        ask = whole(world)

        found, wanted = (
            [row for row in source.read(ask).histograms if row.estimated] for source in (held.source, held.reference)
        )

        assert wanted
        assert [] == unlike(found, wanted)

    def test_an_estimate_says_that_it_is_one(self, held: Held, world: World):
        """In a note for each service, with the number of samples; a service that is measured has none."""
        ask = whole(world)
        samples = sum(row.samples for row in durations(held.source.read(ask), UNMEASURED))

        notes = held.source.read(ask).notes

        estimated = {UNMEASURED} if held.counts else {UNMEASURED, *MEASURED}
        said = {note.partition(":")[0] for note in notes if "estimated from" in note}
        assert estimated == said
        assert [note for note in notes if f"{UNMEASURED}: " in note and f"estimated from {samples} sampled" in note]

    def test_what_is_always_kept_is_exact(self, held: Held, world: World):
        """Failed operations and broken budgets, though everything else may be sampled."""
        failed: Counter[str] = Counter()
        for ((service, _, _, status), _), number in world.truth.operations.items():
            failed[service] += number if status == "error" else 0
        broken: Counter[tuple[str, str, str]] = Counter()
        for (metric, series, detail, _), number in world.truth.counters.items():
            if metric == semconv.METRIC_BREACHES and detail != ANY:
                broken[series[0], series[1], detail] += number

        tables = held.source.read(whole(world))

        assert {service: failed[service] for service in MEASURED} == {
            service: sum(row.count for row in durations(tables, service) if row.status == "error")
            for service in MEASURED
        }
        found: Counter[tuple[str, str, str]] = Counter()
        for row in tables.counters:
            if row.metric == semconv.METRIC_BREACHES and row.service in MEASURED and row.detail != ANY:
                found[row.service, str(row.operation), str(row.detail)] += row.value
        assert broken == found

    @pytest.mark.parametrize(
        "parts",
        [
            [Ask(version=release) for release in RELEASES],
            [Ask(environment="production", operation="GET *"), Ask(environment="production", operation="[!G]*")],
        ],
        ids=["version", "operation"],
    )
    def test_filters_part_the_whole(self, held: Held, world: World, parts: list[Ask]):
        """What the parts count and find adds up to the whole; each holds only its own."""
        ask = whole(world)
        tables = [held.source.read(replace(part, start_ns=ask.start_ns, end_ns=ask.end_ns)) for part in parts]
        everything = held.source.read(ask)

        assert by_service(everything) == sum((by_service(each) for each in tables), Counter())
        assert sum(row.events for row in everything.findings) == sum(
            row.events for each in tables for row in each.findings
        )
        assert [] == [
            row
            for part, each in zip(parts, tables, strict=True)
            for row in (*each.histograms, *each.findings)
            if part.service not in (None, row.service) or not part.matches(row.operation)
        ]

    def test_of_one_service_is_what_the_whole_has_of_it(self, held: Held, world: World):
        """And of one environment, all or nothing."""
        everything = held.source.read(whole(world))
        found = held.source.read(whole(world, service="shop", environment="production"))

        assert [row for row in everything.findings if row.service == "shop"] == list(found.findings)
        assert [] == unlike(found.histograms, [row for row in everything.histograms if row.service == "shop"])
        assert [] == unlike(found.counters, [row for row in everything.counters if row.service == "shop"])
        assert 0 == held.source.roots(whole(world, service="shop", environment="staging")).kept

    def test_releases_have_their_own_counts(self, held: Held, world: World):
        """What each release did is what was written of it, with metrics."""
        if held.counts:
            for release, truth in zip(RELEASES, world.truths, strict=True):
                found = by_service(held.source.read(whole(world, version=release)))

                assert {service: found[service] for service in MEASURED} == {
                    service: sum(n for (series, _), n in truth.operations.items() if series[0] == service)
                    for service in MEASURED
                }

    def test_windows_part_the_whole(self, held: Held, world: World):
        """The end of one is the begin of the next: nothing is in both, nothing in none."""
        before = held.source.read(Ask(start_ns=world.begin_ns, end_ns=world.middle_ns))
        after = held.source.read(Ask(start_ns=world.middle_ns, end_ns=world.end_ns))
        everything = held.source.read(whole(world))

        assert by_service(everything) == by_service(before) + by_service(after)
        assert sum(row.events for row in everything.findings) == sum(
            row.events for each in (before, after) for row in each.findings
        )
        if held.counts:
            [first, _] = world.truths
            assert {service: by_service(before)[service] for service in MEASURED} == {
                service: sum(n for (series, _), n in first.operations.items() if series[0] == service)
                for service in MEASURED
            }

    def test_steps_add_up_to_what_is_read(self, held: Held, world: World):
        """Operations, failures and queries of all steps are those of the whole."""
        ask = whole(world)
        steps = held.source.steps(60, ask).rows
        tables = held.source.read(ask)

        for service in (*MEASURED, UNMEASURED):
            rows = [row for row in steps if row.service == service]
            wanted = durations(tables, service)
            assert math.isclose(sum(row.count for row in rows), sum(row.count for row in wanted), abs_tol=len(wanted))
            assert sum(row.count for row in wanted if row.status == "error") == round(sum(row.errors for row in rows))
            assert {True} == {world.begin_ns <= row.start_ns < world.end_ns for row in rows}
            assert {0} == {row.start_ns % (60 * 10**9) for row in rows}

    def test_steps_equal_those_of_files(self, held: Held, world: World):
        """Each of them, with its buckets."""
        ask = whole(world)

        assert [] == unlike(held.source.steps(300, ask).rows, held.reference.steps(300, ask).rows)

    def test_statements_equal_those_of_files(self, held: Held, world: World):
        """Weighted calls, times, buckets, and the traces they are from."""
        ask = whole(world)

        found, wanted = held.source.statements(ask), held.reference.statements(ask)

        assert wanted.rows
        assert wanted.traces == found.traces
        assert [] == unlike(found.rows, wanted.rows)

    def test_entities_equal_those_of_files(self, held: Held, world: World):
        """All, those of a type, and one."""
        ask = whole(world)
        wanted = held.reference.entities(ask).rows
        one = next(row for row in wanted if row.entity_type == "order")

        assert [] == unlike(held.source.entities(ask).rows, wanted)
        assert [] == unlike(
            held.source.entities(ask, "order").rows, [row for row in wanted if row.entity_type == "order"]
        )
        assert [] == unlike(
            held.source.entities(ask, "order", one.entity_id).rows,
            [row for row in wanted if (row.entity_type, row.entity_id) == ("order", one.entity_id)],
        )

    @pytest.mark.parametrize(("slowest", "failed"), [(True, False), (False, False), (True, True)])
    def test_roots_equal_those_of_files(self, held: Held, world: World, slowest: bool, failed: bool):
        """The same ones are chosen, the slowest in their order; their attributes have the same names, and no SQL."""
        ask = whole(world)

        found, wanted = (source.roots(ask, 7, slowest, failed) for source in (held.source, held.reference))

        assert (7, wanted.kept) == (len(found.rows), found.kept)
        assert [] == [pair for pair in zip(found.rows, wanted.rows, strict=True) if not alike(*map(bare, pair))]
        assert [set(row.attributes) for row in wanted.rows] == [set(row.attributes) for row in found.rows]
        assert set() == {name for row in found.rows for name in row.attributes} & {"db.query.text", "db.statement"}

    def test_roots_of_what_failed_are_all_that_did(self, held: Held, world: World):
        """What fails is always kept, also by the service of which the truth is not written down."""
        failed: Counter[str] = Counter()
        for ((service, _, _, status), _), number in world.truth.operations.items():
            failed[service] += number if status == "error" else 0

        found = held.source.roots(whole(world), 10_000, True, True)

        assert all(row.error for row in found.rows)
        assert len(found.rows) == found.kept
        assert +failed == Counter(row.service for row in found.rows if row.service in MEASURED)

    def test_a_trace_is_found_by_its_id(self, held: Held, world: World):
        """All its spans, the earliest first; in capitals, too."""
        for trace_id, number in world.truths[0].traces[:5]:
            spans = held.source.trace(trace_id)

            assert (number, {trace_id}) == (len(spans), {span.trace_id for span in spans})
            assert sorted(span.start_ns for span in spans) == [span.start_ns for span in spans]
            assert spans == held.source.trace(trace_id.upper())

    def test_a_trace_says_what_files_say(self, held: Held, world: World):
        """Times, names, kinds, statuses, weights and tiers of its spans."""
        trace_id = world.truths[0].traces[0][0]
        plain = "trace_id span_id parent_span_id start_ns duration_ns service name kind status operation tier weight"

        found, wanted = (
            [tuple(getattr(span, name) for name in plain.split()) for span in source.trace(trace_id)]
            for source in (held.source, held.reference)
        )

        assert wanted == found

    def test_a_trace_that_is_not_there_is_empty(self, held: Held):
        """It may be gone, or sampled out."""
        assert () == held.source.trace("f" * 32)

    def test_what_is_no_trace_id_is_refused(self, held: Held):
        """It says what one has."""
        with pytest.raises(SourceError, match="'12' is no trace id: it has 32 hexadecimal digits"):
            held.source.trace("12")

    @pytest.mark.parametrize("name", ["operation", "service", "environment", "version"])
    def test_a_name_is_never_a_part_of_the_question(self, held: Held, world: World, name: str):
        """One that would end it finds nothing, and everything is still there after it."""
        source = held.source.itself

        assert 0 == source.roots(whole(world, **{name: NOBODY}), 1).kept
        assert source.roots(whole(world), 1).kept

    def test_an_entity_is_never_a_part_of_the_question(self, held: Held, world: World):
        """Its type and id come from whoever asks."""
        assert () == held.source.entities(whole(world), NOBODY, NOBODY).rows

    def test_an_empty_window_is_an_empty_answer(self, held: Held, world: World):
        """No error, no row, no window, of any question."""
        ask = Ask(start_ns=world.end_ns + 10**12, end_ns=world.end_ns + 2 * 10**12)
        source = held.source
        tables = source.read(ask)

        assert ((), (), (), None) == (tables.histograms, tables.counters, tables.findings, tables.window)
        assert [()] * 4 == [
            answer.rows
            for answer in (source.steps(60, ask), source.statements(ask), source.entities(ask), source.roots(ask))
        ]
        assert (0, 0) == (source.statements(ask).traces, source.roots(ask).kept)
