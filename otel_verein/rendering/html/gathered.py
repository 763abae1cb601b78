"""What is gathered for the page of a report: example traces, and how it went on over time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Final

from otel_verein.analysis.trend import Trend
from otel_verein.api.report import Report
from otel_verein.api.trend import step_for, trend
from otel_verein.config.schema import Config
from otel_verein.rendering.html.page import MOST_SPANS, Example, Page, render
from otel_verein.rendering.waterfall import waterfall
from otel_verein.rendering.words import kind, subject
from otel_verein.sources.base import Ask, Source

_OF_FINDINGS: Final = 8
_SLOWEST: Final = 4


def page_of(report: Report, source: Source, config: Config, ask: Ask) -> bytes:
    """The page of *report*, which is about what *ask* says of *source*; raises SourceError when it cannot be read."""
    made = datetime.fromtimestamp(time.time(), timezone.utc)
    page = Page(report, source.name, made, _examples(report, source, ask), _trend(report, source, config, ask))
    return render(page).encode("utf-8", errors="replace")


def _examples(report: Report, source: Source, ask: Ask) -> tuple[Example, ...]:
    """The example traces of the worst findings, and the slowest operations, as far as they are kept."""
    about: dict[str, str] = {}
    for trace_id, words in (*_of_findings(report), *_slowest(source, ask)):
        about[trace_id] = f"{about[trace_id]}; {words}" if trace_id in about else words
    found = ((source.trace(trace_id), words) for trace_id, words in about.items())
    return tuple(Example(waterfall(spans, MOST_SPANS), words) for spans, words in found if spans)


def _of_findings(report: Report) -> Iterator[tuple[str, str]]:
    for rank, finding in enumerate(report.findings[:_OF_FINDINGS], start=1):
        if finding.example_trace_id is not None:
            yield finding.example_trace_id, f"finding {rank}: {kind(finding)}, {subject(finding) or finding.operation}"


def _slowest(source: Source, ask: Ask) -> Iterator[tuple[str, str]]:
    for rank, root in enumerate(source.roots(ask, most=_SLOWEST, slowest=True).rows, start=1):
        yield root.trace_id, f"number {rank} of the slowest operations that were kept"


def _trend(report: Report, source: Source, config: Config, ask: Ask) -> Trend | None:
    """The trend of what was measured, by steps that suit its window."""
    return None if report.window is None else trend(source, config, ask, step_for(report.window), limit=0)
