"""Masked code in its one form: signs and casts folded into their values, lists and equal rows collapsed, spaced.

Values that stand side by side, with or without a comma, are one value, so that the length of a list does not
matter. In a list of values NULL and DEFAULT are values too. An element that repeats the one before it, such as
the second row of an insert, goes.
"""

from __future__ import annotations

from dataclasses import dataclass

from otel_verein.ledger.dialect import Dialect
from otel_verein.ledger.masking import VALUE

_BEFORE_PAREN = frozenset(
    [
        "IN",
        "VALUES",
        "VALUE",
        "AND",
        "OR",
        "ON",
        "WHERE",
        "FROM",
        "AS",
        "NOT",
        "EXISTS",
        "SELECT",
        "JOIN",
        "USING",
        "ANY",
        "ALL",
        "INTO",
        "BY",
        "OVER",
        "UNION",
    ]
)
_BEFORE_VALUE = _BEFORE_PAREN | frozenset(
    [
        "BETWEEN",
        "LIMIT",
        "OFFSET",
        "RETURN",
        "THEN",
        "ELSE",
        "WHEN",
        "CASE",
        "SET",
        "LIKE",
        "ILIKE",
        "IS",
        "HAVING",
        "INTERVAL",
        "TOP",
        "DISTINCT",
    ]
)
_MARKS = frozenset("?%@:$0123456789")
_SIGNS = frozenset("-+.")
_ROW_WORDS = frozenset(["VALUES", "VALUE"])
_CONSTRUCTORS = frozenset(["ARRAY", "ROW"])
_LIST_WORDS = frozenset(["NULL", "DEFAULT", "TRUE", "FALSE", *_ROW_WORDS, *_CONSTRUCTORS])
_ROLES = {VALUE: VALUE, "(": "(", "[": "(", ")": ")", "]": ")", ",": ",", ";": ";"} | {
    spelled: word for word in _LIST_WORDS for spelled in (word, word.lower(), word.capitalize())
}
"""What a token does to the list around it; any other token has no role."""
_COMPARES = frozenset(["=", "<>", "!=", "<", ">", "<=", ">=", "LIKE", "BETWEEN"])
_LISTS = frozenset(["IN", "VALUES", "VALUE"])
_TYPE_SECOND = frozenset(["PRECISION", "VARYING"])
_ZONE = ("TIME", "ZONE")
_TIGHT_BEFORE = frozenset([",", ")", ".", ";", "]", "::", "["])
_TIGHT_AFTER = frozenset(["(", ".", "[", "::"])


def canonical(masked: str, dialect: Dialect) -> list[str]:
    """The tokens of *masked*, each value as NUL, without semicolons around."""
    tokens = dialect.token.findall(masked.rstrip())
    if dialect.loose_names and '"' in masked:
        tokens = _without_loose_names(tokens)
    tokens = _collapsed(_without_casts(_values(tokens, dialect)))
    while tokens and tokens[-1] == ";":
        tokens.pop()
    first = next((index for index, token in enumerate(tokens) if token != ";"), 0)
    return tokens[first:]


def spaced(tokens: list[str]) -> str:
    """*tokens* as text, a value as ``?``."""
    parts: list[str] = []
    before = ""
    for token in tokens:
        tight = (
            not before
            or token in _TIGHT_BEFORE
            or before in _TIGHT_AFTER
            or (token == "(" and before[-1].isalnum() and before.upper() not in _BEFORE_PAREN)
        )
        shown = "?" if token == VALUE else token
        parts.append(shown if tight else " " + shown)
        before = token
    return "".join(parts)


def is_name(token: str) -> bool:
    """Whether *token* is a word or a quoted name."""
    first = token[0]
    return first.isalpha() or first in '_"`@#' or (first == "[" and len(token) > 1)


def _values(tokens: list[str], dialect: Dialect) -> list[str]:
    """*tokens* with placeholders of any style as values, and signs folded into them."""
    out: list[str] = []
    for token in tokens:
        if token[0] in _MARKS and _is_placeholder(token, dialect, out):
            token = VALUE
        if token == VALUE and out and out[-1] in _SIGNS and not (len(out) > 1 and _is_operand(out[-2])):
            out.pop()
        out.append(token)
    return out


def _is_placeholder(token: str, dialect: Dialect, out: list[str]) -> bool:
    """Whether *token*, which starts with a mark, is a placeholder; *out* is what stands before it."""
    if token == "?":
        return not (dialect.question_operators and out and _is_operand(out[-1]))
    if len(token) == 1:
        return token.isdigit()
    first, second = token[0], token[1]
    if first == "@":
        return dialect.at_values and second not in "@>"
    if first == ":":
        return second not in ":="
    return first in "%$0123456789" or second == VALUE


def _without_loose_names(tokens: list[str]) -> list[str]:
    """*tokens* with a value for double quotes where a value stands: after a comparison, in the list of IN or VALUES."""
    out: list[str] = []
    listed = False
    for index, token in enumerate(tokens):
        before = tokens[index - 1].upper() if index else ""
        if token == "(":
            listed = listed or before in _LISTS
        elif token[0] == '"' and (listed or before in _COMPARES) and _stands_alone(tokens, index):
            token = VALUE
        elif is_name(token) and token.upper() not in _LIST_WORDS:
            listed = False
        out.append(token)
    return out


def _stands_alone(tokens: list[str], index: int) -> bool:
    """Whether the token at *index* is one quoted name, not part of a qualified one."""
    token = tokens[index]
    return token[-1] == '"' and '"."' not in token and tokens[index + 1 : index + 2] != ["."]


def _is_operand(token: str) -> bool:
    if token == VALUE or token in (")", "]"):
        return True
    return is_name(token) and token.upper() not in _BEFORE_VALUE


def _without_casts(tokens: list[str]) -> list[str]:
    """*tokens* without ``::type`` after a value."""
    if "::" not in tokens:
        return tokens
    out: list[str] = []
    index = 0
    while index < len(tokens):
        if tokens[index] == "::" and out and out[-1] == VALUE:
            index = _after_type(tokens, index + 1)
        else:
            out.append(tokens[index])
            index += 1
    return out


def _after_type(tokens: list[str], index: int) -> int:
    """The index behind the type name at *index*: ``a.b``, ``double precision``, ``numeric(?, ?)``, ``text[]``."""

    def upper(at: int) -> str:
        return tokens[at].upper() if at < len(tokens) else ""

    if index < len(tokens) and is_name(tokens[index]):
        index += 1
        while upper(index) == "." and index + 1 < len(tokens) and is_name(tokens[index + 1]):
            index += 2
        if upper(index) in _TYPE_SECOND:
            index += 1
    if upper(index) == "(" and upper(index + 1) == VALUE:
        close = index + 1
        while upper(close) in (VALUE, ","):
            close += 1
        index = close + 1 if upper(close) == ")" else index
    if upper(index) in ("WITH", "WITHOUT") and (upper(index + 1), upper(index + 2)) == _ZONE:
        index += 3
    while upper(index) == "[" and upper(index + 1) == "]":
        index += 2
    return index


@dataclass(slots=True)
class _Frame:
    """An open bracket: where its content and its elements start; whether it is all values, and holds any."""

    content: int
    elements: list[int]
    plain: bool = True
    valued: bool = False


def _collapsed(tokens: list[str]) -> list[str]:
    out: list[str] = []
    frame = _Frame(0, [0])
    frames = [frame]
    for token in tokens:
        role = _ROLES.get(token)
        if role is None:
            out.append(token)
            if frame.plain and is_name(token):
                frame.plain = False
        elif role == VALUE:
            _append_value(out, frame)
        elif role == "(":
            out.append(token)
            frame = _Frame(len(out), [len(out)])
            frames.append(frame)
        elif role == ")" and len(frames) > 1:
            closed = frames.pop()
            frame = frames[-1]
            _close(out, token, closed, frame)
        else:
            out.append(token)
            if role == ",":
                frame.elements.append(len(out))
            else:
                _note_word(role, len(out), frame)
    return out


def _append_value(out: list[str], frame: _Frame) -> None:
    """Add a value unless one is there, with nothing but commas and points between."""
    frame.valued = True
    end = len(out)
    while end > frame.content and out[end - 1] in (",", "."):
        end -= 1
    if end == frame.content or out[end - 1] != VALUE:
        out.append(VALUE)
        return
    del out[end:]
    while frame.elements[-1] >= end:
        frame.elements.pop()


def _note_word(word: str, end: int, frame: _Frame) -> None:
    if word in _ROW_WORDS:
        frame.elements[-1], frame.plain = end, False
    elif word == ";":
        frame.plain = False
    elif word not in _CONSTRUCTORS and word != ")":
        frame.valued = True


def _close(out: list[str], token: str, frame: _Frame, parent: _Frame) -> None:
    """End the bracket of *frame*: a list of values is one value; what repeats its neighbour goes."""
    if frame.plain and frame.valued:
        out[frame.content :] = [VALUE]
    out.append(token)
    parent.plain = parent.plain and frame.plain
    parent.valued = parent.valued or frame.valued
    if not frame.valued or len(parent.elements) < 2:
        return
    before, start = parent.elements[-2:]
    row = out[frame.content - 1 :] == ["(", VALUE, ")"] and out[start - 4 : start] == ["(", VALUE, ")", ","]
    same = start - 1 - before == len(out) - start and out[before : start - 1] == out[start:]
    if (row and start == frame.content - 1) or same:
        del out[start - 1 :]
        parent.elements.pop()
