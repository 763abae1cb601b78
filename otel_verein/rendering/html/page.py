"""The page: one file, with its style and its script in it, that asks nothing of any network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Final

from otel_verein.analysis.trend import Trend
from otel_verein.api.report import Report
from otel_verein.rendering.html.findings import badge, findings
from otel_verein.rendering.html.health import health, loss
from otel_verein.rendering.html.markup import Html, el, joined
from otel_verein.rendering.html.operations import operations, spreads
from otel_verein.rendering.html.roadmap import bottlenecks, roadmap
from otel_verein.rendering.html.traces import waterfall
from otel_verein.rendering.html.trend import trends
from otel_verein.rendering.waterfall import Waterfall
from otel_verein.rendering.words import many, moment

MOST_SPANS: Final = 150
"""Spans of one trace that are on the page."""

_MOST_FINDINGS: Final = 150
_MOST_OPERATIONS: Final = 400
_MOST_SPREADS: Final = 24
_TRACES_BYTES: Final = 3_000_000
"""What all waterfalls may take, so that the file stays one that can be sent."""


@dataclass(frozen=True, slots=True)
class Example:
    """A trace on the page, and what it is an example of."""

    trace: Waterfall
    about: str


@dataclass(frozen=True, slots=True)
class Page:
    """What is on the page; ``place`` is where it was read from, ``trend`` None where there is none."""

    report: Report
    place: str
    made: datetime
    examples: tuple[Example, ...] = ()
    trend: Trend | None = None


def render(page: Page) -> str:
    """The whole file."""
    script, style = _asset("page.js"), _asset("page.css")
    services = sorted({stats.key.service for stats, _ in page.report.operations})
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=policy()),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", f"Report: {', '.join(services) or 'no service'}"),
        el("style", Html(style)),
    )
    body = el("body", _body(page, services), el("script", Html(script)))
    return f"<!doctype html>\n{el('html', head, body, lang='en')}\n"


def policy() -> str:
    """The Content-Security-Policy of every page: its own style and script, and nothing else."""
    script, style = _hash(_asset("page.js")), _hash(_asset("page.css"))
    return f"default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'"


def _body(page: Page, services: Sequence[str]) -> Html:
    sections = list(_sections(page))
    links = el("nav", [el("a", title, href=f"#{name}") for name, title, _ in sections], aria_label="Sections")
    main = [
        el("section", el("h2", title, id=f"{name}-title"), content, id=name, aria_labelledby=f"{name}-title")
        for name, title, content in sections
    ]
    return joined(
        el("a", "Skip to the findings", class_="skip", href="#findings"),
        el("header", _head(page, services), _tiles(page.report), links, _search()),
        el("main", main),
        el("footer", el("p", f"Made by otel-verein on {moment(page.made)} UTC.", class_="quiet")),
    )


def _sections(page: Page) -> Iterator[tuple[str, str, Html]]:
    report = page.report
    count = report.count
    drawn = _traces(page.examples)
    shown = {example.trace.trace_id for example, _ in drawn}
    yield "health", "Health", health(report)
    yield "findings", "Findings", findings(report.findings, count, _MOST_FINDINGS, shown)
    if len(report.roadmap) > 1:
        yield "roadmap", "What to mend first", roadmap(report.roadmap, _MOST_FINDINGS)
    slowed = bottlenecks(report.judgements.values(), _MOST_OPERATIONS)
    if slowed is not None:
        yield "bottlenecks", "Bottlenecks", slowed
    yield "operations", "Operations", operations(report.operations, _MOST_OPERATIONS)
    if page.trend is not None and len(page.trend.total.points) > 1:
        yield "trend", "Trend", trends(page.trend)
    if report.operations:
        yield "spread", "Times and queries", spreads(report.operations, _MOST_SPREADS)
    if page.examples:
        left = len(page.examples) - len(drawn)
        more = el("p", f"{many(left, 'trace')} left out, so that the page stays small.", class_="quiet")
        yield "traces", "Example traces", joined([made for _, made in drawn], more if left else None)
    yield "complete", "What this rests on", loss(report)


def _traces(examples: Sequence[Example]) -> list[tuple[Example, Html]]:
    """The waterfalls there is room for, from the first on."""
    room, drawn = _TRACES_BYTES, []
    for example in examples:
        made = waterfall(example.trace, example.about)
        size = len(made.encode())
        if size <= room:
            room -= size
            drawn.append((example, made))
    return drawn


def _head(page: Page, services: Sequence[str]) -> Html:
    report = page.report
    window = ""
    if report.start is not None and report.end is not None:
        window = f"{moment(report.start)} to {moment(report.end)} UTC, "
    return joined(
        el("h1", ", ".join(services) or "No service"),
        el("p", f"{window}read from {page.place}", class_="quiet"),
    )


def _tiles(report: Report) -> Html:
    count = report.count
    score = report.health
    queries = [stats.queries for stats, _ in report.operations if stats.queries is not None]
    totals = [each.total for each in queries if each.total is not None]
    measured = sum(each.count for each in queries)
    mean = f"{sum(totals) / measured:.1f}" if measured and len(totals) == len(queries) else "unknown"
    worst = {finding.severity for finding in report.findings}
    severity = next((word for word in ("critical", "high", "medium", "low") if word in worst), None)
    return el(
        "dl",
        _tile(
            "health",
            "unknown" if score.score is None else f"{score.score:.1f}",
            joined(badge(score.level), f" n = {score.n:,}"),
        ),
        _tile("operations", f"{count:,}", f"{len(report.operations)} names"),
        _tile("queries per operation", mean, f"n = {measured:,}"),
        _tile("findings", str(len(report.findings)), joined("worst: ", badge(severity)) if severity else "none"),
        class_="tiles",
    )


def _tile(name: str, value: str, more: str | Html) -> Html:
    mark = "unknown" if value == "unknown" else None
    return el("div", el("dt", name), el("dd", value, class_=mark), el("dd", more), class_="tile")


def _search() -> Html:
    return el(
        "div",
        el("label", "Search", for_="search"),
        el("input", id="search", type="search", placeholder="operation, statement, file", autocomplete="off"),
        el("output", id="found", for_="search", aria_live="polite", class_="quiet"),
        class_="search",
        role="search",
        hidden=True,
    )


@cache
def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
