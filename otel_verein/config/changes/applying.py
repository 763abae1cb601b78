"""Changes to a configuration: one writer at a time, checked, whole at any instant, and on record."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Final

from otel_verein.clock import Clock
from otel_verein.config.changes import atomic
from otel_verein.config.changes.entry import Entry, changes_between
from otel_verein.config.changes.history import History, entries, hash_of, snapshot
from otel_verein.config.changes.lock import locked
from otel_verein.config.editing import set_value, unset_value
from otel_verein.config.editing.data import at, data_of
from otel_verein.config.entries import FILE, OVERRIDE
from otel_verein.config.reading import UNTIL
from otel_verein.errors import ConfigError, Problem

WHY_CHARS = 500  # a sentence or two
WHO_CHARS = 200  # longer than any login name with its host


class Unset(Enum):
    """The type of :data:`UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""The value of an edit that takes a key away."""


@dataclass(frozen=True, slots=True)
class Target:
    """One file and the directory of its history. *base* is where in it our sections are, if not at its top."""

    file: Path
    state: Path
    layer: str = FILE
    base: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edit:
    """A new value of the key at *path*, or :data:`UNSET`; in the override, *until* a time if one is given."""

    path: tuple[str, ...]
    value: object
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be done, by whom and why, and who has the last word."""

    target: Target
    action: str
    who: str
    why: str
    check: Callable[[bytes], None]


def apply(
    target: Target, edits: Sequence[Edit], why: str, check: Callable[[bytes], None], who: str | None = None
) -> Entry | None:
    """Make *edits*, all or none, and give their entry of the history; None if the file says all that already.

    *check* is given the new bytes under the lock and raises what speaks against them; then nothing is changed. *who*
    is the user of the process unless given. Raises :class:`ConfigError` for a text that cannot be edited so, for a
    file or directory that cannot be written, and if another writer holds the lock for ten seconds.
    """
    action = "unset" if all(edit.value is UNSET for edit in edits) else "set"
    return _changed(_order(target, action, why, check, who), lambda _, old: _edited(target, old, edits))


def rollback(
    target: Target, entry_id: int, why: str, check: Callable[[bytes], None], who: str | None = None
) -> Entry | None:
    """Bring the file back to what it was after an entry (0: before the first); None if that is what it is.

    The whole file comes back, byte for byte, and the roll-back is an entry, too. *check* is as for :func:`apply`.
    Raises :class:`ConfigError` as that does, and for an entry that is not in the history.
    """
    return _changed(
        _order(target, "rollback", why, check, who), lambda state, old: _as_of(target, state, entry_id, old)
    )


def user() -> str:
    """Login name and host of this process, by the system's word and not the environment's."""
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = f"uid {os.geteuid()}"
    said = f"{name}@{os.uname().nodename}"
    return "".join(character if character.isprintable() else "?" for character in said)[:WHO_CHARS]


def _order(target: Target, action: str, why: str, check: Callable[[bytes], None], who: str | None) -> _Order:
    problems = []
    for name, said, most in (("why", why, WHY_CHARS), ("who", who or "", WHO_CHARS)):
        if len(said) > most:
            problems.append(Problem(name, f"has {len(said)} characters; it must be at most {most}"))
        elif not said.isprintable():
            problems.append(Problem(name, "holds a line break or other character that does not print; leave it out"))
    if problems:
        raise ConfigError(problems)
    return _Order(target, action, who or user(), why, check)


def _changed(order: _Order, make: Callable[[Path, bytes | None], bytes | None]) -> Entry | None:
    target = order.target
    with locked(target.state):
        history = History(target.state)
        file = Path(os.path.realpath(target.file))  # a link stays a link: what it leads to is replaced
        old = atomic.content(file)
        _note_outside(history, target, old)
        new = make(target.state, old)
        if new == old:
            return None
        order.check(new or b"")
        if atomic.content(file) != old:  # checking takes time, and editors do not know our lock
            raise ConfigError([Problem(str(target.file), "was changed by something else meanwhile; try again")])
        changes, more = changes_between(_readable(old), _readable(new), target.base)
        entry = Entry(
            id=history.next_id,
            when=_now(),
            who=order.who,
            pid=os.getpid(),
            action=order.action,
            layer=target.layer,
            changes=changes,
            why=order.why,
            before=history.keep(old),
            after=history.keep(new),
            more=more,
        )
        history.change(entry, file, new)
        return entry


def _note_outside(history: History, target: Target, found: bytes | None) -> None:
    """Put on record what something else has made of the file since our last entry."""
    last = history.last(target.layer)
    if last is None or last.after == hash_of(found):
        return
    changes, more = changes_between(_was(target.state, last.after), _readable(found), target.base)
    history.append(
        Entry(
            id=history.next_id,
            when=_now(),
            who="unknown",
            pid=None,
            action="outside",
            layer=target.layer,
            changes=changes,
            why="",
            before=last.after,
            after=history.keep(found),
            more=more,
        )
    )


def _edited(target: Target, old: bytes | None, edits: Sequence[Edit]) -> bytes | None:
    name = str(target.file)
    data_of(old or b"", name)  # tells all that is wrong with the file, such as that it is not UTF-8
    text = (old or b"").decode()
    for edit in edits:
        if edit.value is UNSET:
            text = unset_value(text, (*target.base, *edit.path), name)
        else:
            text = set_value(text, (*target.base, *edit.path), edit.value, name)
        text = _with_until(text, target, edit)
    return old if old is None and not text else text.encode()


def _with_until(text: str, target: Target, edit: Edit) -> str:
    """The text with the end of the edit's key, and without the ends that no longer belong to anything."""
    name, key = str(target.file), ".".join(edit.path)
    if target.layer != OVERRIDE:
        if edit.until is not None:
            raise ConfigError([Problem(name, f"{key}: only an override can end by itself")])
        return text
    ends = at(data_of(text, name), (*target.base, UNTIL))
    for other in ends if isinstance(ends, dict) else ():
        if (other == key and edit.until is None) or other.startswith(f"{key}."):
            text = unset_value(text, (*target.base, UNTIL, other), name)
    if edit.until is None:
        return text
    if edit.until.tzinfo is None:
        raise ConfigError([Problem(name, f"{key}: {edit.until.isoformat()} has no time zone")])
    end = edit.until.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return set_value(text, (*target.base, UNTIL, key), end, name)


def _as_of(target: Target, state: Path, entry_id: int, old: bytes | None) -> bytes | None:
    known = entries(state)
    ids = [entry.id for entry in known]
    if entry_id not in ids and not (entry_id == 0 and ids and ids[0] == 1):
        there = f"it has {ids[0]} to {ids[-1]}" if ids else "it has none yet"
        raise ConfigError([Problem(str(state), f"the history has no entry {entry_id}; {there}")])
    of_layer = [entry for entry in known if entry.layer == target.layer]
    if not of_layer:
        return old
    until_then = [entry for entry in of_layer if entry.id <= entry_id]
    digest = until_then[-1].after if until_then else of_layer[0].before
    return None if digest is None else snapshot(state, digest)


def _readable(data: bytes | None) -> dict[str, object] | None:
    """What the bytes say, for the record; None if they are no configuration."""
    try:
        return data_of(data or b"", "")
    except ConfigError:
        return None


def _was(state: Path, digest: str | None) -> dict[str, object] | None:
    try:
        return {} if digest is None else _readable(snapshot(state, digest))
    except ConfigError:
        return None  # somebody has cleaned up: the record says that the file changed, and no longer how


def _now() -> str:
    now = datetime.fromtimestamp(Clock.wall_ns() / 1e9, timezone.utc)
    return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"
