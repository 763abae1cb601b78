"""Values and keys in messages: one short, harmless line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from otel_verein.config.shown import SHOWN_CHARS, shown, shown_key, shown_number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x" * 100, "'" + "x" * 76 + "..."),
        (10**300, "a number of 997 bits"),
        (12.5, "12.5"),
        (True, "true"),
        (date(2027, 3, 31), "2027-03-31"),
        ({"a": [1, "b"], "c": None}, "{'a': [1, 'b'], 'c': null}"),
        (("a",), "['a']"),
        (b"x", "a bytes"),
        ("\x1b[2J", "'\\x1b[2J'"),
        (list(range(10_000)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21..."),
    ],
    ids=["long text", "huge number", "float", "switch", "date", "nested", "tuple", "bytes", "terminal", "long list"],
)
def test_a_value_is_shown_in_one_short_line(value: object, text: str) -> None:
    """As a file has it, cut to 80 characters, harmless for a terminal."""
    assert text == shown(value)


def test_showing_costs_little_however_much_a_value_would_print() -> None:
    """Thirty lists, each holding the one before twice, would print for hours."""
    value: list[object] = []
    for _ in range(30):
        value = [value, value]
    itself: list[object] = []
    itself.append(itself)

    assert SHOWN_CHARS >= len(shown(value))
    assert SHOWN_CHARS >= len(shown(itself))


class CountedList(list[object]):
    """Counts the items that are looked at."""

    looked_at = 0

    def __iter__(self) -> Iterator[object]:
        for item in super().__iter__():
            self.looked_at += 1
            yield item


class UnwritableText(str):
    """A text whose repr as a whole must not be asked for."""

    def __repr__(self) -> str:
        raise AssertionError("the whole text was written")


def test_what_is_cut_off_is_not_looked_at() -> None:
    """So a message about a megabyte costs no more than one about a line."""
    many = CountedList(range(10_000))

    shown(many)

    assert many.looked_at < SHOWN_CHARS
    assert "'xxx" == shown(UnwritableText("x" * 1_000_000))[:4]


def test_a_key_is_shown_as_it_stands_unless_that_would_break_the_line() -> None:
    """Keys come from the file, too."""
    assert ["a.b", "'a\\nb'", "k" * 77 + "..."] == [shown_key(key) for key in ("a.b", "a\nb", "k" * 90)]


@pytest.mark.parametrize(
    ("number", "text"),
    [(3_500_000, "3500000"), (2.0, "2"), (0.5, "0.5"), (-0.25, "-0.25"), (1e300, "1e+300"), (float("nan"), "nan"),
     (float("-inf"), "-inf"), (10**300, "a number of 997 bits")],
)  # fmt: skip
def test_a_number_is_shown_as_one_writes_it(number: float, text: str) -> None:
    """Without an exponent or a fraction that says nothing, and of any size."""
    assert text == shown_number(number)
