"""Prometheus' text format, as any exporter serves it, read into samples."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_SAMPLE = re.compile(
    r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+(?P<time>-?\d+))?\s*"
)
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPED = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


@dataclass(frozen=True)
class Sample:
    """One series at one time."""

    name: str
    labels: Mapping[str, str]
    value: float


def samples(text: str) -> Iterator[Sample]:
    """Every sample of *text*; raises ValueError with the line that is none."""
    for line in text.split("\n"):
        if line.strip() and not line.startswith("#"):
            found = _SAMPLE.fullmatch(line)
            if not found:
                raise ValueError(f"no sample: {line!r}")
            yield Sample(found["name"], dict(_labels(found["labels"] or "")), float(found["value"]))


def scrape(url: str) -> list[Sample]:
    """What the endpoint at *url* serves now; raises OSError where it does not answer."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return list(samples(answer.read().decode()))


def total(found: list[Sample], name: str, labels: Mapping[str, str], *, absent: float | None = None) -> float:
    """The sum of the samples called *name* that have all of *labels*.

    Where there is none: *absent* if it is given, else a LookupError with the series there are, so that a wrong name
    is not taken for zero.
    """
    values = [one.value for one in found if one.name == name and labels.items() <= one.labels.items()]
    if values:
        return sum(values)
    if absent is not None:
        return absent
    near = [f"{one.name}{dict(one.labels)}" for one in found if one.name == name]
    raise LookupError(f"no sample of {name} with {dict(labels)}; there are {near or sorted({s.name for s in found})}")


def _labels(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while text[at:].strip():
        found = _LABEL.match(text, at)
        if not found:
            raise ValueError(f"no labels: {text!r}")
        yield found[1], re.sub(r"\\.", lambda escape: _ESCAPED.get(escape[0], escape[0]), found[2])
        at = found.end()
