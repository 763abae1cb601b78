"""Before and after: what got worse, better or stayed the same, and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Final

from otel_verein import semconv
from otel_verein.analysis.compare_figures import (
    BETTER,
    DECISIVE,
    ERRORS,
    INCONCLUSIVE,
    SAME,
    UNKNOWN,
    WORSE,
    Figure,
    figures,
    held_back,
)
from otel_verein.analysis.compare_findings import GONE, NEW, FindingChange, finding_changes
from otel_verein.analysis.compare_sides import OperationSide, Side, by_key
from otel_verein.analysis.operations import OperationKey
from otel_verein.analysis.times import window_dict
from otel_verein.config.schema import Config

SCHEMA: Final = 1


@dataclass(frozen=True, slots=True)
class OperationChange:
    """One operation that both sides have.

    ``queries_removed`` is how many queries fewer its operations after ran than they would have run as before; exact
    when all operations were counted, None where queries are not known.
    """

    key: OperationKey
    before: OperationSide
    after: OperationSide
    figures: tuple[Figure, ...]
    verdict: str
    queries_removed: float | None

    def figure(self, name: str) -> Figure:
        """The figure of that name."""
        return next(each for each in self.figures if each.name == name)

    def as_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            **asdict(self.key),
            "verdict": self.verdict,
            "queries_removed": self.queries_removed,
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
            "figures": {each.name: each.as_dict() for each in self.figures},
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer: a verdict over all with its reasons, then operation by operation, and finding by finding.

    ``tested`` is how many figures were judged, which is what chance had to be held back over. ``queries_removed`` is
    the sum over the operations; ``estimated`` says that it rests on sampled spans.
    """

    before: Side
    after: Side
    verdict: str
    reasons: tuple[str, ...]
    margin: float
    tested: int
    operations: tuple[OperationChange, ...]
    only_before: tuple[OperationSide, ...]
    only_after: tuple[OperationSide, ...]
    findings: tuple[FindingChange, ...]
    queries_removed: float | None
    estimated: bool
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The JSON object: every key always present, None for what is not known."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "margin": self.margin,
            "tested": self.tested,
            "before": _window(self.before),
            "after": _window(self.after),
            "queries_removed": self.queries_removed,
            "estimated": self.estimated,
            "operations": [each.as_dict() for each in self.operations],
            "only_before": [asdict(each.key) | each.as_dict() for each in self.only_before],
            "only_after": [asdict(each.key) | each.as_dict() for each in self.only_after],
            "findings": [each.as_dict() for each in self.findings],
            "notes": list(self.notes),
        }


def compared(before: Side, after: Side, config: Config) -> Comparison:
    """Compare two sides.

    Worse when any figure is worse or a finding is new. Else inconclusive when operations whose decisive figures are not
    clear carry more of the traffic than the margin; better when any figure is better or a finding gone; same otherwise.
    Unknown when there is nothing to compare, or telemetry was lost on a side.
    """
    first, second = by_key(before), by_key(after)
    both = sorted(first.keys() & second.keys(), key=lambda key: -(second[key].duration.total or 0.0))
    lossy = before.lossy | after.lossy
    judged = held_back([figures(first[key], second[key], config, _unknown(first[key], second[key], config, lossy))
                        for key in both])  # fmt: skip
    changes = tuple(
        OperationChange(
            key, first[key], second[key], each, _operation_verdict(each, config), _removed(first[key], second[key])
        )
        for key, each in zip(both, judged, strict=True)
    )
    found = finding_changes(before, after)
    verdict, reasons = _overall(changes, found, lossy, config)
    removed = [each.queries_removed for each in changes if each.key.operation != semconv.OTHER]
    known = [each for each in removed if each is not None]
    return Comparison(
        before=before,
        after=after,
        verdict=verdict,
        reasons=reasons,
        margin=config.analysis.margin,
        tested=sum(figure.chance is not None for each in judged for figure in each),
        operations=changes,
        only_before=tuple(first[key] for key in sorted(first.keys() - second.keys())),
        only_after=tuple(second[key] for key in sorted(second.keys() - first.keys())),
        findings=found,
        queries_removed=sum(known) if known and len(known) == len(removed) else None,
        estimated=any(side.estimated for each in changes for side in (each.before, each.after)),
        notes=tuple(_notes(before, after, changes)),
    )


def _unknown(before: OperationSide, after: OperationSide, config: Config, lossy: frozenset[str]) -> str | None:
    """Why nothing can be said of an operation, if so."""
    if before.key.operation == semconv.OTHER:
        return f"`{semconv.OTHER}` stands for many names, and not for the same ones on both sides"
    if before.key.service in lossy:
        return "the service lost telemetry"
    minimum = config.health.minimum_operations
    few = [f"{side.n:.0f} {when}" for side, when in ((before, "before"), (after, "after")) if side.n < minimum]
    return f"too few operations: {' and '.join(few)}, of {minimum}" if few else None


def _operation_verdict(all_figures: Sequence[Figure], config: Config) -> str:
    """Worse when any figure is, better when a decisive one is and none of the unclear ones leans to worse."""
    if any(each.verdict == WORSE for each in all_figures):
        return WORSE
    decisive = [each for each in all_figures if each.name in DECISIVE and each.verdict != UNKNOWN]
    open_ones = [each for each in decisive if each.verdict == INCONCLUSIVE]
    if not decisive:
        return UNKNOWN
    if any(each.verdict == BETTER for each in decisive) and not any(_leans(each, config) for each in open_ones):
        return BETTER
    if open_ones:
        return INCONCLUSIVE
    return BETTER if any(each.verdict == BETTER for each in all_figures) else SAME


def _leans(figure: Figure, config: Config) -> bool:
    """Whether the figure itself, whatever its interval, is worse by more than the margin."""
    if figure.name == ERRORS:
        return (figure.difference or 0.0) > config.analysis.error_share
    more = (figure.difference or 0.0) > 0
    return more and (figure.relative is None or figure.relative > config.analysis.margin)


def _removed(before: OperationSide, after: OperationSide) -> float | None:
    if before.queries is None or after.queries is None:
        return None
    one, two = before.queries.total, after.queries.total
    if one is None or two is None or not before.queries.count:
        return None
    return float(Fraction(one) * after.queries.count / before.queries.count - Fraction(two))


def _overall(
    changes: Sequence[OperationChange], found: Sequence[FindingChange], lossy: frozenset[str], config: Config
) -> tuple[str, tuple[str, ...]]:
    if lossy:
        return UNKNOWN, (f"telemetry was lost: {', '.join(sorted(lossy))}",)
    counts = Counter(each.verdict for each in changes)
    if not changes or counts[UNKNOWN] == len(changes):
        return UNKNOWN, ("no operation is on both sides often enough",)
    status = Counter(each.status for each in found)
    reasons = tuple(_reasons(changes, found))
    if counts[WORSE] or status[NEW]:
        return WORSE, reasons
    traffic = sum(each.after.count for each in changes)
    open_ones = [each for each in changes if each.verdict in (INCONCLUSIVE, UNKNOWN)]
    part = sum(each.after.count for each in open_ones) / traffic
    if part > config.analysis.margin:
        more = f"{len(open_ones)} of {len(changes)} operations, {part:.0%} of the traffic, cannot be told"
        return INCONCLUSIVE, (*reasons, more)
    return (BETTER if counts[BETTER] or status[GONE] else SAME), reasons


def _reasons(changes: Sequence[OperationChange], found: Sequence[FindingChange]) -> Iterator[str]:
    for verdict in (WORSE, BETTER):
        for each in changes:
            for figure in each.figures:
                if figure.verdict == verdict:
                    yield f"{each.key.operation}: {figure.name} {verdict}, {_from_to(figure)}"
    for change in found:
        if change.status in (NEW, GONE):
            what = change.shown.summary or change.key.fingerprint
            yield f"{change.key.operation}: {change.key.kind} {change.status}: {what}"


def _from_to(figure: Figure) -> str:
    said = f"{figure.before:.4g} to {figure.after:.4g}"
    return said if figure.relative is None else f"{said} ({figure.relative:+.1%})"


def _notes(before: Side, after: Side, changes: Sequence[OperationChange]) -> Iterator[str]:
    for side in (before, after):
        yield from (f"{side.name}: {note}" for note in side.notes)
    if any(each.key.operation == semconv.OTHER for each in changes):
        yield f"`{semconv.OTHER}` is not part of the queries removed"
    if any(each.before.estimated or each.after.estimated for each in changes):
        yield "estimated from sampled spans: counts have an error, too"


def _window(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        **window_dict(side.window),
        "operations": side.count,
        "lossy": sorted(side.lossy),
    }
