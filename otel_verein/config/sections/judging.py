"""What operations are judged by: budgets, N+1, repeats that are meant, health."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import ClassVar

from otel_verein.config.options import option, part


@dataclass(frozen=True, slots=True)
class ThresholdRule:
    """Budgets of the operations whose name matches a glob; what is not given is as for all."""

    needs_one_of: ClassVar[tuple[str, ...]] = (
        "queries",
        "queries_critical",
        "duration_s",
        "duration_critical_s",
        "db_duration_s",
        "db_duration_critical_s",
    )

    operation: str = part(str, example="'GET /export*'", help="A glob on the name.")
    queries: int | None = part(
        int, default=None, example="200", unit="{query}", at_least=1, help="As `thresholds.queries`."
    )
    queries_critical: int | None = part(
        int, default=None, example="500", unit="{query}", at_least=1, help="As `thresholds.queries_critical`."
    )
    duration_s: float | None = part(
        float, default=None, example="10.0", unit="s", above=0, help="As `thresholds.duration_s`."
    )
    duration_critical_s: float | None = part(
        float, default=None, example="30.0", unit="s", above=0, help="As `thresholds.duration_critical_s`."
    )
    db_duration_s: float | None = part(
        float, default=None, example="5.0", unit="s", above=0, help="As `thresholds.db_duration_s`."
    )
    db_duration_critical_s: float | None = part(
        float, default=None, example="15.0", unit="s", above=0, help="As `thresholds.db_duration_critical_s`."
    )

    @property
    def given(self) -> dict[str, int | float]:
        """The budgets that differ, by their name among the thresholds."""
        budgets = {name: getattr(self, name) for name in self.needs_one_of}
        return {name: value for name, value in budgets.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Budgets of one operation; past the first it breaches, past the second it is critical."""

    queries: int = option(50, unit="{query}", at_least=1, help="Queries one operation may run before it breaches.")
    queries_critical: int = option(100, unit="{query}", at_least=1, help="Queries that make the breach critical.")
    duration_s: float = option(2.0, unit="s", above=0, help="Wall time one operation may take before it breaches.")
    duration_critical_s: float = option(5.0, unit="s", above=0, help="Wall time that makes the breach critical.")
    db_duration_s: float = option(1.0, unit="s", above=0, help="Database time before an operation breaches.")
    db_duration_critical_s: float = option(2.5, unit="s", above=0, help="Database time that makes it critical.")
    queries_excellent: int = option(
        10, unit="{query}", at_least=0, help="Queries up to which an operation reads excellent."
    )
    duration_excellent_s: float = option(
        0.5, unit="s", above=0, help="Wall time up to which an operation reads excellent."
    )
    slow_query_s: float = option(0.1, unit="s", above=0, help="Time from which a statement is slow.")
    operations: tuple[ThresholdRule, ...] = option(
        (),
        entries=ThresholdRule,
        help="Other budgets by name: entries with `operation` (a glob on the name) and the budgets that differ; "
        "the first match holds.",
    )

    def of(self, operation: str) -> Thresholds:
        """Those of the *operation* of that name: with what its first entry in ``operations`` says otherwise."""
        rule = next((rule for rule in self.operations if fnmatchcase(operation, rule.operation)), None)
        return self if rule is None else replace(self, **rule.given)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class NPlusOne:
    """When repeats of one statement under one parent span are a finding."""

    repeats: int = option(5, unit="{query}", at_least=2, help="Repeats from which a statement can be a finding.")
    total_ms: float = option(50.0, unit="ms", at_least=0, help="Their time in sum, from which they are one.")
    certain_repeats: int = option(
        10, unit="{query}", at_least=2, help="Repeats that are a finding however little time they take."
    )
    batch_values: int = option(
        50, unit="{value}", at_least=2, help="Values in one statement from which it is a batch, and no N+1."
    )
    medium_repeats: int = option(5, unit="{query}", at_least=2, help="More repeats than this: severity medium.")
    high_repeats: int = option(10, unit="{query}", at_least=2, help="More repeats than this: severity high.")
    critical_repeats: int = option(20, unit="{query}", at_least=2, help="More repeats than this: severity critical.")


@dataclass(frozen=True, slots=True)
class IgnoreRule:
    """One repeat that is meant. Every pattern that is given has to match; ``until`` is the last day it holds."""

    needs_one_of: ClassVar[tuple[str, ...]] = ("call_site", "statement", "operation")

    reason: str = part(str, example="'the list has three rows at most'", help="Why the repeat is meant.")
    until: date = part(  # noqa: RUF009 - a field, as the others
        date, example="2027-03-31", help="The last day it holds; every rule ends some day."
    )
    call_site: str = part(
        str,
        default="",
        example="'reports/nightly.py:write_rows'",
        help="A glob on path:line or path:function, from any folder on.",
    )
    statement: str = part(
        str, default="", example="'SELECT django_session'", help="A fingerprint, or a glob on summary or text."
    )
    operation: str = part(str, default="", example="'GET /health'", help="A glob on the name.")

    @property
    def name(self) -> str:
        """How the rule is called on metrics and in reports: its patterns."""
        return " ".join(part for part in (self.operation, self.call_site, self.statement) if part)


@dataclass(frozen=True, slots=True)
class Ignore:
    """Repeats that are meant and therefore no finding; they still count."""

    rules: tuple[IgnoreRule, ...] = option(
        (),
        entries=IgnoreRule,
        help="Entries with `reason`, `until` (a date) and at least one of `call_site` (a glob on path:line or "
        "path:function, from any folder on), `statement` (a fingerprint, or a glob on summary or text) and "
        "`operation` (a glob on the name).",
    )


@dataclass(frozen=True, slots=True)
class Health:
    """How the report turns operations into a score."""

    objective: float = option(0.95, above=0, at_most=1, help="Share of operations that should be good.")
    minimum_operations: int = option(
        30, unit="{operation}", at_least=1, help="Operations below which a score reads unknown."
    )
    excellent: float = option(95.0, at_least=0, at_most=100, help="Score from which the level is excellent.")
    good: float = option(90.0, at_least=0, at_most=100, help="Score from which it is good.")
    fair: float = option(80.0, at_least=0, at_most=100, help="Score from which it is fair.")
    poor: float = option(70.0, at_least=0, at_most=100, help="Score from which it is poor; below it is critical.")
    warning: float = option(90.0, at_least=0, at_most=100, help="Score below which an alert warns.")
    critical: float = option(85.0, at_least=0, at_most=100, help="Score below which it is critical.")
