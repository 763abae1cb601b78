"""What came of a verification, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otel_verein.cli.render_store import many, size
from otel_verein.cli.terminal import printable

if TYPE_CHECKING:
    from otel_verein.store.verifying.records import Verdict


def render_verdict(verdict: Verdict) -> str:
    """Each problem on a line, then notes, then what was looked at."""
    checked = verdict.checked
    lines = [printable(str(problem)) for problem in verdict.problems]
    lines += [f"note: {printable(note)}" for note in verdict.notes]
    seen = ", ".join(
        many(checked.get(key, 0), one, several)
        for key, one, several in (
            ("files", "file", "files"),
            ("rows", "row", "rows"),
            ("segments", "segment", "segments"),
            ("batches", "batch", "batches"),
            ("rollups", "rollup", "rollups"),
        )
    )
    found = many(len(verdict.problems), "problem") if verdict.problems else "every row is accounted for"
    return "\n".join([*lines, f"{found}: {seen}, {size(checked.get('bytes', 0))}"])
