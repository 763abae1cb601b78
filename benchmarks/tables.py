"""The tables of operations on SQLite: one query more, and each kind of operation, for whichever variants ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from figures import Raw, over_bare, per_query, ratio, spread
from sections import Row
from workload import WORKLOADS

Table = tuple[str, list[Row]]


def beside_table(label: str, paired: Sequence[float]) -> Table:
    """What one more query adds, operation by operation."""
    added = spread(paired)
    title = "One query more, operation by operation beside the bare driver in one process"
    return title, [("variant", "n", "µs over the driver"), (label, str(added.n), str(added))]


def slope_table(raw: Raw, labels: Mapping[str, str]) -> Table:
    """What one more query costs by the slope between two kinds of operations."""
    rows: list[Row] = [("variant", "n", "µs per query", "µs over the driver", "x bare", "x always_off")]
    bare, off = (spread(per_query(raw, name)).median for name in ("bare", "always_off"))
    for variant in raw:
        one = spread(per_query(raw, variant))
        added = "" if variant == "bare" else str(spread(over_bare(raw, variant)))
        ratios = f"{one.median / bare:.2f}", f"{one.median / off:.2f}"
        rows.append((labels[variant], str(one.n), str(one), added, *ratios))
    return "One query more, in processes of their own: slope between operations of 5 and 50 different queries", rows


def operation_tables(raw: Raw, labels: Mapping[str, str]) -> list[Table]:
    """A table for each kind of operation."""
    result: list[Table] = []
    for workload in WORKLOADS:
        bases = ("bare", "always_off", "always_on")
        rows: list[Row] = [("variant", "n", "µs per operation", *(f"x {base}" for base in bases))]
        for variant in raw:
            one = spread(raw[variant][workload.name])
            ratios = (ratio(raw, variant, base, workload.name) for base in bases)
            rows.append((labels[variant], str(one.n), str(one), *("-" if r is None else f"{r:.2f}" for r in ratios)))
        result.append((f"Operation: {workload.label}", rows))
    return result
