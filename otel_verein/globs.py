"""Globs as regular expressions, for what asks by them in another language: databases and Prometheus."""

from __future__ import annotations

import re


def regex_of(glob: str) -> str:
    """The regular expression (RE2, anchored as Prometheus does) of what matches *glob* as `fnmatchcase` has it."""
    parts: list[str] = []
    at = 0
    while at < len(glob):
        character = glob[at]
        at += 1
        if character == "*":
            parts.append("" if parts and parts[-1] == ".*" else ".*")
        elif character == "?":
            parts.append(".")
        elif character == "[" and (end := _end_of_set(glob, at)) is not None:
            parts.append(_set(glob[at:end]))
            at = end + 1
        else:
            parts.append(re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", character))
    return f"(?s:{''.join(parts)})"


def _end_of_set(glob: str, start: int) -> int | None:
    """Where the set that begins at *start* has its closing bracket; the first character may be one itself."""
    first = start + 1 if glob[start : start + 1] == "!" else start
    end = glob.find("]", first + 1)
    return None if end < 0 else end


def _set(inside: str) -> str:
    """A set of characters; ranges that are empty match nothing, as they do there."""
    negated = inside.startswith("!")
    rest = inside[1:] if negated else inside
    members, at = "", 0
    while at < len(rest):
        if rest[at + 1 : at + 2] == "-" and at + 2 < len(rest):
            if rest[at] <= rest[at + 2]:
                members += f"{_member(rest[at])}-{_member(rest[at + 2])}"
            at += 3
        else:
            members += _member(rest[at])
            at += 1
    if not members:
        return "." if negated else r"[^\s\S]"
    return f"[{'^' if negated else ''}{members}]"


def _member(character: str) -> str:
    return f"\\{character}" if character in r"\]^-[&~|" else character
