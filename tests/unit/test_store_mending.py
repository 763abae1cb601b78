"""Broken lines: a whole message behind a torn one is found, and what is no text becomes a replacement character."""

from __future__ import annotations

import json

import pytest

from otel_verein.store.taking.mending import parts, repaired

ONE, TWO = b'{"resourceSpans":[{}]}', b'{"resourceMetrics":[{"a":1}]}'
TORN = b'{"resourceSpans":[{"resource":{"attr'


@pytest.mark.parametrize(
    "expected",
    [[TORN, ONE], [TORN, TWO], [TORN, TORN, ONE], [ONE, TWO], [ONE, TORN], [b"{", ONE]],
    ids=["spans", "metrics", "torn twice", "both whole", "torn at the end", "hardly begun"],
)
def test_message_that_is_glued_to_a_torn_one_is_found(expected: list[bytes]) -> None:
    """A collector that was killed in a line, and started again, goes on in that line."""
    assert expected == parts(b"".join(expected))


@pytest.mark.parametrize(
    "line",
    [ONE, b"", b"{", TORN, b'{"a":"{\\"resourceSpans\\":["}', TORN * 100_000],
    ids=["whole", "empty", "brace", "torn", "in a text", "too often"],
)
def test_other_broken_lines_are_one_part(line: bytes) -> None:
    """The text in a value has its quotes escaped, so it begins nothing; and no collector is killed that often."""
    assert [line] == parts(line)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (rb'"a\ud800b"', "a\ufffdb"),
        (rb'"a\uDFFF"', "a\ufffd"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd\N{GRINNING FACE}"),
        (b'"a\xffb\xe2\x82"', "a\ufffdb\ufffd"),
        (b'"\xed\xa0\x80"', "\ufffd\ufffd\ufffd"),
    ],
    ids=["high half", "low half", "half before a pair", "bad bytes", "half as bytes"],
)
def test_half_characters_are_replaced(line: bytes, expected: str) -> None:
    """The rest of the text stays, and the line parses."""
    assert expected == json.loads(repaired(line))


@pytest.mark.parametrize(
    "line",
    [
        rb'"\\ud800"',
        rb'"\ud83d\ude00"',
        rb'"\uDBFF\uDFFF\uda00\udc00"',
        '"ü€\N{GRINNING FACE}"'.encode(),
        rb'"\u0000\"\\"',
        b"",
        b"\\",
        rb"\u",
    ],
)
def test_a_line_without_them_stays_itself(line: bytes) -> None:
    """An escaped backslash before ``u`` begins no escape."""
    assert repaired(line) is line
