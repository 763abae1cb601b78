"""What fixes did, from two reports over the same visits: one before them, one after."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

REPEATS = ("n_plus_one", "duplicate")


@dataclass(frozen=True)
class Row:
    """One operation that had findings; ``predicted`` is what the first report says that one query in place of each
    repetition saves, ``measured`` by how many queries the second one has fewer."""

    operation: str
    requests: int
    places: tuple[str, ...]
    before: int
    after: int
    predicted: int
    left: tuple[str, ...]

    @property
    def measured(self) -> int:
        return self.before - self.after


class ProofError(Exception):
    """The two reports are not over the same visits."""


def rows(before: dict[str, Any], after: dict[str, Any]) -> list[Row]:
    """A row for each operation of which *before* says that it repeats queries."""
    counts = [{one["operation"]: one for one in report["operations"]} for report in (before, after)]
    repeats = [_repeats(report) for report in (before, after)]
    found = []
    for operation, findings in sorted(repeats[0].items()):
        first, second = counts[0][operation], counts[1].get(operation)
        if second is None or first["count"] != second["count"]:
            raise ProofError(f"{operation} ran {first['count']} times before the fixes, and not so often after them")
        found.append(
            Row(
                operation=operation,
                requests=first["count"],
                places=tuple(dict.fromkeys(map(place, findings))),
                before=first["queries"]["total"],
                after=second["queries"]["total"],
                predicted=sum(each["queries_wasted"] for each in findings),
                left=tuple(dict.fromkeys(map(place, repeats[1].get(operation, ())))),
            )
        )
    return found


def table(found: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "| Operation | Requests | Repeats at | Queries before | after | Fewer: predicted | measured | Left |",
        "| --- | --: | --- | --: | --: | --: | --: | --- |",
    ]
    lines += [
        f"| `{row.operation}` | {row.requests} | {', '.join(f'`{each}`' for each in row.places)} | {row.before} "
        f"| {row.after} | {row.predicted} | {row.measured} | {', '.join(f'`{each}`' for each in row.left) or 'none'} |"
        for row in found
    ]
    return "\n".join(lines)


def place(finding: dict[str, Any]) -> str:
    """The file, as from its package on, and the line of a finding."""
    site = finding["call_site"]
    if site is None:
        return "unknown"
    file = site["file"].partition("site-packages/")[2] or site["file"]
    return f"{file}:{site['line']}"


def _repeats(report: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for finding in report["findings"]:
        if finding["kind"] in REPEATS:
            found[finding["operation"]].append(finding)
    return found
