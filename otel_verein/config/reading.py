"""The entries of a configuration file and of the run-time override, each with its line."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from otel_verein.config.content import content
from otel_verein.config.document import ListNode, MapNode, Node, Scalar, plain, read
from otel_verein.config.entries import BLOCK, FILE, OVERRIDE, Entry, Given, suggestion
from otel_verein.config.environment import meant_by
from otel_verein.config.files import Files
from otel_verein.config.presets import ENVIRONMENTS
from otel_verein.config.schema import SECTIONS
from otel_verein.config.shown import shown_key
from otel_verein.config.substitution import substituted
from otel_verein.config.validate import OPTIONS
from otel_verein.errors import ConfigError, Problem

UNTIL = "until"
ABSENT = f"cannot be read: {os.strerror(errno.ENOENT)}"


@dataclass(slots=True)
class FileEntries:
    """What a file says: *blocks* by environment, *until* by key of an override; *found* if it has anything for us."""

    entries: list[Entry] = field(default_factory=list)
    blocks: dict[str, list[Entry]] = field(default_factory=dict)
    environment: tuple[object, str] | None = None
    until: dict[str, datetime] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    found: bool = True


def read_file(files: Files, environ: Mapping[str, str]) -> FileEntries:
    """The entries of the configuration in ``files.file``; none if it is not there and no variable names it."""
    try:
        data = content(files.file)
    except ConfigError as fault:
        return FileEntries(problems=list(fault.problems))
    if data is not None:
        return file_entries(data, str(files.file), files.base, environ)
    return FileEntries(problems=[Problem(str(files.file), ABSENT)] if files.named else [])


def file_entries(data: bytes, name: str, base: tuple[str, ...], environ: Mapping[str, str]) -> FileEntries:
    """The entries of a configuration with these bytes; *name* stands in its problems."""
    root, problems = read(data, name)
    if root is not None:
        problems = [each for each in problems if _concerns(each, base)]
    said = FileEntries(problems=problems)
    for key in base:
        inner = [each.node for each in root.members if each.key == key] if isinstance(root, MapNode) else []
        if not inner:
            said.found = bool(problems)  # what cannot be read may be ours
            return said
        root = inner[0]
    if root is None or (isinstance(root, Scalar) and root.value is None):
        return said
    if base:
        root = substituted(root, environ)
    if not isinstance(root, MapNode):
        said.problems.append(Problem(f"{name}:{root.line}", "must be a mapping of sections, such as `thresholds:`"))
        return said
    prefix = "".join(f"{key}." for key in base)
    for key, line, node in root.members:
        if key == "environment":
            said.environment = (plain(node), f"{name}:{line}")
        elif key == "environments":
            _blocks(said, node, name, line, prefix)
        else:
            _section(said.entries, said.problems, (key, line, node), name, prefix, FILE)
    return said


def _concerns(problem: Problem, base: tuple[str, ...]) -> bool:
    """Whether *problem* is about what is at *base* or above: what else a shared file holds is for its own readers."""
    path = tuple(problem.what.partition(":")[0].split("."))
    return path[: len(base)] == base[: len(path)]


def read_override(path: Path, now: datetime) -> FileEntries:
    """The entries of the run-time override at *path* that still hold; none if there is no such file."""
    try:
        data = content(path)
    except ConfigError as fault:
        return FileEntries(problems=list(fault.problems))
    return FileEntries() if data is None else override_entries(data, str(path), now)


def override_entries(data: bytes, name: str, now: datetime) -> FileEntries:
    """The entries of a run-time override with these bytes that still hold; *name* stands in its problems."""
    root, problems = read(data, name)
    said = FileEntries(problems=problems)
    if root is None:
        return said
    if not isinstance(root, MapNode):
        said.problems.append(Problem(f"{name}:{root.line}", "must be a mapping of sections, such as `thresholds:`"))
        return said
    for key, line, node in root.members:
        if key == UNTIL:
            _ends(said, node, name, line)
        else:
            _section(said.entries, said.problems, (key, line, node), name, "", OVERRIDE)
    said.entries = [each for each in said.entries if each.key not in said.until or said.until[each.key] > now]
    said.until = {key: end for key, end in said.until.items() if end > now}
    return said


def given_of(node: Node, source: str) -> Given:
    """*node* as a given value, with the places in *source*."""
    where = f"{source}:{node.line}"
    if isinstance(node, ListNode):
        return Given(plain(node), where, items=tuple(given_of(each, source) for each in node.items))
    if isinstance(node, MapNode):
        pairs = ((each.key, f"{source}:{each.line}", given_of(each.node, source)) for each in node.members)
        return Given(plain(node), where, pairs=tuple(pairs))
    return Given(node.value, where)


def _section(
    entries: list[Entry],
    problems: list[Problem],
    member: tuple[str, int, Node],
    source: str,
    prefix: str,
    layer: str,
) -> None:
    section, line, node = member
    where = f"{source}:{line}"
    if isinstance(node, MapNode) and section in SECTIONS:
        for name, at, value in node.members:
            entries.append(Entry(f"{section}.{name}", given_of(value, source), layer, f"{source}:{at}", prefix))
    elif "." in section and section.partition(".")[0] in SECTIONS:
        above, _, below = section.partition(".")
        what = f"stands below its section: `{above}:`, and indented `{shown_key(below)}:`"
        problems.append(Problem(where, f"{prefix}{shown_key(section)}: {what}"))
    elif section not in SECTIONS:
        entries.append(Entry(section, Given(None, where), layer, where, prefix))  # to be told as unknown
    elif plain(node) is not None:
        problems.append(Problem(where, f"{prefix}{section}: must be a mapping of options"))


def _blocks(said: FileEntries, node: Node, source: str, line: int, prefix: str) -> None:
    if plain(node) is None:
        return
    if not isinstance(node, MapNode):
        said.problems.append(
            Problem(f"{source}:{line}", f"{prefix}environments: must be a mapping of {', '.join(ENVIRONMENTS)}")
        )
        return
    for name, at, block in node.members:
        where = f"{source}:{at}"
        if name not in ENVIRONMENTS:
            near = meant_by(name)
            what = f"{prefix}environments.{shown_key(name)}: must be one of {', '.join(ENVIRONMENTS)}{near}"
            said.problems.append(Problem(where, what))
        elif isinstance(block, MapNode):
            entries = said.blocks.setdefault(name, [])
            for member in block.members:
                _section(entries, said.problems, member, source, f"{prefix}environments.{name}.", BLOCK)
        elif plain(block) is not None:
            said.problems.append(Problem(where, f"{prefix}environments.{name}: must be a mapping of sections"))


def _ends(said: FileEntries, node: Node, source: str, line: int) -> None:
    if not isinstance(node, MapNode):
        said.problems.append(Problem(f"{source}:{line}", f"{UNTIL}: must be a mapping of keys to times"))
        return
    for key, at, value in node.members:
        given = plain(value)
        if key not in OPTIONS:
            what = f"{UNTIL}.{shown_key(key)}: unknown key{suggestion(key, OPTIONS)}"
            said.problems.append(Problem(f"{source}:{at}", what))
            continue
        try:
            end = datetime.fromisoformat(str(given).replace("Z", "+00:00"))
        except ValueError:
            what = f"{UNTIL}.{shown_key(key)}: is no time, such as 2027-03-31T12:00:00+00:00"
            said.problems.append(Problem(f"{source}:{at}", what))
            continue
        said.until[key] = end if end.tzinfo is not None else end.replace(tzinfo=timezone.utc)
