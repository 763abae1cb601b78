"""Traces as backends give them, made the same as files have them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from otel_verein import semconv
from otel_verein.sources.otlp_fetched import ShapeError, by_trace, number_of, padded

TRACE, SPAN, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"


def one(span: dict[str, Any], **scope: Any) -> dict[str, Any]:
    """What becomes of one span."""
    found = by_trace([{"scopeSpans": [{"spans": [span], **scope}]}])
    (trace,) = found.values()
    result: dict[str, Any] = json.loads(trace.message)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    return result


@pytest.mark.parametrize(
    ("came", "made"),
    [
        pytest.param(TRACE, TRACE, id="hexadecimal"),
        pytest.param(TRACE.upper(), TRACE, id="upper"),
        pytest.param("CvdlGRbNQ92ESOshHIAxnA==", TRACE, id="base64"),
        pytest.param("CvdlGRbNQ92ESOshHIAxnA", TRACE, id="unpadded"),
        pytest.param("AAAA", "AAAA", id="short"),
        pytest.param("no id!", "no id!", id="none"),
    ],
)
def test_ids_are_hexadecimal(came: str, made: str) -> None:
    """What is no id stays as it is, to be set aside by what takes it."""
    span = one({"traceId": came, "spanId": SPAN})

    assert made == span["traceId"]


def test_every_id_and_enum_of_a_span_is_made_so() -> None:
    """Those of links, too."""
    span = one(
        {
            "traceId": "CvdlGRbNQ92ESOshHIAxnA==",
            "spanId": "t61rcWkgMzE=",
            "parentSpanId": "APBnqgupArc=",
            "kind": "SPAN_KIND_CLIENT",
            "status": {"code": "STATUS_CODE_ERROR", "message": "x"},
            "links": [{"traceId": "CvdlGRbNQ92ESOshHIAxnA==", "spanId": "t61rcWkgMzE="}],
        }
    )

    assert span == {
        "traceId": TRACE,
        "spanId": SPAN,
        "parentSpanId": PARENT,
        "kind": 3,
        "status": {"code": 2, "message": "x"},
        "links": [{"traceId": TRACE, "spanId": SPAN}],
    }


def test_what_is_otlp_already_stays() -> None:
    """Large numbers as texts, numbers as they were written, signs of any language."""
    span = {
        "traceId": TRACE,
        "spanId": SPAN,
        "kind": 2,
        "name": "größe 😀",
        "startTimeUnixNano": "1764072000000000001",
        "status": {},
        "attributes": [
            {"key": "a", "value": {"doubleValue": 0.1}},
            {"key": "b", "value": {"intValue": "9007199254740993"}},
        ],
        "droppedAttributesCount": 3,
    }

    assert span == one(json.loads(json.dumps(span)))


def test_lists_of_ours_are_lists_again() -> None:
    """On a span and on its events; a text that is no list stays one."""
    listed = {"arrayValue": {"values": [{"stringValue": "error"}]}}
    span = one(
        {
            "traceId": TRACE,
            "attributes": [
                {"key": semconv.BREACH, "value": {"stringValue": '["error"]'}},
                {"key": "own", "value": {"stringValue": '["error"]'}},
            ],
            "events": [{"attributes": [{"key": semconv.FINDING_STACK, "value": {"stringValue": "[1"}}]}],
        }
    )

    assert [listed, {"stringValue": '["error"]'}] == [each["value"] for each in span["attributes"]]
    assert {"stringValue": "[1"} == span["events"][0]["attributes"][0]["value"]


def test_a_whole_double_is_one() -> None:
    """Go writes 2.0 as 2."""
    span = one({"traceId": TRACE, "attributes": [{"key": "a", "value": {"doubleValue": 2}}]})

    assert "2.0" == json.dumps(span["attributes"][0]["value"]["doubleValue"])


def test_traces_are_told_apart_and_keep_their_resources() -> None:
    """Also where one resource has spans of several, or one trace several resources."""
    other = "f" * 32
    resources = [
        {
            "resource": {"attributes": [name]},
            "schemaUrl": "u",
            "scopeSpans": [
                {
                    "scope": {"name": "s"},
                    "spans": [
                        {"traceId": TRACE, "startTimeUnixNano": "20"},
                        {"traceId": other, "startTimeUnixNano": "10"},
                    ],
                }
            ],
        }
        for name in ("a", "b")
    ]

    found = by_trace(resources)

    assert {TRACE: 20, other: 10} == {key: trace.start_ns for key, trace in found.items()}
    for key, trace in found.items():
        message = json.loads(trace.message)
        assert ["a", "b"] == [each["resource"]["attributes"][0] for each in message["resourceSpans"]]
        assert {"u"} == {each["schemaUrl"] for each in message["resourceSpans"]}
        scopes = [scope for each in message["resourceSpans"] for scope in each["scopeSpans"]]
        assert [{"name": "s"}] * 2 == [each["scope"] for each in scopes]
        assert {key} == {span["traceId"] for each in scopes for span in each["spans"]}


def test_the_older_name_of_scopes_is_understood() -> None:
    """As Tempo had it before version 2."""
    found = by_trace(
        [{"instrumentationLibrarySpans": [{"instrumentationLibrary": {"name": "s"}, "spans": [{"traceId": TRACE}]}]}]
    )

    message = json.loads(found[TRACE].message)
    assert [{"scope": {"name": "s"}, "spans": [{"traceId": TRACE}]}] == message["resourceSpans"][0]["scopeSpans"]


@pytest.mark.parametrize(
    ("came", "message"),
    [
        ({}, "resourceSpans is no list of objects"),
        ([1], "resourceSpans is no list of objects"),
        ([{"scopeSpans": 1}], "scopeSpans is no list of objects"),
        ([{"scopeSpans": [{"spans": "x"}]}], "spans is no list of objects"),
        ([{"scopeSpans": [{"spans": [{"events": [1]}]}]}], "events is no list of objects"),
        ([{"scopeSpans": [{"spans": [{"links": 1}]}]}], "links is no list of objects"),
        ([{"scopeSpans": [{"spans": [{"attributes": {}}]}]}], "attributes is no list of objects"),
    ],
)
def test_what_is_no_list_of_spans_is_an_error(came: object, message: str) -> None:
    """It says which part."""
    with pytest.raises(ShapeError) as caught:
        by_trace(came)

    assert message == str(caught.value)


def test_absent_lists_are_empty() -> None:
    """Protobuf leaves them out."""
    assert {} == by_trace(None)
    assert {} == by_trace([{}])
    assert {} == by_trace([{"scopeSpans": [{}]}])


def test_numbers_and_ids_of_a_search() -> None:
    """Numbers come as texts; ids without their first zeros."""
    assert [7, 7, 0, 0, 0] == [number_of(each) for each in ("7", 7, "x", None, 1.5)]
    assert ["0" * 31 + "a", TRACE] == [padded(each) for each in ("A", TRACE)]
