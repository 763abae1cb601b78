"""Every option: its default, unit, bounds and help, written once.

A threshold stands nowhere else in the package; what an environment presets stands in
:mod:`otel_verein.config.presets`. The reference, the JSON Schema, the sample and the checks are derived from these
fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields
from datetime import date
from typing import Any, ClassVar

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
        10, unit="{query}", at_least=0, planned=True, help="Queries up to which an operation reads excellent."
    )
    duration_excellent_s: float = option(
        0.5, unit="s", above=0, planned=True, help="Wall time up to which an operation reads excellent."
    )
    operations: tuple[ThresholdRule, ...] = option(
        (),
        entries=ThresholdRule,
        help="Other budgets by name: entries with `operation` (a glob on the name) and the budgets that differ; "
        "the first match holds.",
    )


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
class SamplingRule:
    """The ratio of the operations whose name matches a glob."""

    operation: str = part(str, example="'GET /health*'", help="A glob on the name.")
    ratio: float = part(float, example="0.01", at_least=0, at_most=1, help="Their ratio.")


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which operations are kept as whole traces; counting is always complete."""

    ratio: float = option(
        0.1, at_least=0, at_most=1, help="Share of the operations without error, breach or N+1 that is kept."
    )
    operations: tuple[SamplingRule, ...] = option(
        (),
        entries=SamplingRule,
        help="Other ratios by name: entries with `operation` (a glob on the name) and `ratio`; the first match holds.",
    )
    traces_per_second: float = option(
        0.0,
        unit="{trace}/s",
        at_least=0,
        help="About how many such traces a process keeps in a second, at most; 0 for no cap. "
        "Under the cap the ratio falls, and the weights with it.",
    )
    decide: str = option(
        "process",
        choices=("process", "collector"),
        help="Who decides: this process, or the tail sampling of a collector, which then gets every operation, "
        "tagged and compressed.",
    )
    remote_parents: str = option(
        "follow",
        choices=("follow", "ignore"),
        help="Whether the decision of the calling service holds for what has no error, breach or N+1; `ignore` "
        "where callers are not trusted.",
    )
    dry_run: bool = option(
        False, help="Keep everything, and say on each trace what would have been decided; to try ratios and budgets."
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on memory; what goes past one is folded into totals or dropped, and counted."""

    records_per_operation: int = option(
        1000,
        unit="{query}",
        at_least=10,
        safe_at_most=100_000,
        help="Query records held before they are folded into totals.",
    )
    groups_per_operation: int = option(
        500,
        unit="{statement}",
        at_least=10,
        safe_at_most=50_000,
        help="Statements, per parent span, that an operation keeps figures for, and as many again that repeat.",
    )
    distinct_per_operation: int = option(
        10_000,
        unit="{statement}",
        at_least=10,
        safe_at_most=1_000_000,
        help="Different statements of an operation that are told apart.",
    )
    spans_per_operation: int = option(
        1000,
        unit="{span}",
        at_least=1,
        safe_at_most=100_000,
        help="Finished spans that wait for the end of their operation.",
    )
    open_spans: int = option(
        20_000,
        unit="{span}",
        at_least=100,
        safe_at_most=1_000_000,
        help="Open spans of the process; the oldest is given up past it.",
    )
    late_operations: int = option(
        1000,
        unit="{operation}",
        at_least=1,
        safe_at_most=100_000,
        help="Open operations of queries that came after the end of theirs; further such queries are only counted.",
    )
    late_idle_s: float = option(
        1.0, unit="s", above=0, help="Time without a query after which an operation of late queries ends."
    )
    late_longest_s: float = option(60.0, unit="s", above=0, help="Longest time that late queries are one operation.")
    remembered_decisions: int = option(
        2000,
        unit="{trace}",
        at_least=1,
        at_start=True,
        safe_at_most=1_000_000,
        help="Traces whose decision a process remembers, so that what comes late follows it.",
    )
    operation_names: int = option(
        500,
        unit="{name}",
        at_least=1,
        at_start=True,
        safe_at_most=10_000,
        help="Operation names on metrics; further ones read `other`.",
    )
    query_text_bytes: int = option(
        4096,
        unit="By",
        at_least=64,
        safe_at_most=1_048_576,
        at_start=True,
        help="Sanitised query text on a span; longer text is cut.",
    )
    fingerprint_bytes: int = option(
        65_536,
        unit="By",
        at_least=1024,
        safe_at_most=16_777_216,
        at_start=True,
        help="Bytes of a statement that its fingerprint looks at.",
    )
    fingerprints: int = option(
        5000,
        unit="{statement}",
        at_least=10,
        safe_at_most=1_000_000,
        help="Statements whose fingerprint the process remembers.",
    )


@dataclass(frozen=True, slots=True)
class Compression:
    """When repeated queries of a kept trace become one summary span."""

    repeats: int = option(5, unit="{query}", at_least=2, help="Repeats from which one summary span stands for them.")
    slowest: int = option(1, unit="{query}", at_least=0, help="Slowest queries of a group that stay whole.")
    failed: int = option(
        10, unit="{query}", at_least=0, help="Failed queries of a group that stay whole, the first ones."
    )


@dataclass(frozen=True, slots=True)
class Export:
    """How telemetry leaves the process."""

    directory: str = option(".verein/otlp", at_start=True, help="Where files are written when no OTLP endpoint is set.")
    interval_s: float = option(
        0.5,
        unit="s",
        above=0,
        at_most=60,
        at_start=True,
        help="Longest time a finished operation waits before it is written.",
    )
    metrics_interval_s: float = option(
        5.0,
        unit="s",
        at_least=0,
        at_most=3600,
        at_start=True,
        help="Time between two exports of metrics to an endpoint, also by `OTEL_METRIC_EXPORT_INTERVAL` (in ms). "
        "Files take metrics as often as traces.",
    )
    queue_operations: int = option(
        2048,
        unit="{operation}",
        at_least=1,
        at_start=True,
        safe_at_most=1_000_000,
        help="Kept operations that may wait; further ones are dropped, counted.",
    )
    queue_bytes: int = option(
        16_777_216,
        unit="By",
        at_least=65_536,
        at_start=True,
        safe_at_most=1_073_741_824,
        help="Estimated size of the kept operations that may wait; further ones are dropped, counted.",
    )
    request_bytes: int = option(
        3_500_000,
        unit="By",
        at_least=65_536,
        at_start=True,
        help="Encoded size of one request or line; more is split. A gRPC server takes 4 MiB unless told otherwise.",
    )
    segment_bytes: int = option(
        16_777_216, unit="By", at_least=1024, at_start=True, help="Size at which a file is closed and the next begun."
    )
    segment_age_s: float = option(
        60.0, unit="s", above=0, at_start=True, help="Age at which a file is closed and the next begun."
    )
    shutdown_s: float = option(
        5.0, unit="s", above=0, at_most=60, at_start=True, help="Longest time an exit waits for export."
    )
    retry_s: float = option(
        5.0,
        unit="s",
        above=0,
        at_start=True,
        help="Pause before a failed export is tried again; it doubles while an endpoint fails.",
    )
    retry_longest_s: float = option(
        60.0,
        unit="s",
        above=0,
        at_start=True,
        help="Longest such pause, also where the endpoint asks for a longer one.",
    )


@dataclass(frozen=True, slots=True)
class CallSite:
    """Whose line of code a finding names."""

    application: tuple[str, ...] = option(
        (),
        help="Installed packages that count as the application, such as an app you develop in site-packages.",
    )
    ignore: tuple[str, ...] = option(
        (), help="Path fragments of application files that never are a call site, such as a repository layer."
    )


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
class Privacy:
    """What may leave the process."""

    entity_ids: str = option(
        "drop", choices=("drop", "keep"), help="What becomes of the ids that `otel_verein.entity` is given."
    )


@dataclass(frozen=True, slots=True)
class Entities:
    """The kinds of things that operations are about, such as members or invoices."""

    types: tuple[str, ...] = option(
        (), help="The types that `otel_verein.entity` may be given; any other reads `other`. Empty: all."
    )
    default_type: str = option(
        "member", planned=True, help="The type that is meant where a question about an entity names none."
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
    warning: float = option(90.0, at_least=0, at_most=100, planned=True, help="Score below which an alert warns.")
    critical: float = option(85.0, at_least=0, at_most=100, planned=True, help="Score below which it is critical.")


@dataclass(frozen=True, slots=True)
class Retention:
    """How long the store keeps what; each tier is kept at least as long as the finer one."""

    aggregate_after_h: float = option(
        24.0, unit="h", above=0, planned=True, help="Age at which detail is added up by the hour."
    )
    detail_d: int = option(7, unit="d", at_least=1, planned=True, help="Days that single spans are kept.")
    hourly_d: int = option(90, unit="d", at_least=1, planned=True, help="Days that figures by the hour are kept.")
    daily_d: int = option(365, unit="d", at_least=1, planned=True, help="Days that figures by the day are kept.")
    monthly_d: int = option(730, unit="d", at_least=1, planned=True, help="Days that figures by the month are kept.")


@dataclass(frozen=True, slots=True)
class SelfMonitoring:
    """What otel-verein may cost, and how fast its own answers have to be."""

    api_response_s: float = option(0.010, unit="s", above=0, planned=True, help="Answer time from which it warns.")
    api_response_critical_s: float = option(
        0.015, unit="s", above=0, planned=True, help="Answer time that is critical."
    )
    memory_mb: float = option(
        75.0, unit="MB", above=0, planned=True, help="Memory it takes in a process, from which it warns."
    )
    memory_critical_mb: float = option(100.0, unit="MB", above=0, planned=True, help="Memory that is critical.")
    overhead: float = option(
        0.05, above=0, at_most=1, planned=True, help="Share of an operation's time that it may take."
    )


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What otel-verein does; each can be switched off by itself, also while processes run."""

    recording: bool = option(True, help="All of it: without, no operation begins, and nothing is counted.")
    counting: bool = option(
        True, help="Counting the queries of operations; without, their number reads unknown, and no N+1 is found."
    )
    tagging: bool = option(True, help="Writing figures, breaches and findings onto the traces that are kept.")
    sampling: bool = option(True, help="Sampling operations out; without, every operation is kept as a whole trace.")
    compression: bool = option(True, help="Summary spans; without, each query that is still held is a span.")
    metrics: bool = option(
        True, help="The figures of operations on metrics; losses and faults are on metrics in any case."
    )
    retention: bool = option(True, planned=True, help="Adding up and deleting what is old in the store.")


@dataclass(frozen=True, slots=True)
class Allow:
    """Switches that have to be set before a dangerous setting is taken."""

    monitoring_off: bool = option(
        False, help="Recording, counting or metrics may be off in production: an outage there would not be seen."
    )
    large_memory: bool = option(False, help="Limits may be so high that a process can take a gigabyte and more.")
    unbounded_storage: bool = option(False, help="Retention may be off in production: the disk fills.")


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration, valid and immutable; ``environment`` is empty where none was named or detected."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    n_plus_one: NPlusOne = field(default_factory=NPlusOne)
    sampling: Sampling = field(default_factory=Sampling)
    limits: Limits = field(default_factory=Limits)
    compression: Compression = field(default_factory=Compression)
    export: Export = field(default_factory=Export)
    call_site: CallSite = field(default_factory=CallSite)
    ignore: Ignore = field(default_factory=Ignore)
    privacy: Privacy = field(default_factory=Privacy)
    entities: Entities = field(default_factory=Entities)
    health: Health = field(default_factory=Health)
    retention: Retention = field(default_factory=Retention)
    self_monitoring: SelfMonitoring = field(default_factory=SelfMonitoring)
    capabilities: Capabilities = field(default_factory=Capabilities)
    allow: Allow = field(default_factory=Allow)
    environment: str = ""


SECTIONS: dict[str, type] = {
    section.name: section.default_factory  # type: ignore[misc]
    for section in fields(Config)
    if section.name != "environment"
}
"""Every section by its name."""


def option_fields() -> Iterator[tuple[str, str, Field[Any]]]:
    """Every option as (section, name, field), in the order of the schema."""
    for section, kind in SECTIONS.items():
        for each in fields(kind):
            yield section, each.name, each
