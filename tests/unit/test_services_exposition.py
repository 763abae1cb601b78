"""The reader of Prometheus' text format that the tests rely on."""

from __future__ import annotations

import math

import pytest

from tests.services.exposition import Sample, samples, total


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("up 1", Sample("up", {}, 1.0), id="no labels"),
        pytest.param('a:b{c="d",e=""} 2.5e-3', Sample("a:b", {"c": "d", "e": ""}, 0.0025), id="labels"),
        pytest.param('a{c="d",} 1 1795792657978', Sample("a", {"c": "d"}, 1.0), id="last comma and time"),
        pytest.param('a{le="+Inf"} +Inf', Sample("a", {"le": "+Inf"}, math.inf), id="infinity"),
        pytest.param(r'a{c="\"x\\n\ny"} 0', Sample("a", {"c": '"x\\n\ny'}, 0.0), id="escapes"),
        pytest.param('a{c="}, d=\\"1\\" 2"} 3', Sample("a", {"c": '}, d="1" 2'}, 3.0), id="a value like a line"),
    ],
)
def test_a_line_is_a_sample(line: str, expected: Sample) -> None:
    """Name, labels with their escapes undone, and value; a time is left."""
    assert [expected] == list(samples(line))


def test_comments_and_empty_lines_are_none() -> None:
    """What is not a sample is skipped where the format allows it."""
    assert [] == list(samples("# HELP up Up.\n# TYPE up gauge\n\n"))


@pytest.mark.parametrize("line", ["up", 'up{a="b} 1', "up{a=b} 1", 'up{a="b" c="d"} 1', "0up 1", "up one"])
def test_what_is_no_sample_is_refused(line: str) -> None:
    """A line that was not understood must not be a series that is missing."""
    with pytest.raises(ValueError, match=r"no sample|no labels|could not convert"):
        list(samples(line))


def test_total_is_of_all_with_the_labels() -> None:
    """Series that differ in other labels are summed; the rest is not."""
    found = list(samples('a{x="1",y="1"} 1\na{x="1",y="2"} 2\na{x="2"} 4\nb{x="1"} 8\n'))

    assert 3 == total(found, "a", {"x": "1"})
    assert 7 == total(found, "a", {})


def test_nothing_is_not_zero() -> None:
    """A name that nobody wrote raises, with the names there are, unless the caller says what its absence means."""
    found = list(samples('a{x="1"} 1\n'))

    with pytest.raises(LookupError) as raised:
        total(found, "b", {})
    assert "no sample of b with {}; there are ['a']" == str(raised.value)
    with pytest.raises(LookupError) as raised:
        total(found, "a", {"x": "2"})
    assert "no sample of a with {'x': '2'}; there are [\"a{'x': '1'}\"]" == str(raised.value)
    assert 0 == total(found, "b", {}, absent=0)
