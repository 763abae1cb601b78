"""Which operation names have series of their own: bounded, and crawlers do not take every place."""

from __future__ import annotations

import pytest

from otel_verein import semconv
from otel_verein.processors.metrics.names import OperationNames

HOUR = 3_600_000_000_000


def test_names_below_the_bound_stand_for_themselves() -> None:
    """The first names are taken as they come, always anew."""
    names = OperationNames(10, forgetting=False)

    for _ in range(2):
        assert [f"GET /{index}" for index in range(8)] == [names.admitted(f"GET /{index}", 0) for index in range(8)]


@pytest.mark.parametrize("forgetting", [True, False], ids=["delta", "cumulative"])
def test_flood_of_names_is_other(forgetting: bool) -> None:
    """A hundred thousand names that are seen once take four places of five, and no memory beyond."""
    names = OperationNames(500, forgetting=forgetting)
    given = [names.admitted(f"GET /{index}", index) for index in range(100_000)]

    assert 99_600 == given.count(semconv.OTHER)
    assert 400 == len(names)
    assert len(names._asked_once) <= 500


@pytest.mark.parametrize("forgetting", [True, False], ids=["delta", "cumulative"])
def test_name_that_comes_again_finds_a_place_after_a_flood(forgetting: bool) -> None:
    """One place in five is left for names that come a second time."""
    names = OperationNames(500, forgetting=forgetting)
    for index in range(10_000):
        names.admitted(f"GET /{index}", 0)

    assert [semconv.OTHER, "GET /cart", "GET /cart"] == [names.admitted("GET /cart", 0) for _ in range(3)]


def test_names_never_pass_the_bound() -> None:
    """When every name comes again and again, the bound holds."""
    names = OperationNames(50, forgetting=False)
    for _ in range(5):
        seen = {names.admitted(f"GET /{index}", 0) for index in range(60)}

    assert 51 == len(seen)


def test_unseen_names_make_room_where_series_may_end() -> None:
    """With deltas, a name that was not seen for an hour gives its place to another; one that was seen keeps it."""
    names = OperationNames(5, forgetting=True)
    for _ in range(2):
        for index in range(5):
            names.admitted(f"GET /{index}", 0)
    names.admitted("GET /1", HOUR // 2)

    assert "GET /new" == names.admitted("GET /new", HOUR + 1)
    assert "GET /1" == names.admitted("GET /1", HOUR + 1)
    assert 2 == len(names)


def test_cumulative_names_stay() -> None:
    """A series that was reported goes on for ever, so its name keeps its place."""
    names = OperationNames(5, forgetting=False)
    for _ in range(2):
        for index in range(5):
            names.admitted(f"GET /{index}", 0)

    assert [semconv.OTHER] * 3 == [names.admitted("GET /new", 1000 * HOUR) for _ in range(3)]


ODD = {
    "longer than any route": ("GET /" + "x" * 500, semconv.OTHER),
    "lone surrogate": ("GET /\udc80", "GET /?"),
    "umlaut": ("GET /größe", "GET /größe"),
    "empty": ("", ""),
}


@pytest.mark.parametrize(("given", "expected"), ODD.values(), ids=ODD.keys())
def test_odd_names(given: str, expected: str) -> None:
    """A name is what any encoder takes, and not long."""
    assert expected == OperationNames(5, forgetting=True).admitted(given, 0)
