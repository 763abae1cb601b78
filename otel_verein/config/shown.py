"""How values and keys read in a message: one short line, whatever they are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

SHOWN_CHARS = 80
_CUT = "..."
_WORDS = {None: "null", True: "true", False: "false"}
_LONG_NUMBER = 1e15  # from here on floats are no longer exact to the unit
_EXACT_BITS = 256  # a longer whole number is shown by its size: Python refuses to write out thousands of digits


def shown(value: object) -> str:
    """*value* as a file has it, texts in quotes, cut to 80 characters; what it costs does not grow with it."""
    return _cut(_written(value, SHOWN_CHARS))


def shown_key(key: str) -> str:
    """*key* as it stands, cut to 80 characters; quoted where it would not read as one plain line."""
    return _cut(key) if key.isprintable() else shown(key)


def shown_number(number: float) -> str:
    """*number* without an exponent or a needless fraction, as far as that is short: 3500000, 0.5, 2."""
    is_whole = abs(number) < _LONG_NUMBER and number == int(number)
    return shown(int(number) if is_whole else number)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - len(_CUT)] + _CUT


def _written(value: object, room: int) -> str:
    """*value*, or enough of it to fill *room* characters; whatever is nested deeper has less room."""
    if room <= 0:
        return _CUT
    if isinstance(value, str):
        return repr(value[: room + 1])
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        bits = value.bit_length()
        return repr(value) if bits <= _EXACT_BITS else f"a number of {bits} bits"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return "{" + _joined(((_written(key, room) + ": ", item) for key, item in value.items()), room - 1) + "}"
    if isinstance(value, list | tuple):
        return "[" + _joined((("", item) for item in value), room - 1) + "]"
    return f"a {type(value).__name__}"


def _joined(parts: Iterable[tuple[str, object]], room: int) -> str:
    written: list[str] = []
    for label, item in parts:
        text = label + _written(item, room - len(label))
        written.append(text)
        room -= len(text) + len(", ")
        if room <= 0:
            break
    return ", ".join(written)
