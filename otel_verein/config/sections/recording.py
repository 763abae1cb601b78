"""What a process records, keeps and bounds."""

from __future__ import annotations

from dataclasses import dataclass

from otel_verein.config.options import option, part


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
    default_type: str = option("member", help="The type that is meant where a question about an entity names none.")


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
    retention: bool = option(True, help="Adding up and deleting what is old in the store; without, it only takes in.")


@dataclass(frozen=True, slots=True)
class Allow:
    """Switches that have to be set before a dangerous setting is taken."""

    monitoring_off: bool = option(
        False, help="Recording, counting or metrics may be off in production: an outage there would not be seen."
    )
    large_memory: bool = option(False, help="Limits may be so high that a process can take a gigabyte and more.")
    unbounded_storage: bool = option(
        False, help="Retention or its bound on disk may be off in production: the disk fills."
    )
