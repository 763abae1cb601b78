"""Bounds on documents: they hold before what they bound can cost anything."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from otel_verein.config.document import read
from otel_verein.config.document.characters import MAX_BYTES
from otel_verein.config.document.composer import MAX_NODES
from otel_verein.config.document.problems import MAX_PROBLEMS

KIB_64 = 65_536
EVENTS_PER_NODE = 2  # a mapping or sequence begins and ends; two more at either end are the document and the stream


def told(data: bytes) -> list[str]:
    """The problems of *data*."""
    return [str(problem) for problem in read(data, "f")[1]]


def test_the_hundred_first_problem_is_a_count() -> None:
    """A file of nonsense makes a message that can be read."""
    problems = told(b"a: 1\n" * 500)

    assert MAX_PROBLEMS + 1 == len(problems)
    assert "f: has 399 more problems like these" == problems[-1]


def test_what_ends_the_reading_is_the_last_problem() -> None:
    """Also behind the count of those that are not listed."""
    problems = told(b"a: 1\n" * 150 + b"\tb: 1\n")

    assert ["f: has 49 more problems like these", "f:151: is indented with a tab; use spaces"] == problems[
        MAX_PROBLEMS:
    ]


def test_a_large_file_is_refused_unread() -> None:
    """A megabyte is read, a byte more is not."""
    whole = b"a: " + b"x" * (MAX_BYTES - 3)

    assert [] == told(whole)
    assert ["f: has 1,048,577 bytes; at most 1,048,576 are read"] == told(whole + b"x")


def test_an_alias_bomb_is_refused_by_what_it_would_be() -> None:
    """Ten levels of ten aliases would be ten thousand million values."""
    bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))

    assert ["f:4: holds more than 10,000 keys and values, with its aliases written out"] == told(bomb.encode())


def test_as_many_values_as_are_allowed_are_read() -> None:
    """The bound itself is inside."""
    within = "[" + "1," * (MAX_NODES - 1) + "]"

    assert [] == told(within.encode())
    assert 1 == len(told(("[" + "1," * MAX_NODES + "]").encode()))


def test_aliases_count_as_often_as_they_stand_there() -> None:
    """A list of 98 values is 99 nodes, and each of its aliases is as many."""
    within = "[&a [" + "1," * 98 + "]," + "*a," * 100 + "]"

    assert 1 + 99 * 101 == MAX_NODES
    assert [[], 1] == [told(within.encode()), len(told(within.replace("*a,]", "*a,1]").encode()))]


HEAVY = {
    "values": "[" + "1," * 32_000 + "1]",
    "keys": "".join(f"k{number}:\n" for number in range(9_000)),
    "equal keys": "a:\n" * 21_000,
    "mappings": "- {a: 1}\n" * 7_000,
    "empty lists": "[" + "[]," * 21_000 + "]",
    "empty mappings": "[" + "{}," * 21_000 + "]",
    "numbers": "- 1.5e-3\n" * 7_000,
    "dates": "- 2027-03-31\n" * 5_000,
    "brackets": "[" * KIB_64,
    "braces": "{a: " * 16_000,
    "dashes": "- " * 32_000,
    "questions": "? " * 32_000,
    "anchors": "".join(f"- &a{number} 1\n" for number in range(6_000)),
    "aliases": "a: &a x\nb: [" + "*a," * 21_000 + "]",
    "aliases of nothing": "- *a\n" * 13_000,
    "tags": "- !a 1\n" * 9_000,
    "directives": "".join(f"%TAG !a{number}! x\n" for number in range(4_000)) + "---\n1",
    "documents": "---\n" * 16_000,
    "digits": "1" * KIB_64,
    "text": "a: " + "x" * 65_000,
    "escapes": 'a: "' + "\\x41" * 16_000 + '"',
    "line ends": "\n" * KIB_64,
    "comments": "#\n" * 32_000,
    "block text": "a: |\n" + "  x\n" * 16_000,
    "percent": "!<" + "%41" * 21_000 + "> a",
}


@pytest.mark.parametrize("text", HEAVY.values(), ids=HEAVY)
def test_no_text_takes_more_events_than_the_bound_on_nodes_allows(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops where a bound is passed, so its cost is bounded whatever the text."""
    taken = 0
    parse = yaml.parse

    def counted(*args: Any, **kwargs: Any) -> Iterator[yaml.Event]:
        nonlocal taken
        for event in parse(*args, **kwargs):
            taken += 1
            yield event

    monkeypatch.setattr(yaml, "parse", counted)

    read(text.encode()[:KIB_64], "f")

    assert taken <= EVENTS_PER_NODE * MAX_NODES + 4


@pytest.mark.soak
@pytest.mark.skipif(not yaml.__with_libyaml__, reason="the speed is libyaml's")
@pytest.mark.parametrize("text", HEAVY.values(), ids=HEAVY)
def test_64_kib_are_read_or_refused_within_50_ms(text: str) -> None:
    """The median of eleven readings of each of the worst texts we know."""
    data = text.encode()[:KIB_64]
    seconds = []
    for _ in range(11):
        begun = time.perf_counter()
        read(data, "f")
        seconds.append(time.perf_counter() - begun)

    assert statistics.median(seconds) < 0.050
