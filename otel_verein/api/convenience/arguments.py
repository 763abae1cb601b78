"""Arguments as they arrive over HTTP: numbers and truths may be texts, lists may be JSON or comma separated.

Whatever cannot be understood raises ArgumentError, which says what is wrong, and what would be right.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

_TRUE: Final = ("true", "yes", "on", "1")
_FALSE: Final = ("false", "no", "off", "0")
_SHOWN: Final = 80
LONGEST_TEXT: Final = 1024
"""Characters of one name; no telemetry that the product writes has a longer one."""
LONGEST_LIST: Final = 262_144
"""Characters of one list that comes as a text."""


class ArgumentError(ValueError):
    """An argument that cannot be used; the message names it and says what it has to be."""


def text(name: str, value: object) -> str:
    """A text that says something."""
    said = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(said, str):
        raise ArgumentError(f"{name}: {_shown(value)} is no text")
    found = said.strip()
    if not found:
        raise ArgumentError(f"{name}: is empty; it has to be a text")
    if len(found) > LONGEST_TEXT:
        raise ArgumentError(f"{name}: has {len(found)} characters; it may have {LONGEST_TEXT}")
    return found


def optional_text(name: str, value: object) -> str | None:
    """A text, or None for nothing; an empty one is nothing, too."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    return text(name, value)


def whole(name: str, value: object, least: int, most: int) -> int:
    """A whole number from *least* to *most*."""
    wanted = f"it has to be a whole number from {least} to {most}"
    number = value
    if isinstance(number, str):
        try:
            number = int(number.strip()) if len(number) <= _SHOWN else None
        except ValueError:
            number = None
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise ArgumentError(f"{name}: {_shown(value)} is no whole number; {wanted}")
    if not least <= number <= most:
        raise ArgumentError(f"{name}: {_shown(value)} is out of bounds; {wanted}")
    return number


def positive(name: str, value: object, most: float) -> float:
    """A number above 0, up to *most*."""
    wanted = f"it has to be a number above 0, up to {most:g}"
    number = value
    if isinstance(number, str):
        try:
            number = float(number) if len(number) <= _SHOWN else None
        except ValueError:
            number = None
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise ArgumentError(f"{name}: {_shown(value)} is no number; {wanted}")
    if not 0 < number <= most:
        raise ArgumentError(f"{name}: {_shown(value)} is out of bounds; {wanted}")
    return float(number)


def truth(name: str, value: object) -> bool:
    """A yes or no."""
    if isinstance(value, bool):
        return value
    said = str(value).strip().lower() if isinstance(value, str | int) else ""
    if said in _TRUE:
        return True
    if said in _FALSE:
        return False
    raise ArgumentError(f"{name}: {_shown(value)} is neither true nor false")


def texts(name: str, value: object) -> list[str]:
    """A list of texts: a list, a JSON list of texts, or texts with commas between them; each as :func:`text`."""
    found = _listed(name, value) if isinstance(value, str) else value
    if not isinstance(found, list | tuple):
        raise ArgumentError(f"{name}: {_shown(value)} is no list; it has to be a list of texts, or as `a, b`")
    if not found:
        raise ArgumentError(f"{name}: is empty; it has to be a list of texts, or as `a, b`")
    return [text(f"{name}[{number}]", each) for number, each in enumerate(found)]


def mapping(name: str, value: object) -> dict[str, Any]:
    """An object: a mapping, or one as JSON."""
    found = _json(name, value) if isinstance(value, str) else value
    if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
        raise ArgumentError(f'{name}: {_shown(value)} is no object; it has to be such as {{"section.option": 1}}')
    return dict(found)


def _listed(name: str, value: str) -> Any:
    if len(value) > LONGEST_LIST:
        raise ArgumentError(f"{name}: has {len(value)} characters; it may have {LONGEST_LIST}")
    if value.lstrip().startswith("["):
        return _json(name, value)
    return [each for each in (part.strip() for part in value.split(",")) if each]


def _json(name: str, value: str) -> Any:
    if len(value) > LONGEST_LIST:
        raise ArgumentError(f"{name}: has {len(value)} characters; it may have {LONGEST_LIST}")
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as fault:
        said = fault if isinstance(fault, ValueError) else "is nested too deeply"
        raise ArgumentError(f"{name}: {_shown(value)} is not JSON: {said}") from fault


def _shown(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
