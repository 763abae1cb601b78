"""Values as YAML text that reads as the same value under version 1.1 and 1.2 of the language."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from otel_verein.config.shown import shown

WIDTH = 100  # characters of a line; what does not fit is written over several
_DEPTH = 20  # what the reader reads; also the end of a list that holds itself

# Letters, digits and a little punctuation, not beginning with what begins a number, date or sign of YAML's.
_PLAIN = re.compile(r"[A-Za-z/](?:[A-Za-z0-9_./@+ -]*[A-Za-z0-9_./@+-])?")
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


class NotWritableError(ValueError):
    """A value that a configuration file cannot hold; the message completes ``<key>: ``."""


def on_one_line(value: object, style: str = "") -> str:
    """*value* on one line, collections in brackets; *style* is the kind of quotes a text had so far."""
    return _written(value, style, 0)


def member_lines(path: Sequence[str], value: object, column: int, step: int) -> list[str]:
    """The lines that give *path* the *value*: one per key above the last, each *step* deeper, from *column* on.

    A list or mapping is written in brackets if it fits on a line, else with one entry a line.
    """
    lines = [f"{' ' * (column + depth * step)}{text(key)}:" for depth, key in enumerate(path)]
    deepest = column + (len(path) - 1) * step
    flow = on_one_line(value)
    if len(lines[-1]) + 1 + len(flow) <= WIDTH or not isinstance(value, list | tuple | dict) or not value:
        lines[-1] += f" {flow}"
        return lines
    return lines + entry_lines(value, deepest + step)


def entry_lines(value: Iterable[object], column: int) -> list[str]:
    """A list or mapping that is not empty with one entry a line, at *column*."""
    if isinstance(value, dict):
        return [f"{' ' * column}{text(key)}: {on_one_line(item)}" for key, item in value.items()]
    return [f"{' ' * column}- {on_one_line(item)}" for item in value]


def text(value: object, style: str = "") -> str:
    """A string as a scalar: plain where that is safe and *style* names no quotes, else quoted, always on one line."""
    if not isinstance(value, str):
        raise NotWritableError(f"{shown(value)} cannot be a key, which must be text")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise NotWritableError(f"{shown(value)} is not text that UTF-8 can hold")
    if style not in ("'", '"') and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    if value.isprintable() and style != '"':
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, value)) + '"'


def _written(value: object, style: str, depth: int) -> str:
    if depth > _DEPTH:
        raise NotWritableError("is nested too deep")
    if isinstance(value, str):
        return text(value, style)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_written(item, "", depth + 1) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{text(key)}: {_written(item, '', depth + 1)}" for key, item in value.items()) + "}"
    return _atom(value)


def _atom(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        try:
            return str(int(value))
        except ValueError:  # thousands of digits, which Python does not write out
            raise NotWritableError(f"{shown(value)} is too large") from None
    if isinstance(value, float):
        return _real(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    raise NotWritableError(f"a {type(value).__name__} cannot be written to the file")


def _real(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    digits, e, exponent = repr(float(value)).partition("e")
    return digits + ("" if "." in digits else ".0") + e + exponent  # YAML 1.1 wants the point


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
