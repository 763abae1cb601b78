"""Arguments as they arrive, and the envelope around every answer."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import pytest

from otel_verein.api.convenience import FUNCTIONS
from otel_verein.api.convenience.arguments import (
    LONGEST_LIST,
    LONGEST_TEXT,
    ArgumentError,
    mapping,
    optional_text,
    positive,
    text,
    texts,
    truth,
    whole,
)
from otel_verein.api.convenience.envelope import Told, enveloped
from otel_verein.errors import SourceError

GOOD: dict[str, tuple[Callable[[], object], object]] = {
    "text": (lambda: text("n", " a b "), "a b"),
    "number as text": (lambda: text("n", 12), "12"),
    "no text": (lambda: optional_text("n", "  "), None),
    "whole": (lambda: whole("n", "5", 1, 10), 5),
    "whole real": (lambda: whole("n", 5.0, 1, 10), 5),
    "bound": (lambda: whole("n", " 10", 1, 10), 10),
    "positive": (lambda: positive("n", "0.5", 10), 0.5),
    "positive whole": (lambda: positive("n", 2, 10), 2.0),
    "true": (lambda: truth("n", "True"), True),
    "off": (lambda: truth("n", "off"), False),
    "one": (lambda: truth("n", 1), True),
    "list": (lambda: texts("n", ["a", 2]), ["a", "2"]),
    "JSON": (lambda: texts("n", '["a,b", "c"]'), ["a,b", "c"]),
    "commas": (lambda: texts("n", "a, b,,"), ["a", "b"]),
    "object": (lambda: mapping("n", '{"a": 1}'), {"a": 1}),
}

BAD: dict[str, tuple[Callable[[], object], str]] = {
    "text of null": (lambda: text("n", None), "n: None is no text"),
    "text of truth": (lambda: text("n", True), "n: True is no text"),
    "empty": (lambda: text("n", " "), "n: is empty; it has to be a text"),
    "long": (
        lambda: text("n", "a" * (LONGEST_TEXT + 1)),
        f"n: has {LONGEST_TEXT + 1} characters; it may have {LONGEST_TEXT}",
    ),
    "whole of real": (
        lambda: whole("n", 1.5, 1, 10),
        "n: 1.5 is no whole number; it has to be a whole number from 1 to 10",
    ),
    "whole of huge text": (
        lambda: whole("n", "9" * 5000, 1, 10),
        f"n: '{'9' * 79}... is no whole number; it has to be a whole number from 1 to 10",
    ),
    "infinite": (
        lambda: whole("n", math.inf, 1, 10),
        "n: inf is no whole number; it has to be a whole number from 1 to 10",
    ),
    "NaN": (lambda: positive("n", "nan", 10), "n: 'nan' is no number; it has to be a number above 0, up to 10"),
    "zero": (lambda: positive("n", 0, 10), "n: 0 is out of bounds; it has to be a number above 0, up to 10"),
    "maybe": (lambda: truth("n", "maybe"), "n: 'maybe' is neither true nor false"),
    "two": (lambda: truth("n", 2), "n: 2 is neither true nor false"),
    "long list": (
        lambda: texts("n", "a," * LONGEST_LIST),
        f"n: has {2 * LONGEST_LIST} characters; it may have {LONGEST_LIST}",
    ),
    "deep list": (
        lambda: texts("n", "[" * 100_000),
        f"n: '{'[' * 79}... is not JSON: is nested too deeply",
    ),
    "list in list": (lambda: texts("n", [["a"]]), "n[0]: ['a'] is no text"),
    "list as object": (
        lambda: mapping("n", "[1]"),
        """n: '[1]' is no object; it has to be such as {"section.option": 1}""",
    ),
}


@pytest.mark.parametrize("case", GOOD)
def test_forms_that_are_understood(case: str) -> None:
    """Numbers, truths and lists may be texts."""
    act, expected = GOOD[case]

    assert expected == act()


@pytest.mark.parametrize("case", BAD)
def test_forms_that_are_refused(case: str) -> None:
    """The error names the argument, what it is, and what it has to be; of long ones only the beginning."""
    act, message = BAD[case]

    with pytest.raises(ArgumentError) as fault:
        act()
    assert message == str(fault.value)


@enveloped("thing")
def ask(member_name: str, limit: int = 3) -> Told:
    """Answer, or fail as the name says."""
    if member_name == "away":
        raise SourceError("the place is away")
    if member_name == "bug":
        raise KeyError("a bug of ours")
    return Told({"limit": limit}, "Well.")


def test_success_has_payload_and_message() -> None:
    """The payload stands under its key."""
    assert {"success": True, "thing": {"limit": 3}, "message": "Well."} == ask("Ada")


@pytest.mark.parametrize("call", [lambda: ask("away"), lambda: ask(member_name="away")], ids=["by place", "by name"])
def test_failure_names_the_member(call: Callable[[], dict[str, Any]]) -> None:
    """The error is told with the time and the member that was asked for."""
    answer = call()

    assert {"success": False, "error": "the place is away", "member": "away"} == {
        key: value for key, value in answer.items() if key != "timestamp"
    }
    assert answer["timestamp"].endswith("Z")


def test_bug_is_not_swallowed() -> None:
    """What is no error of the product or of an argument goes on up, to be seen."""
    with pytest.raises(KeyError, match="a bug of ours"):
        ask("bug")


def test_signature_shines_through() -> None:
    """Whoever looks at the function sees its own parameters."""
    assert ["member_name", "limit"] == list(inspect.signature(ask).parameters)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.name)
def test_every_function_is_described(function: Any) -> None:
    """Whoever offers the functions can say what each does."""
    assert (function.function.__doc__ or "").strip().endswith(".")
