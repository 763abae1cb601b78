"""Whatever bytes there are: a tree within its bounds and problems that read well; nothing else, and soon."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yaml.composer import ComposerError

from otel_verein.config.document import ListNode, MapNode, Node, Scalar, plain, read
from otel_verein.config.document.composer import MAX_NODES
from otel_verein.config.document.problems import MAX_PROBLEMS
from tests.property.odd_documents import DOCUMENTS, EXAMPLES, HANG, MUTATED, TEXTS, assert_reads_well


def nodes_of(node: Node) -> int:
    """How many nodes and keys there are, shared ones as often as they stand there."""
    if isinstance(node, MapNode):
        return 1 + sum(1 + nodes_of(member.node) for member in node.members)
    return 1 + sum(map(nodes_of, node.items)) if isinstance(node, ListNode) else 1


@pytest.mark.parametrize("examples", EXAMPLES)
def test_reading_gives_a_tree_and_problems(examples: int) -> None:
    """Never an exception; the tree is within its bounds, with lines that exist."""

    @given(DOCUMENTS)
    @example(b"\xef\xbb\xbf\xef\xbb\xbf")
    @example(b"&a : *a")
    @example(b"? ? ? a")
    @example(b"%YAML 1." + b"9" * 5000 + b"\n---\na")
    @example(b'"\\UFFFFFFFF"')
    @settings(max_examples=examples, deadline=HANG)
    def check(data: bytes) -> None:
        node, problems = read(data, "f")

        assert_reads_well(problems)
        assert len(problems) <= MAX_PROBLEMS + 2
        if node is not None:
            assert nodes_of(node) <= MAX_NODES
            assert 1 <= node.line <= len(data) + 1

    check()


@given(TEXTS)
@example("%YAML 1." + "9" * 5000 + "\n---\na")
@example('"\\UFFFFFFFF"')
@example("\t")
@settings(deadline=HANG)
def test_reading_without_libyaml_gives_a_tree_and_problems(text: str) -> None:
    """PyYAML's own parser raises in more ways, and none of them gets out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeLoader", raising=False)

        _, problems = read(text.encode("utf-8", "surrogatepass"), "f")

    assert_reads_well(problems)


JSON_TEXT = st.text(
    st.characters(
        min_codepoint=32,
        max_codepoint=0x1F64F,
        exclude_categories=["Cs", "Cc", "Zl", "Zp", "Cn"],
        exclude_characters="\ufeff",
    )
)
JSON_LIKE = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**80), 10**80),
        st.floats(allow_nan=False, allow_infinity=False),
        JSON_TEXT,
    ),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(JSON_TEXT, inner, max_size=5),
    max_leaves=30,
)


@given(st.dictionaries(JSON_TEXT, JSON_LIKE, max_size=5))
@settings(deadline=HANG)
def test_what_was_written_is_what_is_read(data: dict[str, Any]) -> None:
    """JSON is a part of YAML with one meaning, so it tells whether anything is lost or changed."""
    text = json.dumps(data, ensure_ascii=False)

    node, problems = read(text.encode(), "f")

    assert ([], data) == (problems, plain(node))


@given(MUTATED)
@settings(deadline=HANG)
def test_what_another_reader_takes_for_the_same_shape_is_the_same_shape(text: str) -> None:
    """Where there is no problem, PyYAML's own composer finds the same keys and lists in the same lines."""
    node, problems = read(text.encode("utf-8", "surrogatepass"), "f")
    if node is None or problems:
        return
    try:
        other = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except ComposerError as fault:
        if "found duplicate anchor" in str(fault):
            return  # YAML allows that, and PyYAML does not
        raise

    assert outline(node) == other_outline(other)


def outline(node: Node) -> object:
    """Keys and lines, without the values."""
    if isinstance(node, MapNode):
        return [(member.key, member.line, outline(member.node)) for member in node.members]
    return [outline(item) for item in node.items] if isinstance(node, ListNode) else "scalar"


def other_outline(node: Any) -> object:
    """The same of PyYAML's nodes."""
    if isinstance(node, yaml.MappingNode):
        return [(key.value, key.start_mark.line + 1, other_outline(value)) for key, value in node.value]
    return [other_outline(item) for item in node.value] if isinstance(node, yaml.SequenceNode) else "scalar"


@given(st.dates(date(1, 1, 1), date(9999, 12, 31)))
def test_every_day_is_read_as_that_day(day: date) -> None:
    """From the year 1 to 9999."""
    assert Scalar(day, 1) == read(day.isoformat().encode(), "f")[0]
