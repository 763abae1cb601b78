"""What retention would delete, as a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from otel_verein.cli.render_store import many, size, table

if TYPE_CHECKING:
    from otel_verein.store.records import StoredFile
    from otel_verein.store.retention import Plan

_LEVELS = ("detail", "hour", "day", "month")


def render_plan(plan: Plan) -> str:
    """What would go, what would have to but may not, each with the reason; and what the store would take then."""
    lines = list(_group("would be deleted", ((each.file, each.why) for each in plan.actions)))
    if plan.asides:
        freed = size(sum(each.bytes for each in plan.asides))
        lines.append(f"would be deleted: {many(len(plan.asides), 'file')} of items set aside, {freed}")
    lines += _group("may not go yet", ((each.file, each.why) for each in plan.held))
    if not lines:
        lines.append("nothing is to be deleted")
    bound = f" of {size(plan.budget_bytes)}" if plan.budget_bytes else ""
    lines.append(f"the store takes {size(plan.used_bytes)}{bound}, then {size(plan.used_bytes - plan.freed_bytes)}")
    if plan.over_bytes:
        lines.append(f"it stays {size(plan.over_bytes)} over its bound: the rest is not rolled up yet")
    return "\n".join(lines)


def _group(heading: str, files: Iterable[tuple[StoredFile, str]]) -> Iterator[str]:
    """One row for all files of a kind and reason."""
    groups: dict[tuple[str, str, str, str], list[StoredFile]] = defaultdict(list)
    for file, why in files:
        groups[file.kind, _LEVELS[file.level], file.tier or "-", why].append(file)
    if not groups:
        return
    yield f"{heading}:"
    rows = [
        (kind, level, tier, str(len(found)), size(sum(each.bytes for each in found)), why)
        for (kind, level, tier, why), found in groups.items()
    ]
    yield from table(("kind", "level", "tier", "files", "size", "why"), rows, numbers=(3, 4))
