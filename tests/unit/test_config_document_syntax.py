"""Documents that are no YAML: the line, the parser's words, and what mostly is the cause."""

from __future__ import annotations

import pytest
import yaml

from otel_verein.config.document import read

pytestmark = pytest.mark.skipif(not yaml.__with_libyaml__, reason="the words are libyaml's")

SYNTAX = {
    "open bracket": (
        "a: [\n",
        "2: is not valid YAML: did not find expected node content; is a value or the closing bracket missing?",
    ),
    "open bracket without a line end": (
        "a: [",
        "1: is not valid YAML: did not find expected node content; is a value or the closing bracket missing?",
    ),
    "bracket open over lines": (
        "a: [1,\nb: 2\n",
        "3: is not valid YAML: did not find expected ',' or ']' while parsing a flow sequence that begins in line 1; "
        "is a comma or the closing bracket missing?",
    ),
    "open quote": (
        "a: 'x\nb: 1\n",
        "3: is not valid YAML: found unexpected end of stream while scanning a quoted scalar that begins in line 1; "
        "is the closing quote missing?",
    ),
    "no space after the colon": (
        "a:1\nb: 2\n",
        "2: is not valid YAML: mapping values are not allowed in this context; look at the indentation, for a ':' "
        "without a space after it in the line before, and for text with ': ' in it, which needs quotes",
    ),
    "indented too little": (
        "a:\n  b: 1\n c: 2\n",
        "3: is not valid YAML: did not find expected key while parsing a block mapping that begins in line 1; "
        "is this line indented like its neighbours? Text with quotes in it needs other quotes around it",
    ),
    "begins with @": (
        "a: @x\n",
        "1: is not valid YAML: found character that cannot start any token; "
        "text that begins with @, `, % or a tab needs quotes",
    ),
    "begins with @ behind a tab that is no fault": (
        "a: [\n\t@x]\n",
        "2: is not valid YAML: found character that cannot start any token; "
        "text that begins with @, `, % or a tab needs quotes",
    ),
    "escape": (
        'a: "\\d"\n',
        "1: is not valid YAML: found unknown escape character; "
        "write a backslash between double quotes twice, or use single quotes",
    ),
    "begins with *": (
        "a: *\n",
        "1: is not valid YAML: did not find expected alphabetic or numeric character; "
        "text that begins with * or & needs quotes",
    ),
    "list behind a key": (
        "a: - b\n",
        "1: is not valid YAML: block sequence entries are not allowed in this context; "
        "begin the list in a line of its own",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SYNTAX.values(), ids=SYNTAX)
def test_what_is_no_yaml_says_the_likely_cure(text: str, expected: str) -> None:
    """The parser's words, where the unfinished part begins, and what mostly is the cause."""
    assert [f"f:{expected}"] == [str(problem) for problem in read(text.encode(), "f")[1]]
