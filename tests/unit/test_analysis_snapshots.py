"""Snapshots: their figures, and their form as a file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from otel_verein.analysis.histogram import merge
from otel_verein.analysis.snapshots import Snapshot, decoded, encoded, statistics, versions_in
from otel_verein.sources.base import Ask
from otel_verein.sources.rows import RootRow
from tests.unit.test_analysis_slow import ROW
from tests.unit.two_sides import finding, histogram, operation, side

SNAPSHOT = Snapshot(
    name="nightly",
    number=2,
    taken_ns=1_764_072_000_123_000_000,
    source="files",
    asked=Ask(service="shop"),
    side=side(*operation([0.1, 0.2, 0.3, 0.4], [3, 3, 4, 9]), findings=[finding(4, 8)]),
    versions={"service.version": ("1.2", "1.3")},
    made_with={"otel_verein": "0.1", "python": "3.11"},
    settings="abc",
)


def test_statistics_of_a_figure():
    """Number, mean, median, extremes and the range of the middle half."""
    values = merge([histogram("queries", [1, 2, 3, 4, 5, 6, 7, 8])])
    assert values is not None

    found = statistics(values, whole=True)

    assert (found.n, found.mean, found.median, found.min, found.max, found.spread) == (8, 4.5, 4.0, 1.0, 8.0, 4.0)


def test_snapshot_as_json():
    """What a person wants to see of it, without buckets."""
    plain = SNAPSHOT.as_dict()

    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert (plain["name"], plain["version"], plain["taken"]) == ("nightly", 2, "2025-11-25T12:00:00.123Z")
    assert plain["operations"][0]["queries"]["median"] == 3.0
    assert plain["operations"][0]["db_duration_s"] is None
    assert plain["findings"][0]["queries_wasted"] == 8
    assert plain["versions"] == {"service.version": ["1.2", "1.3"]}


def test_snapshot_survives_its_file():
    """All of it, with its histograms."""
    assert decoded(encoded(SNAPSHOT)) == SNAPSHOT


def changed(change: Callable[[Any], object]) -> bytes:
    """The file with something changed in it."""
    plain = json.loads(encoded(SNAPSHOT))
    change(plain)
    return json.dumps(plain).encode()


BAD = {
    "empty": (b"", "it is no JSON (Expecting value: line 1 column 1 (char 0))"),
    "cut off": (encoded(SNAPSHOT)[:-9], None),
    "another file": (b'{"version": 1}', "it is no baseline of otel-verein"),
    "a list": (b"[]", "it is no baseline of otel-verein"),
    "from the future": (
        changed(lambda plain: plain.update(schema=9)),
        "it has schema 9, and this version reads 1; upgrade otel-verein",
    ),
    "a text for a number": (
        changed(lambda plain: plain.update(taken_ns="now")),
        "it is damaged: Expected `int`, got `str` - at `$.taken_ns`",
    ),
    "a part that is missing": (
        changed(lambda plain: plain["side"]["operations"][0].pop("duration")),
        "it is damaged: Object missing required field `duration` - at `$.side.operations[0]`",
    ),
    "buckets that do not add up": (
        changed(lambda plain: plain["side"]["operations"][0]["duration"].update(count=1)),
        "it is damaged: the buckets of GET / do not add up",
    ),
}


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_file_that_is_none_says_why(data: bytes, message: str | None):
    """What is wrong, in one sentence; never half a snapshot."""
    with pytest.raises(ValueError) as caught:
        decoded(data)

    assert message is None or str(caught.value) == message


def test_versions_are_those_the_telemetry_names():
    """Of service, runtime and telemetry; other attributes are none, and many values are counted."""
    rows: list[RootRow] = [
        replace(
            ROW, attributes={"resource.service.version": f"1.{number:02}", "http.route": "/", "resource.host.name": "a"}
        )
        for number in range(14)
    ]

    assert versions_in(rows) == {"service.version": (*(f"1.{number:02}" for number in range(12)), "and 2 more")}
