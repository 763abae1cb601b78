"""What YAML's complaints about a text come to: the place, its words, and the likely cure."""

from __future__ import annotations

from yaml import MarkedYAMLError

from otel_verein.config.document.characters import lines_of
from otel_verein.config.shown import shown_key

MAX_DEPTH = 20  # entries of an option lie seven levels deep, below the `distribution` node of another file
TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels"

_NESTING = "exceeded maximum nesting depth"  # libyaml's own bound of 1,000, which it may meet while it looks ahead
_MISPLACED = "mapping values are not allowed"
_INDENTATION = "is this line indented like its neighbours?"
# By words that libyaml and the Python scanner of PyYAML have in common.
_CURES = (
    (_MISPLACED, "look at the indentation, for a ':' without a space after it in the line "
     "before, and for text with ': ' in it, which needs quotes"),
    ("entries are not allowed", "begin the list in a line of its own"),
    ("that cannot start any token", "text that begins with @, `, % or a tab needs quotes"),
    ("find expected key", f"{_INDENTATION} Text with quotes in it needs other quotes around it"),
    ("expected <block end>", f"{_INDENTATION} Text with quotes in it needs other quotes around it"),
    ("expected '-' indicator", _INDENTATION),
    ("expected ',' or", "is a comma or the closing bracket missing?"),
    ("expected node content", "is a value or the closing bracket missing?"),
    ("expected the node content", "is a value or the closing bracket missing?"),
    ("unexpected end of stream", "is the closing quote missing?"),
    ("could not find expected ':'", "is a ':' missing?"),
    ("escape", "write a backslash between double quotes twice, or use single quotes"),
    ("hexdecimal", "write a backslash between double quotes twice, or use single quotes"),
    ("alphabetic or numeric", "text that begins with * or & needs quotes"),
    ("<document start>", "one document is read, and nothing after its end"),
)  # fmt: skip


def syntax_problem(fault: Exception, text: str) -> tuple[int | None, str]:
    """The line where *text* is no YAML, and what is wrong there; *fault* is what the parser raised."""
    mark = fault.problem_mark if isinstance(fault, MarkedYAMLError) else None
    if not isinstance(fault, MarkedYAMLError) or mark is None:
        return None, f"is not valid YAML: {shown_key(str(fault))}"
    lines = lines_of(text)
    line = min(mark.line, len(lines) - 1)
    words = shown_key(str(fault.problem))
    if _is_about_a_tab(words, lines[line], mark.column):
        return line + 1, "is indented with a tab; use spaces"
    if words == _NESTING:
        return line + 1, TOO_DEEP
    begun = fault.context_mark
    if fault.context and begun is not None and begun.line < line:
        words += f" {fault.context} that begins in line {begun.line + 1}"
    return line + 1, f"is not valid YAML: {words}{_cure(words)}"


def _cure(words: str) -> str:
    return next((f"; {cure}" for part, cure in _CURES if part in words), "")


def _is_about_a_tab(words: str, line: str, column: int) -> bool:
    if line[column : column + 1] == "\t":
        return True
    indentation = line[: len(line) - len(line.lstrip(" \t"))]
    return "\t" in indentation and _MISPLACED in words  # the line was taken for more of the value before it
