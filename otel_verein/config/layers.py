"""The configuration in force, and which value comes from where.

defaults < what the environment presets < the file < the file's block for the environment < standard ``OTEL_*``
variables < ``VEREIN_*`` variables < the run-time override.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

from otel_verein.config.document import read
from otel_verein.config.document.problems import MAX_PROBLEMS
from otel_verein.config.entries import DEFAULT, PRESET, VARIABLE, Entry, Given, suggestion
from otel_verein.config.environment import Environment, detect
from otel_verein.config.files import Files, candidates
from otel_verein.config.presets import PRESETS
from otel_verein.config.reading import FileEntries, file_entries, given_of, override_entries, read_file, read_override
from otel_verein.config.schema import SECTIONS, Config, option_fields
from otel_verein.config.standard import variables as standard_variables
from otel_verein.config.validate import OPTIONS, check, invalid
from otel_verein.errors import ConfigError, Problem

PREFIX = "VEREIN_"
_DIGEST_LENGTH = 12
_MOST_HINTS = 20  # to look for what a variable may mean takes a millisecond


@dataclass(frozen=True, slots=True)
class Origin:
    """One layer that says something of an option: the layer, the place in it, and the value as given there."""

    layer: str
    where: str
    value: object


@dataclass(frozen=True, slots=True)
class Resolved:
    """A valid configuration with all that is known of where it comes from.

    ``origins`` has, for every option, the layers that speak of it, the one in force first. ``notes`` are no errors.
    ``ends`` is when the override of an option ends, for those that end by themselves.
    """

    config: Config
    environment: Environment
    origins: Mapping[str, tuple[Origin, ...]]
    files: Files
    notes: tuple[Problem, ...]
    ends: Mapping[str, datetime]

    @property
    def next_end(self) -> datetime | None:
        """When the next override ends, if one does."""
        return min(self.ends.values(), default=None)

    @property
    def digest(self) -> str:
        """See :func:`digest`."""
        return digest(self.config)


def resolve(
    environ: Mapping[str, str],
    directory: Path | None = None,
    *,
    data: bytes | None = None,
    override_data: bytes | None = None,
    environment: str | None = None,
    now: datetime | None = None,
) -> Resolved:
    """The configuration of a process with *environ* in *directory*; raises :class:`ConfigError` with every problem.

    *data* and *override_data* stand for the bytes of the file and of the override that there would be, *environment*
    for the one that would be detected.
    """
    files, said = _file(environ, directory, data)
    moment = now or datetime.now(timezone.utc)
    if override_data is None:
        override = read_override(files.override, moment)
    else:
        override = override_entries(override_data, str(files.override), moment)
    found, problems, notes = detect(environ, said.environment)
    if environment is not None:
        found, problems, notes = Environment(environment, "asked for"), [], []
    standard, standard_notes = standard_variables(environ)
    given, wrong = _from_variables(environ)
    block = said.blocks.get(found.name, [])
    entries = [*said.entries, *block, *standard, *given, *override.entries]
    config, unusable = check(entries, found.name)
    others = [each for name, block in said.blocks.items() if name != found.name for each in invalid(block)]
    problems = [*said.problems, *problems, *wrong, *override.problems, *unusable, *others]
    if problems:
        raise ConfigError(_in_order(problems))
    return Resolved(
        config,
        found,
        _origins(entries, found),
        files,
        (*notes, *standard_notes),
        override.until,
    )


def _in_order(problems: list[Problem]) -> list[Problem]:
    """The problems of each source together, by line; of very many the first hundred, and how many there are more."""
    sources: dict[str, int] = {}
    for problem in problems:
        sources.setdefault(problem.place[0], len(sources))
    ordered = sorted(problems, key=lambda problem: (sources[problem.place[0]], problem.place[1]))
    first, more = ordered[:MAX_PROBLEMS], len(ordered) - MAX_PROBLEMS
    return [*first, Problem(first[-1].where, f"and {more:,} more problems")] if more > 0 else first


def digest(config: Config) -> str:
    """What tells configurations apart: twelve hexadecimal digits that two processes share if all options are equal."""
    text = json.dumps(asdict(config), sort_keys=True, separators=(",", ":"), allow_nan=False, default=_day)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


def values_of(config: Config) -> dict[str, Any]:
    """Every option by its dotted key, in the order of the schema."""
    return {f"{section}.{name}": getattr(getattr(config, section), name) for section, name, _ in option_fields()}


def _day(value: date) -> str:
    """What JSON has no form for in a configuration: the last day of a rule."""
    return value.isoformat()


def files_of(environ: Mapping[str, str], directory: Path | None = None) -> Files:
    """The file that counts for a process with *environ* in *directory*, whatever is in it."""
    only, *others = candidates(environ, directory)
    return _file(environ, directory, None)[0] if others else only


def _file(environ: Mapping[str, str], directory: Path | None, data: bytes | None) -> tuple[Files, FileEntries]:
    """The file that counts, and what it says."""
    found = candidates(environ, directory)
    for files in found:
        if data is not None:
            said = file_entries(data, str(files.file), files.base, environ)
        else:
            said = read_file(files, environ)
        if said.found or files is found[-1]:
            return files, said
    raise AssertionError("there always is a candidate")


def variable_of(key: str) -> str:
    """The environment variable of the option *key*."""
    return f"{PREFIX}{key.replace('.', '_')}".upper()


def _from_variables(environ: Mapping[str, str]) -> tuple[list[Entry], list[Problem]]:
    """The entries of ``VEREIN_<SECTION>_<OPTION>`` variables; one that is no option is a problem, not left aside.

    As the specification of OpenTelemetry has it, an empty one is not set.
    """
    entries: list[Entry] = []
    problems: list[Problem] = []
    keys = {variable_of(key): key for key in OPTIONS}
    for variable, key in keys.items():
        text = environ.get(variable, "")
        if text.strip():
            given, wrong = _of_text(text, variable, key)
            problems += wrong
            if given is not None:
                entries.append(Entry(key, given, VARIABLE, variable))
    starts = tuple(f"{PREFIX}{section}_".upper() for section in SECTIONS)
    for variable, text in environ.items():
        if text.strip() and variable.startswith(starts) and variable not in keys:
            near = suggestion(variable, keys) if len(problems) < _MOST_HINTS else ""
            problems.append(Problem(variable, f"is no option{near}"))
    return entries, problems


def _of_text(text: str, variable: str, key: str) -> tuple[Given | None, list[Problem]]:
    if OPTIONS[key].metadata["entries"] is None:
        return Given(text, variable, is_text=True), []
    node, problems = read(text.encode("utf-8", "surrogatepass"), variable)
    return (given_of(node, variable) if node is not None else None), problems


def _origins(entries: Sequence[Entry], environment: Environment) -> dict[str, tuple[Origin, ...]]:
    found: dict[str, list[Origin]] = {key: [Origin(DEFAULT, "", option.default)] for key, option in OPTIONS.items()}
    for key, value in PRESETS.get(environment.name, {}).items():
        found[key].append(Origin(PRESET, environment.name, value))
    for entry in entries:
        found[entry.key].append(Origin(entry.layer, entry.where, entry.given.value))
    return {key: tuple(reversed(layers)) for key, layers in found.items()}


def changed(before: Config, after: Config) -> Iterator[tuple[str, Any, Any]]:
    """Every option that differs: (key, before, after)."""
    old, new = values_of(before), values_of(after)
    for key, value in old.items():
        if value != new[key]:
            yield key, value, new[key]
