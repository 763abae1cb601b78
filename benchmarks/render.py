"""The figures as text for a terminal and as a page for the documentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from figures import Raw, over_bare, per_query, ratio, spread, targets
from variants import LABELS
from workload import WORKLOADS

Row = Sequence[str]


def tables(raw: Raw, paired: Sequence[float]) -> list[tuple[str, list[Row]]]:
    """Every table as (title, rows), the first row being the head."""
    added = spread(paired)
    beside: list[Row] = [("variant", "n", "µs over the driver"), (LABELS["verein"], str(added.n), str(added))]
    slope: list[Row] = [("variant", "n", "µs per query", "µs over the driver", "x bare", "x always_off")]
    for variant, label in LABELS.items():
        one, bare, off = (spread(per_query(raw, name)) for name in (variant, "bare", "always_off"))
        added = "" if variant == "bare" else str(spread(over_bare(raw, variant)))
        ratios = f"{one.median / bare.median:.2f}", f"{one.median / off.median:.2f}"
        slope.append((label, str(one.n), str(one), added, *ratios))
    result = [
        ("One query more, operation by operation beside the bare driver in one process", beside),
        ("One query more, in processes of their own: slope between operations of 5 and 50 different queries", slope),
    ]
    for workload in WORKLOADS:
        rows: list[Row] = [("variant", "n", "µs per operation", "x bare", "x always_off")]
        for variant, label in LABELS.items():
            one = spread(raw[variant][workload.name])
            ratios = (ratio(raw, variant, base, workload.name) for base in ("bare", "always_off"))
            rows.append((label, str(one.n), str(one), *("-" if r is None else f"{r:.2f}" for r in ratios)))
        result.append((f"Operation: {workload.label}", rows))
    return result


def verdicts(raw: Raw, paired: Sequence[float]) -> list[str]:
    """One line per target: met or not, and what was measured."""
    return [f"{'met' if t.met else 'NOT MET'}: {t.text}: {t.measured}" for t in targets(raw, paired)]


def text(raw: Raw, paired: Sequence[float], conditions: Iterable[str]) -> str:
    """For a terminal: aligned columns."""
    lines = list(conditions)
    for title, rows in tables(raw, paired):
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines += ["", title]
        lines += ["  " + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", "Targets", *(f"  {line}" for line in verdicts(raw, paired))])


def markdown(raw: Raw, paired: Sequence[float], conditions: Iterable[str], command: str) -> str:
    """For docs/reference: the same tables, with how to measure them again."""
    lines = ["# What watching costs", "", f"Written by `{command}`; do not edit.", ""]
    lines += [f"- {line}" for line in conditions]
    for title, rows in tables(raw, paired):
        head, *body = rows
        lines += ["", f"## {title}", "", _row(head), _row(["---"] * len(head)), *map(_row, body)]
    return "\n".join([*lines, "", "## Targets", "", *(f"- {line}" for line in verdicts(raw, paired)), ""])


def _row(cells: Row) -> str:
    return "| " + " | ".join(cells) + " |"
