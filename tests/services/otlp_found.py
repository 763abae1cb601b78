"""What the file exporter of a collector wrote, by tier and span, with what came twice."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.segments import Json, attributes
from tests.services.otlp_load import SpanKey

_TIER = re.compile(r"[a-z_]+")
_THRESHOLD = re.compile(r"(?:^|,)ot=(?:[^,]*;)?th:([0-9a-f]{1,14})(?:[;,]|$)")


@dataclass
class Found:
    """The spans of all files, by tier: the word that the name of a file begins with."""

    tiers: dict[str, Counter[SpanKey]] = field(default_factory=dict)
    """How often each span is there."""
    weights: Counter[str] = field(default_factory=Counter)
    """By tier, how many operations its spans without a parent stand for."""
    tagged: dict[str, Counter[str]] = field(default_factory=dict)
    """By tier of the file, spans by their ``verein.tier``, of the span or of its resource; empty for those without."""

    @property
    def spans(self) -> Counter[SpanKey]:
        """How often each span is there, in whichever tier."""
        return sum(self.tiers.values(), Counter())

    @property
    def repeated(self) -> int:
        """Copies beyond the first of each span."""
        return sum(count - 1 for count in self.spans.values())

    def ids(self, tier: str) -> set[SpanKey]:
        """The spans of a tier."""
        return set(self.tiers.get(tier, ()))

    def trace_ids(self, tier: str) -> set[str]:
        """The traces of a tier."""
        return {trace_id for trace_id, _ in self.tiers.get(tier, ())}


def spans_of(directory: Path) -> Found:
    """Read ``spans`` under *directory*, rotated files too; raises ValueError with the place of a line that is torn.

    The torn end of a file that is being written is left.
    """
    found = Found()
    for path in _files(directory):
        tier = _tier(path)
        times = found.tiers.setdefault(tier, Counter())
        tagged = found.tagged.setdefault(tier, Counter())
        for resource, span in _spans(path):
            times[span["traceId"], span["spanId"]] += 1
            tagged[str((attributes(resource) | attributes(span)).get("verein.tier", ""))] += 1
            if not span.get("parentSpanId"):
                found.weights[tier] += _weight(span.get("traceState", ""))
    return found


def count_spans(directory: Path) -> Counter[str]:
    """Only how many spans each tier has, by their ids in the text: for millions of them; spans must have no links."""
    found: Counter[str] = Counter()
    for path in _files(directory):
        with path.open("rb") as file:
            found[_tier(path)] += sum(line.count(b'"spanId":"') for line in file)
    return found


def _files(directory: Path) -> list[Path]:
    return sorted((directory / "spans").glob("*.jsonl*"))


def _tier(path: Path) -> str:
    named = _TIER.match(path.name)
    assert named is not None, f"{path} does not begin with the name of a tier"
    return named[0]


def _spans(path: Path) -> Iterator[tuple[Json, Json]]:
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            parsed = json.loads(line)
        except ValueError as torn:
            raise ValueError(f"{path}:{number}: {torn}") from None
        for resource in parsed["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    yield resource.get("resource", {}), span


def _weight(trace_state: str) -> float:
    """How many operations a span stands for: one, if it does not say."""
    said = _THRESHOLD.search(trace_state)
    rejected = int(said[1].ljust(14, "0"), 16) if said else 0
    whole = 1 << 56
    return whole / (whole - rejected)
