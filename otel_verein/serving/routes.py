"""The one table of what can be asked; the service answers by it, and its document is made from it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from otel_verein.serving import parameters as p
from otel_verein.serving import questions as q
from otel_verein.serving.parameters import Parameter
from otel_verein.serving.questions import Question


@dataclass(frozen=True, slots=True)
class Route:
    """One question: where it is asked, what may be given, who answers, and the keys of the answer with their types.

    ``rests_on`` tells what the answer rests on beside source, configuration and parameters; None: it is made anew each
    time.
    """

    name: str
    path: str
    about: str
    tell: Callable[[Question], Any]
    parameters: tuple[Parameter, ...]
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rests_on: Callable[[Question], Hashable] | None = q.nothing

    @property
    def is_page(self) -> bool:
        """Whether the answer is HTML, and no JSON."""
        return not self.keys


def _keys(**types: str) -> dict[str, tuple[str, ...]]:
    """The types of keys, of which each is written with `|` between them."""
    return {"schema": ("integer",)} | {name: tuple(words.split("|")) for name, words in types.items()}


_WINDOW: Final = {"window": "object|null"}
_NOTES: Final = {"notes": "array"}

ROUTES: Final = (
    Route(
        "report",
        "/api/v1/report",
        "Every operation with its queries, durations and findings, and the health of all.",
        q.tell_report,
        p.ASK,
        _keys(
            **_WINDOW,
            operations="array",
            findings="array",
            health="object",
            loss="object",
            unattributed_queries="integer|null",
            estimated="boolean",
            traces="integer",
            bottlenecks="array",
            roadmap="array",
            baselines="array",
            internal_errors="object",
            **_NOTES,
        ),
        q.today,
    ),
    Route(
        "findings",
        "/api/v1/findings",
        "What to mend, and what each would save.",
        q.tell_findings,
        (*p.ASK, p.KIND),
        _keys(
            **_WINDOW,
            operations="integer|number",
            estimated="boolean",
            traces="integer",
            findings="array",
            bottlenecks="array",
            judgements="array",
            roadmap="array",
            **_NOTES,
        ),
    ),
    Route(
        "health",
        "/api/v1/health",
        "The score, and where its points went.",
        q.tell_health,
        p.ASK,
        _keys(
            **_WINDOW,
            health="object",
            objective="number",
            minimum_operations="integer",
            levels="object",
            operations="array",
            **_NOTES,
        ),
    ),
    Route(
        "compare",
        "/api/v1/compare",
        "What got worse or better between two windows or releases, or since a baseline.",
        q.tell_compare,
        (p.BEFORE, p.AFTER, *p.ASK),
        _keys(
            verdict="string",
            reasons="array",
            margin="number",
            tested="integer",
            before="object",
            after="object",
            queries_removed="number|null",
            estimated="boolean",
            operations="array",
            only_before="array",
            only_after="array",
            findings="array",
            **_NOTES,
        ),
        q.kept,
    ),
    Route(
        "trend",
        "/api/v1/trend",
        "How operations went on over time, and when that changed.",
        q.tell_trend,
        (*p.ASK, p.STEP, p.LIMIT),
        _keys(step_s="integer", looked_at="integer", total="object", operations="array", left_out="integer", **_NOTES),
    ),
    Route(
        "slow",
        "/api/v1/slow",
        "The slowest operations that were kept, and what made them slow.",
        q.tell_slow,
        (*p.ASK, p.FAILED, p.LIMIT),
        _keys(kept="integer", failed="boolean", operations="array", **_NOTES),
    ),
    Route(
        "differs",
        "/api/v1/differs",
        "What the slow ones of an operation have that the normal ones have not.",
        q.tell_differs,
        (replace(p.OPERATION, required=True), *(each for each in p.ASK if each is not p.OPERATION), p.BY, p.LIMIT),
        _keys(
            by="string",
            bound_s="number|null",
            slow="integer",
            normal="integer",
            kept="integer",
            looked_at="integer",
            differences="array",
            skipped="array",
            **_NOTES,
        ),
    ),
    Route(
        "entities",
        "/api/v1/entities",
        "What operations cost by what they were about.",
        q.tell_entities,
        (*p.ASK, p.ENTITY_TYPE, p.ENTITY_ID),
        _keys(types="array", entities="array", entities_seen="integer", ids_kept="boolean|null", **_NOTES),
    ),
    Route(
        "trace",
        "/api/v1/trace/{id}",
        "All spans of one trace, the earliest first.",
        q.tell_trace,
        (p.TRACE_ID,),
        _keys(trace_id="string", spans="array"),
        None,
    ),
    Route(
        "baselines",
        "/api/v1/baselines",
        "The versions of baselines that are kept.",
        q.tell_baselines,
        (p.BASELINE,),
        _keys(baselines="array"),
        None,
    ),
    Route("page", "/page", "The report as a page for people.", q.tell_page, p.ASK, {}, q.today),
)
"""Every question with a typed answer; the functions of `/api/v1/call/` have a table of their own."""
