"""Parameters of questions: how each is written in a query, what it becomes, and how its schema says so."""

from __future__ import annotations

import difflib
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from otel_verein.analysis.differs import PARTS
from otel_verein.analysis.findings import KINDS
from otel_verein.api.asking import moment, side
from otel_verein.serving.bodies import checked
from otel_verein.serving.limits import MEMBERS, PARAMETERS, TEXT
from otel_verein.serving.problems import wrong
from otel_verein.store.baselines import NAME

_MINUTE_S: Final = 60
_STEP: Final = re.compile(r"([1-9][0-9]{0,6})([smhd])", re.ASCII)
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LEAST_STEP_S: Final = 10
_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": TEXT, "pattern": "^[^\\u0000]*$"}
_AGO: Final = {"type": "string", "pattern": "^[0-9]{1,9}[smhd]$"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; *read* makes of its texts what the question takes, and raises ValueError where it cannot.

    ``several``: it may be given more than once.
    """

    name: str
    help: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]
    required: bool = False
    several: bool = False
    where: str = "query"


def given(query: bytes, known: Sequence[Parameter]) -> dict[str, Any]:
    """What the *query* says of the parameters that are *known*; raises Problem for what it may not say."""
    texts = pairs(query)
    unknown(texts, [parameter.name for parameter in known])
    return {parameter.name: _value(parameter, texts[parameter.name]) for parameter in known if parameter.name in texts}


def pairs(query: bytes) -> dict[str, list[str]]:
    """The texts of each parameter of a query; raises Problem for one that is none, or has too many."""
    try:
        found = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=PARAMETERS)
    except ValueError as fault:  # also what is no UTF-8
        raise wrong(f"the query cannot be read; it may have {PARAMETERS} parameters, in UTF-8: {fault}") from None
    texts: dict[str, list[str]] = {}
    for name, value in found:
        checked(name)
        checked(value)
        texts.setdefault(name, []).append(value)
    return texts


def unknown(names: Iterable[str], known: Sequence[str]) -> None:
    """Raise Problem for the first of *names* that is not *known*, with the one that may have been meant."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name[:TEXT], known, 1)
            meant = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}"
            raise wrong(f"{name[:80]!r} is no parameter here; {meant}")


def required(names: Iterable[str], found: Mapping[str, Any]) -> None:
    """Raise Problem for the first of *names* that was not *found*."""
    for name in names:
        if name not in found:
            raise wrong(f"{name} is missing; it has to be given")


def _value(parameter: Parameter, texts: Sequence[str]) -> Any:
    if parameter.several:
        parts = [part.strip() for text in texts for part in text.split(",")]
        if len(parts) > MEMBERS:
            raise wrong(f"{parameter.name}: has {len(parts)} members; it may have {MEMBERS}")
        return tuple(dict.fromkeys(_one(parameter, part) for part in parts))
    if len(texts) > 1:
        raise wrong(f"{parameter.name}: is given {len(texts)} times; it may be given once")
    return _one(parameter, texts[0])


def _one(parameter: Parameter, text: str) -> Any:
    if not text:
        raise wrong(f"{parameter.name}: is empty")
    if len(text) > TEXT:
        raise wrong(f"{parameter.name}: has {len(text)} characters; it may have {TEXT}")
    try:
        return parameter.read(text)
    except ValueError as fault:
        raise wrong(f"{parameter.name}: {fault}") from None


def whole(least: int, most: int) -> Callable[[str], int]:
    """What reads a whole number from *least* to *most*."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) or not least <= int(text) <= most:
            raise ValueError(f"{text[:40]!r} has to be a whole number from {least} to {most}")
        return int(text)

    return read


def one_of(words: Sequence[str]) -> Callable[[str], str]:
    """What reads one of *words*."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"{text[:40]!r} has to be one of {', '.join(words)}")
        return text

    return read


def yes_or_no(text: str) -> bool:
    """What ``true`` or ``false`` says."""
    return one_of(("true", "false"))(text) == "true"


def fitting(pattern: str, what: str) -> Callable[[str], str]:
    """What reads a text of the *pattern*, which is *what*."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(f"{text[:80]!r} is no {what}")
        return text

    return read


def step_s(text: str) -> int:
    """The length of a step in seconds."""
    found = _STEP.fullmatch(text)
    if not found or int(found[1]) * _UNITS[found[2]] < _LEAST_STEP_S:
        raise ValueError(
            f"{text[:40]!r} is no length of a step; it has to be such as 5m or 1h, and {_LEAST_STEP_S}s at least"
        )
    return int(found[1]) * _UNITS[found[2]]


def now_s() -> float:
    """The time by the minute: how long ago something was begins at one, so that questions share what was read."""
    return time.time() // _MINUTE_S * _MINUTE_S


def _moment(text: str) -> int:
    return moment(text, now_s())


def _text(name: str, what: str) -> Parameter:
    return Parameter(name, what, _TEXT, str)


_TIME: Final = {"type": "string", "anyOf": [_AGO, {"format": "date"}, {"format": "date-time"}], "maxLength": 64}

SERVICE: Final = _text("service", "Only this service.")
ENVIRONMENT: Final = _text("environment", "Only this deployment environment.")
RELEASE: Final = _text("release", "Only this service.version.")
OPERATION: Final = _text("operation", "Only operations of this name; * and ? stand for anything.")
WINDOW: Final = (
    Parameter("since", "From when on: 2h, 7d (by whole minutes), a date, or RFC 3339.", _TIME, _moment),
    Parameter("until", "Up to when, as since; not included.", _TIME, _moment),
)
ASK: Final = (*WINDOW, SERVICE, ENVIRONMENT, RELEASE, OPERATION)
LIMIT: Final = Parameter(
    "limit", "Rows of the answer.", {"type": "integer", "minimum": 1, "maximum": MEMBERS}, whole(1, MEMBERS)
)
KIND: Final = Parameter(
    "kind",
    "Only findings of these kinds; several with commas, or given again.",
    {"type": "array", "items": {"type": "string", "enum": list(KINDS)}, "minItems": 1, "maxItems": len(KINDS)},
    one_of(KINDS),
    several=True,
)
STEP: Final = Parameter(
    "step", "Length of a step, such as 5m or 1h; else one that suits.", {"type": "string", "maxLength": 8}, step_s
)
BY: Final = Parameter(
    "by",
    "What is slow: above the 95th percentile, or past the budget of time.",
    {"type": "string", "enum": list(PARTS)},
    one_of(PARTS),
)
FAILED: Final = Parameter("failed", "Only operations that ended with an error.", {"type": "boolean"}, yes_or_no)
ENTITY_TYPE: Final = _text("type", "Only entities of this type.")
ENTITY_ID: Final = _text("id", "Only this entity; takes a type.")
TRACE_ID: Final = Parameter(
    "id",
    "The trace, as 32 hexadecimal digits.",
    {"type": "string", "pattern": "^[0-9a-fA-F]{32}$"},
    fitting("[0-9a-fA-F]{32}", "trace id; it has to be 32 hexadecimal digits"),
    required=True,
    where="path",
)
_SIDE: Final = "such as 2d..1d, release:1.2, env:staging or baseline:NAME, or several with commas"
BEFORE: Final = Parameter(
    "before",
    f"The older side, {_SIDE}.",
    {"type": "string", "minLength": 1, "maxLength": TEXT},
    lambda text: side(text, now=now_s()),
    required=True,
)
AFTER: Final = Parameter(
    "after",
    "The newer side, written as the older one; else all that the other parameters leave.",
    {"type": "string", "minLength": 1, "maxLength": TEXT},
    lambda text: side(text, now=now_s()),
)
BASELINE: Final = Parameter(
    "name",
    "Only versions of this baseline.",
    {"type": "string", "pattern": f"^{NAME}$"},
    fitting(NAME, "name of a baseline"),
)
