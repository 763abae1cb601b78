"""Changes to a configuration: locked, checked, whole at any instant, on record, and brought back."""

from otel_verein.config.changes.applying import UNSET, Edit, Target, apply, rollback, user
from otel_verein.config.changes.entry import Change, Entry
from otel_verein.config.changes.history import entries, snapshot

__all__ = [
    "UNSET",
    "Change",
    "Edit",
    "Entry",
    "Target",
    "apply",
    "entries",
    "rollback",
    "snapshot",
    "user",
]
