"""Documents that nobody should write, for the fuzz of whatever reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import reduce

import pytest
from hypothesis import strategies as st

from otel_verein.errors import Problem

HANG = timedelta(seconds=10)  # an example takes a few milliseconds; this tells a hang, and no slow machine
EXAMPLES = [pytest.param(100, id="short"), pytest.param(5_000, id="long", marks=pytest.mark.soak)]
LONGEST_MESSAGE = 1000  # printed for a person

VALID = """\
# What the shop needs
environment: staging
thresholds:
  queries: 30          # of a page
  queries_critical: 90
  operations:
    - operation: 'GET /export*'
      queries_critical: 500
      queries: 300
    - {operation: "POST /import", duration_s: 30, duration_critical_s: 60.5}
sampling: {ratio: 0.25, decide: process, operations: [{operation: 'GET /health*', ratio: 0}]}
ignore:
  rules:
    - reason: &why the list has three rows at most
      until: 2027-03-31
      statement: SELECT shop_*
    - {reason: *why, until: 2027-12-31, call_site: "*/models.py:1?"}
call_site:
  application: [shop, 'shop.core']
export:
  directory: "t\\u00e4glich"
  interval_s: 1e-1
environments:
  production:
    sampling:
      ratio: .5
"""

FRAGMENTS = st.sampled_from(
    [
        *("\n", "\r\n", "\r", " ", "  ", "    ", "\t", "\n\t", ": ", ":", "- ", "-", "? ", "[", "]", "{", "}", ", "),
        *(
            "#",
            "# x",
            "'",
            '"',
            "\\",
            "\\u00e9",
            '"\\ud800"',
            "|",
            ">",
            "|-\n  x\n",
            ">+2\n",
            "%",
            "@",
            "`",
            "<<: ",
            "<<",
        ),
        *("&a ", "*a", "*a : ", "&a &a ", "!", "!! ", "!!int ", "!<x> ", "!!python/object/apply:os.system [ls]"),
        *("<<: ", "<<", "---", "--- ", "\n---\n", "...", "\n...\n", "%YAML 1.1\n---\n", "%TAG ! x\n"),
        *("~", "null", "true", "yes", ".nan", "-.inf", "1e999", "0x", "0xFF", "0o7", "1_0", "1:30", "9" * 200),
        *("2027-03-31", "2027-02-30", "a", "b", "a: 1\n", "b: [1, 2]\n", "thresholds:\n", "  queries: 5\n"),
        *("ignore: ", "rules: ", "environments: ", "production: "),
        *("\x00", "\x1b", "\x85", "\u2028", "\ufeff", "\ufffe", "é", "\U0001f600"),
    ]
)
YAMLISH = st.lists(FRAGMENTS, max_size=60).map("".join)
NESTED = st.builds(lambda opening, times: opening * times, FRAGMENTS, st.integers(0, 2000))


def mutated(text: str, change: tuple[str, int, int, str]) -> str:
    """*text* with one change at a place: a cut, a doubled part, or a fragment put in."""
    kind, at, length, fragment = change
    at %= len(text) + 1
    end = at + length
    if kind == "cut":
        return text[:at] + text[end:]
    if kind == "double":
        return text[:end] + text[at:end] + text[end:]
    return text[:at] + fragment + text[at:]


CHANGES = st.lists(
    st.tuples(st.sampled_from(["cut", "double", "put"]), st.integers(0, 2000), st.integers(1, 30), FRAGMENTS),
    min_size=1,
    max_size=6,
)
MUTATED = CHANGES.map(lambda changes: reduce(mutated, changes, VALID))
TEXTS = st.one_of(YAMLISH, NESTED, MUTATED, st.text(max_size=400))
DOCUMENTS = st.one_of(TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary(max_size=400))


def assert_reads_well(problems: Sequence[Problem]) -> None:
    """Every message is one line of bounded length that does nothing to a terminal."""
    for problem in problems:
        assert problem.what
        assert str(problem).isprintable()
        assert len(problem.what) < LONGEST_MESSAGE
