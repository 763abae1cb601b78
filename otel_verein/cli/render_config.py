"""Configurations, their differences and their history as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone

from otel_verein.api.config import Differences, InForce, Setting, plain
from otel_verein.cli.config_command import short
from otel_verein.config.changes import Change, Entry
from otel_verein.config.editing.written import NotWritableError, member_lines, on_one_line
from otel_verein.config.entries import BLOCK, DEFAULT, PRESET
from otel_verein.config.layers import Origin
from otel_verein.config.schema import SECTIONS
from otel_verein.config.shown import shown

_INDENT = 2
_NOT_SET = "(not set)"


def written(value: object) -> str:
    """The value of an option on one line, as a configuration file has it."""
    try:
        return on_one_line(plain(value))
    except NotWritableError:  # bytes of a variable that are no text
        return shown(value)


def render_settings(answer: InForce, chosen: Sequence[Setting], why: bool) -> str:
    """The *chosen* options as a configuration file; comments say what it is the configuration of, and *why*."""
    lines = [f"# {line}" for line in _header(answer)]
    section = ""
    for setting in chosen:
        mine, _, name = setting.key.partition(".")
        if mine != section:
            lines.append(f"{mine}:")
            section = mine
        lines += _member(name, setting.value)
        if why:
            lines += [f"{' ' * 2 * _INDENT}# {line}" for line in _reasons(setting)]
    if not chosen:
        lines.append("# every option is as by default")
    return "\n".join(lines)


def render_differences(answer: Differences) -> str:
    """One line per option that differs."""
    lines = [f"--- {answer.one}", f"+++ {answer.other}"]
    lines += [f"{key}: {written(old)} -> {written(new)}" for key, old, new in answer.options]
    return "\n".join(lines)


def render_history(found: Sequence[Entry], hidden: int) -> str:
    """The entries with their changes; *hidden* is how many more there are."""
    lines: list[str] = []
    for entry in found:
        noticed = " (noticed then)" if entry.action == "outside" else ""
        when = moment(entry.time)
        lines.append(f"{entry.id}  {when}  {entry.who}  {entry.action}{noticed}  {entry.layer}")
        lines += [f"     {line}" for line in render_changes(entry)]
        if entry.why:
            lines.append(f"     why: {entry.why}")
    if hidden:
        lines.append(f"... and {hidden} older (--limit)")
    return "\n".join(lines)


def render_changes(entry: Entry) -> list[str]:
    """``key: old -> new`` for each change of an entry; a section that was empty, or is now, is none."""
    told = [each for each in entry.changes if not (each.key in SECTIONS and each.old is each.new is None)]
    lines = [_change(each) for each in told]
    if entry.more:
        lines.append(f"... and {entry.more} more")
    return lines or ["no option: comments or order, or the file could not be read"]


def _change(change: Change) -> str:
    old = _NOT_SET if change.added else written(change.old)
    new = _NOT_SET if change.removed else written(change.new)
    return f"{change.key}: {old} -> {new}"


def source(origin: Origin) -> str:
    """What says the value: a place, a variable, a preset or the default."""
    if origin.layer == DEFAULT:
        return "default"
    if origin.layer == PRESET:
        return f"preset of {origin.where}"
    if origin.layer == BLOCK:
        return f"{short(origin.where)} (block of the environment)"
    return short(origin.where)


def moment(when: datetime) -> str:
    """A time for people, in UTC."""
    return f"{when.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def _header(answer: InForce) -> Iterator[str]:
    name, by = answer.environment
    yield f"environment: {name} ({short(by)})" if name else f"environment: none ({by})"
    file = short(str(answer.files.file))
    node = f", node {'.'.join(answer.files.base)}" if answer.files.base else ""
    yield f"file: {file}{node}" if answer.has_file else f"file: none ({file} is not there)"
    number, override = answer.overridden, short(str(answer.files.override))
    yield f"override: {override} ({number} option{'' if number == 1 else 's'})" if number else "override: none"
    yield f"digest: {answer.digest}"
    for note in answer.notes:
        yield f"note: {short(str(note))}"


def _member(name: str, value: object) -> list[str]:
    try:
        return member_lines((name,), plain(value), _INDENT, _INDENT)
    except NotWritableError:
        return [f"{' ' * _INDENT}{name}: {shown(value)}"]


def _reasons(setting: Setting) -> Iterator[str]:
    first, *others = setting.origins
    until = f", until {moment(setting.until)}" if setting.until else ""
    yield f"from {source(first)}{until}"
    for each in others:
        yield f"over {source(each)}: {written(each.value)}"
    if setting.at_start:
        yield "a change takes effect when a process starts"
    if setting.planned:
        yield "planned: checked and carried, and not read by anything yet"
