"""Every option: its default, unit, bounds and help, written once.

A threshold stands nowhere else in the package. ``docs/reference/configuration.md`` and the checks in
:mod:`otel_verein.config.validate` are derived from these fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any


def option(
    default: Any,
    *,
    help: str,
    unit: str = "",
    at_least: float | None = None,
    at_most: float | None = None,
    above: float | None = None,
    choices: tuple[str, ...] = (),
    entries: type | None = None,
) -> Any:
    """A dataclass field that carries its own documentation and bounds; *entries* is the type of a list's members."""
    metadata = {
        "help": help,
        "unit": unit,
        "at_least": at_least,
        "at_most": at_most,
        "above": above,
        "choices": choices,
        "entries": entries,
    }
    if isinstance(default, list | dict):
        raise TypeError("options are immutable: give a tuple")
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Budgets of one operation; past the first it breaches, past the second it is critical."""

    queries: int = option(50, unit="{query}", at_least=1, help="Queries one operation may run before it breaches.")
    queries_critical: int = option(100, unit="{query}", at_least=1, help="Queries that make the breach critical.")
    duration_s: float = option(2.0, unit="s", above=0, help="Wall time one operation may take before it breaches.")
    duration_critical_s: float = option(5.0, unit="s", above=0, help="Wall time that makes the breach critical.")
    db_duration_s: float = option(1.0, unit="s", above=0, help="Database time before an operation breaches.")
    db_duration_critical_s: float = option(2.5, unit="s", above=0, help="Database time that makes it critical.")


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

    operation: str
    ratio: float


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
        1000, unit="{query}", at_least=10, help="Query records held before they are folded into totals."
    )
    groups_per_operation: int = option(
        500,
        unit="{statement}",
        at_least=10,
        help="Statements, per parent span, that an operation keeps figures for, and as many again that repeat.",
    )
    distinct_per_operation: int = option(
        10_000, unit="{statement}", at_least=10, help="Different statements of an operation that are told apart."
    )
    spans_per_operation: int = option(
        1000, unit="{span}", at_least=1, help="Finished spans that wait for the end of their operation."
    )
    open_spans: int = option(
        20_000, unit="{span}", at_least=100, help="Open spans of the process; the oldest is given up past it."
    )
    late_operations: int = option(
        1000,
        unit="{operation}",
        at_least=1,
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
        help="Traces whose decision a process remembers, so that what comes late follows it.",
    )
    operation_names: int = option(
        500, unit="{name}", at_least=1, help="Operation names on metrics; further ones read `other`."
    )
    query_text_bytes: int = option(
        4096, unit="By", at_least=64, help="Sanitised query text on a span; longer text is cut."
    )
    fingerprint_bytes: int = option(
        65_536, unit="By", at_least=1024, help="Bytes of a statement that its fingerprint looks at."
    )
    fingerprints: int = option(
        5000, unit="{statement}", at_least=10, help="Statements whose fingerprint the process remembers."
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

    directory: str = option(".verein/otlp", help="Where files are written when no OTLP endpoint is set.")
    interval_s: float = option(
        0.5,
        unit="s",
        above=0,
        at_most=60,
        help="Longest time a finished operation waits before it is written.",
    )
    metrics_interval_s: float = option(
        5.0,
        unit="s",
        at_least=0,
        at_most=300,
        help="Time between two exports of metrics to an endpoint; `OTEL_METRIC_EXPORT_INTERVAL` (in ms) wins over it. "
        "Files take metrics as often as traces.",
    )
    queue_operations: int = option(
        2048,
        unit="{operation}",
        at_least=1,
        help="Kept operations that may wait; further ones are dropped, counted.",
    )
    queue_bytes: int = option(
        16_777_216,
        unit="By",
        at_least=65_536,
        help="Estimated size of the kept operations that may wait; further ones are dropped, counted.",
    )
    request_bytes: int = option(
        3_500_000,
        unit="By",
        at_least=65_536,
        help="Encoded size of one request or line; more is split. A gRPC server takes 4 MiB unless told otherwise.",
    )
    segment_bytes: int = option(
        16_777_216, unit="By", at_least=1024, help="Size at which a file is closed and the next begun."
    )
    segment_age_s: float = option(60.0, unit="s", above=0, help="Age at which a file is closed and the next begun.")
    shutdown_s: float = option(5.0, unit="s", above=0, at_most=60, help="Longest time an exit waits for export.")
    retry_s: float = option(
        5.0, unit="s", above=0, help="Pause before a failed export is tried again; it doubles while an endpoint fails."
    )
    retry_longest_s: float = option(
        60.0, unit="s", above=0, help="Longest such pause, also where the endpoint asks for a longer one."
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

    reason: str
    until: date
    call_site: str = ""
    statement: str = ""
    operation: str = ""

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
class Health:
    """How the report turns operations into a score."""

    objective: float = option(0.95, above=0, at_most=1, help="Share of operations that should be good.")
    minimum_operations: int = option(
        30, unit="{operation}", at_least=1, help="Operations below which a score reads unknown."
    )


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration, valid and immutable."""

    thresholds: Thresholds = field(default_factory=Thresholds)
    n_plus_one: NPlusOne = field(default_factory=NPlusOne)
    sampling: Sampling = field(default_factory=Sampling)
    limits: Limits = field(default_factory=Limits)
    compression: Compression = field(default_factory=Compression)
    export: Export = field(default_factory=Export)
    call_site: CallSite = field(default_factory=CallSite)
    ignore: Ignore = field(default_factory=Ignore)
    privacy: Privacy = field(default_factory=Privacy)
    health: Health = field(default_factory=Health)
