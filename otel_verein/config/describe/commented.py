"""A ``verein.yaml`` with every option in it, explained and commented out."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields
from typing import Any

from otel_verein.config.describe.words import (
    allowed,
    default_of,
    explained,
    marks,
    needs,
    preset_tree,
)
from otel_verein.config.editing.written import on_one_line
from otel_verein.config.files import FILE_VARIABLE
from otel_verein.config.layers import variable_of
from otel_verein.config.options import is_required
from otel_verein.config.presets import ENVIRONMENTS
from otel_verein.config.schema import SECTIONS, option_fields

_WIDTH = 100  # characters of a line
_STEP = "  "

_TOP = """\
The configuration of otel-verein. As it is, this file changes nothing.

A # without a space after it comments an option out, with the value that holds without it: take the # away to set the
option. All else behind a # explains. What you do not need can go.

Processes look for verein.yaml in the directory they start in, or for the file that {file} names, and take a change
over within seconds. A variable such as {variable} wins over the file. `otel-verein config validate` says what is wrong
with a file, `otel-verein config show --why` what is in force and why."""

_ENVIRONMENT = """\
Where the processes run: one of {names}. It presets what the end of this file shows. Where it is not given, it is the
`deployment.environment.name` of the resource, or development if a framework is in debug mode; else nothing is
preset."""

_BLOCKS = """\
What holds in one environment only; it wins over all that stands above. Shown is what each environment presets. A
preset itself is weaker: an option that is set above wins over it."""


def sample(environment: str = "") -> str:
    """The text of the file; its values are the defaults, or what *environment* presets, which it then names.

    It loads as it is and then sets nothing else. It loads with any of its options, or all of them, put in force by
    taking their ``#`` away, too.
    """
    first = variable_of(next(f"{section}.{name}" for section, name, _ in option_fields()))
    lines = [*_prose(_TOP.format(file=FILE_VARIABLE, variable=first)), ""]
    lines += _prose(_ENVIRONMENT.format(names=", ".join(ENVIRONMENTS)))
    lines.append(f"environment: {environment}" if environment else f"#environment: {ENVIRONMENTS[-1]}")
    for section, kind in SECTIONS.items():
        lines += ["", *_prose(explained(kind)), f"{section}:"]
        for owner, name, option in option_fields():
            if owner == section:
                lines += _option(f"{section}.{name}", option, environment)
    lines += ["", *_prose(_BLOCKS), *_blocks()]
    return "\n".join(lines) + "\n"


def _option(key: str, option: Field[Any], environment: str) -> Iterator[str]:
    meta, name = option.metadata, option.name
    default = default_of(key, option, environment)
    facts = f"{_value(meta)} {'In ' + environment if environment else 'Default'}: {default}."
    yield from _prose(" ".join([meta["help"], *marks(key, meta)]), _STEP)
    yield from _prose(facts, _STEP)
    if meta["entries"] is None:
        yield f"{_STEP}#{name}: {default}"
    else:
        yield from _entries(name, meta["entries"])


def _entries(name: str, kind: Any) -> Iterator[str]:
    """The list with one entry in it, since a list without any shows nothing."""
    yield from _prose(f"Each entry has {needs(kind)}. For example:", _STEP)
    for part in fields(kind):
        need = " Needed." if is_required(part) else ""
        yield from _prose(f"`{part.name}`: {part.metadata['help']} {_value(part.metadata)}{need}", _STEP)
    yield f"{_STEP}#{name}:"
    for number, part in enumerate(fields(kind)):
        yield f"{_STEP * 2}{_STEP if number else ''}#{'' if number else '- '}{part.name}: {part.metadata['example']}"


def _value(metadata: Mapping[str, Any]) -> str:
    unit = f" Unit: {metadata['unit']}." if metadata["unit"] else ""
    words = allowed(metadata)
    return f"{words[0].upper()}{words[1:]}.{unit}"


def _blocks() -> Iterator[str]:
    yield "#environments:"
    for environment in ENVIRONMENTS:
        yield f"{_STEP}#{environment}:"
        for section, options in preset_tree(environment).items():
            yield f"{_STEP * 2}#{section}:"
            yield from (f"{_STEP * 3}#{name}: {on_one_line(value)}" for name, value in options.items())


def _prose(text: str, indent: str = "") -> list[str]:
    """*text* as comment lines; a blank line in it parts paragraphs."""
    start = f"{indent}# "
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        if lines:
            lines.append(f"{indent}#")
        lines += textwrap.wrap(
            " ".join(paragraph.split()),
            _WIDTH,
            initial_indent=start,
            subsequent_indent=start,
            break_on_hyphens=False,
            break_long_words=False,
        )
    return lines
