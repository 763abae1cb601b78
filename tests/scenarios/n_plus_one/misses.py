"""What the detector gets wrong today, by case: why. A new miss fails the suite, and so does one that is no more."""

from __future__ import annotations

_SAME_STATE = "Equal parameters read as a duplicate, although a write to the same table lies between the reads."
_HAS_TURNS = "Statements are one loop when they share a line or take strict turns, as far as single records are held."

MISSES: dict[str, str] = {
    "judged-twelve-pages-of-five-hundred": "How many rows a page brings is not known; only that the page repeats.",
}
"""Defects without a finding, and silent code with one."""

WRONG_KIND: dict[str, str] = {
    "django-signal-per-object": _SAME_STATE,
    "judged-claim-one-job-at-a-time": _SAME_STATE,
    "postgres-claim-with-skip-locked-one-by-one": _SAME_STATE,
}
"""Findings of another kind than the label."""

WRONG_SITE: dict[str, str] = {}
"""Findings that name another line than a marked one."""

WRONG_NUMBER: dict[str, str] = {
    "limits-thousands-of-turns": _HAS_TURNS,
    "limits-irregular-turns": _HAS_TURNS,
}
"""One loop told as several findings, or several as one."""
