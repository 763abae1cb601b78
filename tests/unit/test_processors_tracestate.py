"""The ``ot`` entry of a tracestate: read without trust, written so that every reader takes it."""

from __future__ import annotations

import logging

import pytest
from opentelemetry.trace import TraceState

from otel_verein.processors.sampling.tracestate import (
    ALL,
    consistent_threshold,
    randomness,
    threshold_of,
    weight_of,
    with_threshold,
)

TRACE = 0x0102030405060708090A0B0C0D0E0F10
LOW = 0x0A0B0C0D0E0F10


def ot(value: str) -> TraceState:
    """A tracestate of nothing but the entry of OpenTelemetry."""
    return TraceState([("ot", value)])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("rv:00000000000abc", 0xABC, id="rv"),
        pytest.param("th:8;rv:ffffffffffffff", ALL - 1, id="beside-th"),
        pytest.param("rv:0000000000abc", LOW, id="13-digits"),
        pytest.param("rv:000000000000abc", LOW, id="15-digits"),
        pytest.param("rv:00000000000ABC", LOW, id="upper-case"),
        pytest.param("rv:", LOW, id="empty"),
        pytest.param("xrv:00000000000abc", LOW, id="other-key"),
        pytest.param("rv:bad;rv:00000000000abc", 0xABC, id="second-is-valid"),
        pytest.param("th:8", LOW, id="none"),
    ],
)
def test_randomness_is_a_valid_rv_or_the_trace_id(value: str, expected: int) -> None:
    """Exactly 14 lower-case hexadecimal digits are an rv; anything else is replaced by the bits of the id."""
    assert randomness(TRACE, ot(value)) == expected


def test_randomness_without_a_tracestate_is_that_of_the_trace_id() -> None:
    """The low 56 bits."""
    assert [randomness(TRACE, None), randomness(TRACE, TraceState())] == [LOW, LOW]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("th:0", 0, id="zero"),
        pytest.param("th:08", 0x08 << 48, id="padded-on-the-right"),
        pytest.param("th:0a0b0c0d0e0f10", LOW, id="equal-is-kept"),
        pytest.param("th:0a0b0c0d0e0f11", None, id="just-above-the-randomness"),
        pytest.param("th:8", None, id="inconsistent"),
        pytest.param("th:8;rv:80000000000000", 1 << 55, id="consistent-by-rv"),
        pytest.param("th:000000000000000", None, id="15-digits"),
        pytest.param("th:", None, id="empty"),
        pytest.param("th:0A", None, id="upper-case"),
        pytest.param("th:0;th:01", None, id="two"),
        pytest.param("other:1", None, id="none"),
    ],
)
def test_a_threshold_is_taken_only_where_the_trace_can_have_passed_it(value: str, expected: int | None) -> None:
    """R >= T, or the sender did not decide by it, and its weight would be wrong."""
    assert consistent_threshold(TRACE, ot(value)) == expected


@pytest.mark.parametrize(
    ("ratio", "written"),
    [
        pytest.param(1.0, "th:0", id="all"),
        pytest.param(0.5, "th:8", id="half"),
        pytest.param(0.25, "th:c", id="quarter"),
        pytest.param(0.1, "th:e6666666666666", id="tenth"),
        pytest.param(0.01, "th:fd70a3d70a3d71", id="hundredth"),
        pytest.param(1e-30, "th:ffffffffffffff", id="smallest"),
    ],
)
def test_ratio_becomes_the_threshold_of_the_specification(ratio: float, written: str) -> None:
    """Hexadecimal of 56 bits without trailing zeros."""
    assert with_threshold(None, threshold_of(ratio)).get("ot") == written


def test_a_ratio_of_zero_keeps_nothing_and_has_no_th() -> None:
    """2^56 is past every randomness, and never sampling is no probability."""
    assert (threshold_of(0.0), with_threshold(None, threshold_of(0.0)).to_header()) == (ALL, "")


@pytest.mark.parametrize(("ratio", "weight"), [(1.0, 1.0), (0.25, 4.0), (0.1, 10.0)])
def test_weight_is_one_over_the_ratio(ratio: float, weight: float) -> None:
    """2^56 / (2^56 - T)."""
    assert weight_of(threshold_of(ratio)) == pytest.approx(weight)


@pytest.mark.parametrize(
    ("header", "threshold", "expected"),
    [
        pytest.param("a=1,b=2", 0, "ot=th:0,a=1,b=2", id="in-front"),
        pytest.param("a=1,ot=th:8,b=2", 0, "ot=th:0,a=1,b=2", id="replaced-and-moved"),
        pytest.param("a=1,ot=th:8,b=2", None, "a=1,b=2", id="removed"),
        pytest.param("a=1", None, "a=1", id="nothing-to-remove"),
        pytest.param("ot=k1:13;th:8;x:y", 1 << 55, "ot=th:8;k1:13;x:y", id="other-members-in-order"),
        pytest.param("ot=rv:0123456789abcd;th:8", None, "ot=rv:0123456789abcd", id="rv-stays"),
        pytest.param("ot=rv:xyz;th:8", 0, "ot=th:0", id="bad-rv-goes"),
        pytest.param("ot=nonsense;A:1;a:/b;;k:v", 0, "ot=th:0;k:v", id="malformed-members-go"),
        pytest.param("ot=k:1;k:2", 0, "ot=th:0;k:1", id="keys-are-unique"),
        pytest.param("ot=x:a ;th:8", 0, "ot=th:0", id="a-blank-is-no-character"),
        pytest.param("", None, "", id="empty"),
    ],
)
def test_only_the_threshold_changes(header: str, threshold: int | None, expected: str) -> None:
    """Other vendors' entries and other valid members are kept in order; ours goes first."""
    assert with_threshold(TraceState.from_header([header]), threshold).to_header() == expected


def test_a_full_tracestate_loses_its_last_entry(caplog: pytest.LogCaptureFixture) -> None:
    """32 entries are the limit, at which the SDK would drop all of them and log."""
    full = TraceState([(f"k{index}", "v") for index in range(32)])

    with caplog.at_level(logging.WARNING):
        keys = list(with_threshold(full, 0))

    assert keys == ["ot", *(f"k{index}" for index in range(31))]
    assert caplog.records == []


def test_what_no_longer_fits_goes_the_large_ones_first() -> None:
    """Receivers drop a header of more than 512 characters whole, our threshold with it."""
    state = TraceState([("small", "s" * 100), ("large", "l" * 200), ("next", "n" * 100), ("last", "e" * 100)])

    assert list(with_threshold(state, threshold_of(0.1))) == ["ot", "small", "next", "last"]


def test_small_entries_go_from_the_end() -> None:
    """Where none is large, the oldest, which stand last, go."""
    state = TraceState([(f"k{index}", "v" * 100) for index in range(5)])

    assert list(with_threshold(state, threshold_of(0.1))) == ["ot", "k0", "k1", "k2", "k3"]


def test_a_full_ot_entry_keeps_threshold_and_randomness() -> None:
    """A value has at most 256 characters; other members go, never the two that sampling needs."""
    crowded = ot("a:" + "x" * 100 + ";b:" + "y" * 120 + ";rv:0123456789abcd")

    assert with_threshold(crowded, 1).get("ot") == "th:00000000000001;a:" + "x" * 100 + ";rv:0123456789abcd"


def test_equal_states_are_one_object() -> None:
    """A state that has the threshold is given back; one of the threshold alone is made once."""
    own = with_threshold(None, 1 << 55)
    mixed = TraceState([("ot", "th:8"), ("a", "1")])

    assert own is with_threshold(None, 1 << 55)
    assert with_threshold(own, 0) is with_threshold(own, 0)
    assert with_threshold(mixed, 1 << 55) is mixed
