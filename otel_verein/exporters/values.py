"""Attribute values as OTLP has them: whatever the application set, an export of it does not fail.

What has no form in OTLP becomes text; what has one is left as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

_LEAST, _MOST = -(2**63), 2**63 - 1
_DEEPEST = 20
"""Values nested deeper become text: a decoder may refuse a hundred levels, and a value may contain itself."""


def plain(value: Any, depth: int = 0) -> Any:
    """*value* as text, bool, whole number of 64 bits, float, bytes, None, or a list or dict of those."""
    kind = type(value)
    if kind is str:
        return value if value.isascii() else text(value)
    if kind is bool or kind is float or kind is bytes or value is None:
        return value
    if kind is int:
        return value if _LEAST <= value <= _MOST else _described(value)
    if (kind is tuple or kind is list) and depth < _DEEPEST:
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, int):  # and its subclasses, such as IntEnum
        number = int(value)
        return number if _LEAST <= number <= _MOST else _described(value)
    return _plain_other(value, depth)


def _plain_other(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return text(str.__str__(value))
    if isinstance(value, float):
        return float(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if depth < _DEEPEST:
        if isinstance(value, Mapping):
            return {text(str(key)): plain(item, depth + 1) for key, item in value.items()}
        if isinstance(value, Sequence | Set):
            return [plain(item, depth + 1) for item in value]
    return _described(value)


def text(value: str) -> str:
    """*value* as UTF-8 can hold it: halves of surrogate pairs become question marks."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _described(value: Any) -> str:
    """A short text for *value*, whatever its own methods do."""
    try:
        return text(str(value))[:1000]
    except Exception:  # noqa: BLE001 - a value of the application whose __str__ fails; its type is still said
        return f"<{type(value).__name__}>"
