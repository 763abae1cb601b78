"""What is known of a span by its attributes, its resource and its tracestate."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import TraceState

from otel_verein.processors.sampling.tracestate import ALL, weight_of, with_threshold
from otel_verein.store.taking.promoted import FIELDS, Origin, origin, promoted, weight


def attributes(**typed: Any) -> bytes:
    """OTLP/JSON of attributes; a double underscore stands for a dot."""
    return json.dumps([{"key": key.replace("__", "."), "value": value} for key, value in typed.items()]).encode()


def test_each_value_is_what_the_attribute_says() -> None:
    """A root span of our SDK, and a summary span."""
    found = promoted(
        attributes(
            verein__tier={"stringValue": "medium"},
            verein__db__query_count={"intValue": "21"},
            verein__db__duration_ms={"doubleValue": 3.5},
            verein__breach={"arrayValue": {"values": [{"stringValue": "queries"}, {"stringValue": "n_plus_one"}]}},
            verein__entity__type={"stringValue": "member"},
            aggregation__span_count={"intValue": 19},
        )
    )

    assert found is not None
    assert (found.tier, found.query_count, found.db_ms, found.breaches) == ("medium", 21, 3.5, "queries,n_plus_one")
    assert (found.entity_type, found.merged, found.operation) == ("member", 19, None)


@pytest.mark.parametrize(
    "value",
    [
        {"stringValue": "21"},
        {"intValue": "-1"},
        {"intValue": str(1 << 60)},
        {"doubleValue": 2.0},
        {"boolValue": True},
        {"arrayValue": {"values": []}},
        None,
    ],
    ids=str,
)
def test_a_value_that_cannot_be_a_count_is_unknown(value: Any) -> None:
    """Sums stay right; the text of the attributes keeps what came."""
    found = promoted(attributes(verein__db__query_count=value))

    assert found is not None
    assert found.query_count is None


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", -0.5], ids=str)
def test_a_time_that_cannot_be_is_unknown(value: Any) -> None:
    """No sum ever becomes NaN."""
    found = promoted(attributes(verein__db__duration_ms={"doubleValue": value}))

    assert found is not None
    assert found.db_ms is None


@pytest.mark.parametrize("text", [b"{}", b'"x"', b"[1]", b'[{"key":1}]', b"[", b'[{"key":"a","value":[]}]'])
def test_what_is_no_list_of_keys_and_values_is_none(text: bytes) -> None:
    """The span is set aside."""
    assert promoted(text) is None


def test_no_attributes_are_no_values() -> None:
    """An empty list, and none at all."""
    for text in (b"", b"[]"):
        found = promoted(text)
        assert found is not None
        assert [getattr(found, name) for name in FIELDS] == ["", *[None] * (len(FIELDS) - 1)]


def test_a_resource_says_whose_it_is() -> None:
    """Without a name it is an unknown service, as the specification has it."""
    text = b'{"attributes":' + attributes(service__name={"stringValue": "shop"}, process__pid={"intValue": "7"}) + b"}"

    assert origin(text) == Origin("shop", None, None, None, 7, None)
    assert origin(b"{}") == Origin("unknown_service", None, None, None, None, None)
    assert origin(b'"shop"') is None


@given(st.integers(0, ALL - 1))
def test_a_weight_is_that_of_the_threshold_our_sampler_writes(threshold: int) -> None:
    """Whatever its digits, and with another vendor's entry beside it."""
    state = with_threshold(TraceState([("vendor", "a:b")]), threshold)
    assert state is not None

    assert weight(state.to_header()) == weight_of(threshold)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (None, 1.0),
        ("", 1.0),
        ("ot=th:0", 1.0),
        ("ot=th:8", 2.0),
        ("ot=rv:0123456789abcd;th:c", 4.0),
        ("congo=t61,ot=th:fd70a3d70a3d7", 99.99999999999991),
        ("ot=th:xyz", 1.0),
        ("not=th:8", 1.0),
        ("ot=th:123456789abcdef", 1.0),
        ("ot=rv:1;xth:8", 1.0),
    ],
)
def test_weights_of_tracestates(state: str | None, expected: float) -> None:
    """What is no threshold is none."""
    assert weight(state) == expected
