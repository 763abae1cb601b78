"""What plain text of a document means: the core schema of YAML 1.2, and days of the calendar.

The forms are those of https://yaml.org/spec/1.2.2/#103-core-schema. So ``yes``, ``on``, ``1:30`` and ``1_000`` are
text, and ``010`` is ten. ``2027-03-31`` is read as a date, which that schema leaves to applications.
"""

from __future__ import annotations

import re
from datetime import date

NUMBER_CHARS = 100  # no option needs more; Python refuses to read whole numbers of thousands of digits

_WORDS: dict[str, bool | float | None] = {"": None, "~": None}
_WORDS |= dict.fromkeys(("null", "Null", "NULL"))
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True)
_WORDS |= dict.fromkeys(("false", "False", "FALSE"), False)
_WORDS |= dict.fromkeys((sign + word for sign in ("", "+") for word in (".inf", ".Inf", ".INF")), float("inf"))
_WORDS |= dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf"))
_WORDS |= dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan"))

_NUMERIC = re.compile(
    r"(?P<whole>[-+]?[0-9]+)"
    r"|(?P<octal>0o[0-7]+)"
    r"|(?P<hexadecimal>0x[0-9a-fA-F]+)"
    r"|(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"|(?P<real>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
)
_FIRST = frozenset("+-.0123456789")


def meaning(text: str) -> str | int | float | bool | date | None:
    """What unquoted *text* stands for. A number of more than :data:`NUMBER_CHARS` characters stays text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST or len(text) > NUMBER_CHARS:
        return text
    match = _NUMERIC.fullmatch(text)
    if match is None:
        return text
    if match.lastgroup == "whole":
        return int(text)
    if match.lastgroup == "real":
        return float(text)
    if match.lastgroup == "day":
        return _day(text)
    return int(text[2:], 8 if match.lastgroup == "octal" else 16)


def oversized(text: str) -> bool:
    """Whether unquoted *text* is a number with too many characters to be read as one."""
    return len(text) > NUMBER_CHARS and text[0] in _FIRST and _NUMERIC.fullmatch(text) is not None


def _day(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text  # the 30th of February; the check of the option says what it wants
