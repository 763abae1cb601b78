"""What holds for the histograms of any values: merging in any order is recording in one, and percentiles are near."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_verein.analysis.histogram import Distribution, merge
from otel_verein.processors.metrics.histogram import Histogram
from otel_verein.processors.metrics.names import OperationNames
from otel_verein.processors.metrics.sums import Measurement, Sums
from otel_verein.sources.rows import HistogramRow

ANY = st.lists(st.one_of(st.just(0.0), st.floats(5e-324, 1e300)), min_size=1, max_size=60)
NEAR = st.lists(st.floats(0.001, 1.0), min_size=1, max_size=60)
"""Values within a factor of a thousand: what fits into 160 buckets at the finest scale."""
WHOLE = st.lists(st.integers(0, 10_000), min_size=1, max_size=60)
SHARES = (0.0, 0.5, 0.9, 0.95, 0.99, 1.0)


def filled(values: list[float]) -> Histogram:
    """A histogram of *values*, recorded in one."""
    histogram = Histogram()
    histogram.record_all(values)
    return histogram


def read(*histograms: Histogram) -> Distribution:
    """What the analysis makes of the points of *histograms*."""
    rows = []
    for histogram in histograms:
        offset, counts = histogram.dense()
        buckets = tuple((offset + place, count) for place, count in enumerate(counts) if count)
        rows.append(
            HistogramRow(
                "m", "s", "o", "server", "ok", histogram.scale, histogram.count, float(histogram.sum),
                histogram.minimum, histogram.maximum, buckets,
            )
        )  # fmt: skip
    distribution = merge(rows)
    assert distribution is not None
    return distribution


def exact(values: list[float], share: float) -> float:
    """The percentile at nearest rank."""
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]


@given(st.lists(ANY, min_size=1, max_size=5), st.randoms())
def test_merging_in_any_order_is_recording_in_one(parts: list[list[float]], random: object) -> None:
    """Count, extremes, zeros, scale and buckets are the same; the sum but for rounding."""
    whole = filled([value for part in parts for value in part])
    merged = Histogram()
    random.shuffle(parts)  # type: ignore[attr-defined]
    for part in parts:
        merged.merge(filled(part))

    assert whole.dense() == merged.dense()
    for field in ("count", "zeros", "minimum", "maximum", "scale"):
        assert getattr(whole, field) == getattr(merged, field), field
    assert merged.sum == pytest.approx(whole.sum, rel=1e-12)


@given(WHOLE, st.integers(1, 59))
def test_query_counts_are_summed_exactly(values: list[int], cut: int) -> None:
    """However the counts are cut into collections, their sum is a whole number and right."""
    merged = Histogram()
    for part in (values[:cut], values[cut:]):
        counted = Histogram()
        counted.record_counts(Counter(part))
        merged.merge(counted)

    assert (sum(values), len(values)) == (merged.sum, merged.count)
    assert isinstance(merged.sum, int)


@given(NEAR)
def test_percentiles_of_a_usual_range_are_within_2_2_percent(values: list[float]) -> None:
    """Where an operation takes between 1 ms and 1 s, half a bucket is 2.2 %."""
    distribution = read(filled(values))

    for share in SHARES:
        assert distribution.percentile(share) == pytest.approx(exact(values, share), rel=0.0220), share


@given(st.lists(st.floats(1e-4, 90.0), min_size=1, max_size=60))
def test_percentiles_of_a_wide_range_are_within_5_percent(values: list[float]) -> None:
    """From 0.1 ms to 90 s the buckets are twice as wide, and still good enough to be shown."""
    distribution = read(filled(values))

    for share in SHARES:
        assert distribution.percentile(share) == pytest.approx(exact(values, share), rel=0.05), share


@given(st.lists(st.integers(0, 20), min_size=1, max_size=60), st.integers(1, 59))
def test_percentiles_of_small_query_counts_are_exact(values: list[int], cut: int) -> None:
    """Up to twenty queries every number has a bucket of its own, over any number of collections."""
    parts = []
    for part in (values[:cut], values[cut:]):
        counted = Histogram()
        counted.record_counts(Counter(part))
        if part:
            parts.append(counted)

    assert [exact([*map(float, values)], share) for share in SHARES] == [
        read(*parts).whole_percentile(share) for share in SHARES
    ]


OPERATIONS = st.builds(
    Measurement,
    operation=st.text(max_size=3),
    kind=st.sampled_from(["server", "consumer"]),
    status=st.sampled_from(["ok", "error"]),
    duration_s=st.floats(0, 100),
    queries=st.integers(0, 1000),
    db_duration_s=st.floats(0, 100),
    breaches=st.sampled_from([(), ("queries",), ("queries", "any")]),
    findings=st.sampled_from([(), ("n_plus_one",)]),
    ignored=st.sampled_from([(), ("code",)]),
    keep_reason=st.sampled_from([None, "sampled", "breach"]),
)


@given(st.lists(OPERATIONS, max_size=40), st.integers(1, 10), st.integers(1, 8))
def test_sums_of_any_cut_and_any_parts_are_the_same(rows: list[Measurement], cut: int, names: int) -> None:
    """Adding up at once, in pieces, or merging what a failed export gave back in parts: the same figures."""
    at_once, in_pieces, given_back = Sums(), Sums(), Sums()
    allowed = [OperationNames(names, forgetting=False) for _ in range(2)]
    at_once.add(rows, allowed[0], 0)
    for first in range(0, len(rows), cut):
        in_pieces.add(rows[first : first + cut], allowed[1], 0)
    for part in at_once.parts(cut):
        given_back.merge(part)

    assert figures(at_once) == figures(given_back)
    assert totals(at_once) == totals(in_pieces)
    assert len({name for name, _, _ in at_once.series} - {"other"}) <= names


def figures(sums: Sums) -> object:
    """All that *sums* says, but for the rounding of sums of floats."""
    return (
        {key: (s.duration.dense(), s.queries.dense(), s.queries.sum, s.counters) for key, s in sums.series.items()},
        sums.counters,
    )


def totals(sums: Sums) -> object:
    """Operations, queries, and each counter over all names; names that have to share places may differ."""
    counted: Counter[object] = Counter()
    for series in sums.series.values():
        counted.update(series.counters)
    series = sums.series.values()
    return sum(s.duration.count for s in series), sum(s.queries.sum for s in series), counted
