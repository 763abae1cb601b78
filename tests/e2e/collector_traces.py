"""Whole traces from the tier files of a collector, and what of one is missing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.segments import Json, attributes, value

TIERS = ("long", "medium", "short")
_NUMBER = re.compile(r"number=(\d+)")


@dataclass
class Stored:
    """The spans of one trace in one tier."""

    trace_id: str
    spans: list[Json] = field(default_factory=list)

    @cached_property
    def root(self) -> Json:
        """Its only span without a parent; fails if there is another number of them."""
        (root,) = (span for span in self.spans if not span.get("parentSpanId"))
        return root

    @cached_property
    def tags(self) -> dict[str, Any]:
        """The attributes of the root."""
        return attributes(self.root)

    @property
    def number(self) -> int:
        """The number that the client gave its request."""
        (said,) = {found[1] for text in self.tags.values() if (found := _NUMBER.search(str(text)))}
        return int(said)

    @property
    def tiers(self) -> set[Any]:
        """The tiers that its spans name."""
        return {attributes(span).get("verein.tier") for span in self.spans}

    @property
    def findings(self) -> list[Json]:
        """The findings on its root."""
        return [attributes(event) for event in self.root.get("events", []) if event["name"] == "verein.finding"]

    @property
    def summaries(self) -> list[int]:
        """The queries of each summary span."""
        counts = (attributes(span).get("aggregation.span_count") for span in self.spans)
        return [count for count in counts if count is not None]

    @property
    def missing(self) -> list[str]:
        """What is not there of the whole trace: parents, and queries that the root counted."""
        ids = {span["spanId"] for span in self.spans}
        orphans = [span for span in self.spans if span is not self.root and span["parentSpanId"] not in ids]
        counted, there = self.tags["verein.db.query_count"], sum(map(_queries, self.spans))
        return [f"the parent of {span['name']}" for span in orphans] + (
            [] if counted == there else [f"{counted - there} of {counted} queries"]
        )


def stored(directory: Path, tier: str) -> dict[str, Stored]:
    """The traces of *tier* by their ids, rotated files too."""
    found: dict[str, Stored] = {}
    for path in sorted((directory / "spans").glob(f"{tier}*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                _add(found, json_of(line))
    return found


def json_of(line: bytes) -> Json:
    """One line of a file."""
    found: Json = json.loads(line)
    return found


def _add(found: dict[str, Stored], line: Json) -> None:
    for resource in line["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                found.setdefault(span["traceId"], Stored(span["traceId"])).spans.append(span)


def _queries(span: Json) -> int:
    """The queries that a span stands for."""
    said = {pair["key"]: value(pair.get("value", {})) for pair in span.get("attributes", [])}
    return int(said.get("aggregation.span_count", 1)) if "db.system.name" in said else 0
