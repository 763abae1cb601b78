"""One entry of the history of a configuration: who changed what, when and why."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from otel_verein.config.editing.data import ABSENT, at, differences
from otel_verein.config.shown import shown

MAX_CHANGES = 200  # of one entry; a whole new file is in the snapshots
MAX_VALUE_CHARS = 2000  # of one value as JSON; a longer one is in the snapshots, too


@dataclass(frozen=True, slots=True)
class Change:
    """One key with its values before and after, as JSON has them; a key that was not set is *added*."""

    key: str
    old: Any
    new: Any
    added: bool = False
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of one layer; *before* and *after* are the SHA-256 of the file, None where there was none."""

    id: int
    when: str
    """UTC, as ISO 8601 has it."""
    who: str
    pid: int | None
    action: str
    """set, unset, rollback, or outside: noticed later, made by something else."""
    layer: str
    """file or override."""
    changes: tuple[Change, ...]
    why: str
    before: str | None
    after: str | None
    more: int = 0
    """Changed keys beyond the first :data:`MAX_CHANGES`."""

    @property
    def time(self) -> datetime:
        """When it was made."""
        return datetime.fromisoformat(self.when.replace("Z", "+00:00"))  # before Python 3.11 it knows no Z

    def line(self) -> bytes:
        """The entry as a line of JSON."""
        plain = {name: getattr(self, name) for name in _FIELDS}
        plain["changes"] = [_plain(change) for change in self.changes]
        return json.dumps(plain, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode() + b"\n"


_FIELDS = tuple(Entry.__slots__)
_NULLABLE = {"pid": int, "before": str, "after": str}
_REQUIRED = {"id": int, "when": str, "who": str, "action": str, "layer": str, "changes": list, "why": str, "more": int}


def entry_of(line: bytes) -> Entry:
    """The entry of a line; raises :class:`ValueError` for anything else."""
    plain = json.loads(line)
    if not isinstance(plain, dict) or set(plain) != set(_FIELDS):
        raise ValueError("not the fields of an entry")
    wrong = [name for name, kind in _REQUIRED.items() if type(plain[name]) is not kind]
    wrong += [name for name, kind in _NULLABLE.items() if plain[name] is not None and type(plain[name]) is not kind]
    if wrong:
        raise ValueError(f"{wrong[0]} is {shown(plain[wrong[0]])}")
    plain["changes"] = tuple(_change_of(change) for change in plain["changes"])
    entry = Entry(**plain)
    if entry.time.tzinfo is None:  # or no time at all, which is a ValueError by itself
        raise ValueError(f"when is {shown(entry.when)}")
    return entry


def changes_between(
    old: dict[str, object] | None, new: dict[str, object] | None, base: tuple[str, ...]
) -> tuple[tuple[Change, ...], int]:
    """The keys below *base* that differ, the first of them with their values, and how many more there are.

    None stands for what cannot be read: then nothing is said about keys.
    """
    if old is None or new is None:
        return (), 0
    found: list[Change] = []
    count = 0
    for path, was, now in differences(at(old, base), at(new, base)):
        count += 1
        if count <= MAX_CHANGES:
            found.append(Change(".".join(path), _json(was), _json(now), was is ABSENT, now is ABSENT))
    return tuple(found), count - len(found)


def _plain(change: Change) -> dict[str, Any]:
    plain = {"key": change.key, "old": change.old, "new": change.new}
    marks = {"added": change.added, "removed": change.removed}
    return plain | {name: True for name, holds in marks.items() if holds}


def _change_of(plain: Any) -> Change:
    if not isinstance(plain, dict) or not isinstance(plain.get("key"), str):
        raise ValueError("a change is no mapping with a key")
    return Change(
        plain["key"], plain.get("old"), plain.get("new"), bool(plain.get("added")), bool(plain.get("removed"))
    )


def _json(value: object) -> Any:
    """*value* as JSON can hold it; what is not set is null."""
    simple = _simple(value)
    return simple if len(json.dumps(simple)) <= MAX_VALUE_CHARS else shown(value)


def _simple(value: object) -> Any:
    if value is ABSENT or value is None:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [_simple(item) for item in value]
    if isinstance(value, dict):
        return {key: _simple(item) for key, item in value.items()}
    return value
