"""What is wrong with a configuration file, in every environment that it may run in."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from otel_verein.api.config import SCHEMA, alone
from otel_verein.config.content import content
from otel_verein.config.entries import FILE, OVERRIDE
from otel_verein.config.files import FILE_VARIABLE, Files
from otel_verein.config.layers import Resolved, files_of, resolve
from otel_verein.config.presets import ENVIRONMENTS
from otel_verein.config.reading import ABSENT, FileEntries, file_entries, override_entries
from otel_verein.errors import ConfigError, Problem

_KEY = re.compile(r"(?:in [a-z, ]+: |without an environment: )?([a-z_]+(?:\.[a-z_]+|\[\d+\])*): ")


@dataclass(frozen=True, slots=True)
class Validation:
    """The problems of a configuration; without any, how many options the file sets, and the digest here."""

    files: Files
    has_file: bool
    problems: tuple[Problem, ...]
    options: int
    digest: str | None

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of schema version 1, for editors and CI."""
        return {
            "schema": SCHEMA,
            "file": str(self.files.file) if self.has_file else None,
            "valid": not self.problems,
            "options": self.options,
            "digest": self.digest,
            "problems": [_problem(each) for each in self.problems],
        }


def validate(environ: Mapping[str, str], file: Path | None = None, directory: Path | None = None) -> Validation:
    """Check *file* by itself, or else what a process would read that starts with *environ* in *directory*.

    Each environment is tried; the ones that the file rules out by ``environment:`` are not, unless it has a block for
    them. Raises :class:`ConfigError` only for a file that cannot be read.
    """
    override = None
    if file is not None:
        environ = {key: value for key, value in alone(environ).items() if key != "OTEL_CONFIG_FILE"}
        environ[FILE_VARIABLE] = str(file)
        override = b""
    files = files_of(environ, directory)
    has_file = os.path.exists(files.file)
    if files.named or has_file:
        data: bytes | None = _bytes(files.file)
        said = file_entries(data or b"", str(files.file), files.base, environ)
    else:
        data, said = None, FileEntries()

    here = partial(_resolved, environ, directory, data, override)
    found = _told(here, {name: partial(here, environment=name) for name in _environments(said, environ)})
    keys = {each.key for entries in (said.entries, *said.blocks.values()) for each in entries}
    return Validation(files, has_file, found, len(keys), None if found else here().digest)


def check_change(environ: Mapping[str, str], directory: Path | None, layer: str, data: bytes) -> None:
    """Raise :class:`ConfigError` with all that is wrong if *data* is the content of the file, or of the override.

    That is: here and now, after the end of each override, and where the file has a block for another environment.
    """
    files, now = files_of(environ, directory), datetime.now(timezone.utc)
    file = data if layer == FILE else None
    override = data if layer == OVERRIDE else content(files.override) or b""
    runs: dict[str, Callable[[], object]] = {"": partial(_resolved, environ, directory, file, override, now=now)}
    for end in sorted(set(override_entries(override, str(files.override), now).until.values())):
        told = f"from {end:%Y-%m-%d %H:%M:%S} UTC on"
        runs[told] = partial(_resolved, environ, directory, file, override, now=end)
    if layer == FILE:
        runs["without the override"] = partial(_resolved, environ, directory, file, b"", now=now)
        for name in file_entries(data, str(files.file), files.base, environ).blocks:
            runs[f"in {name}"] = partial(_resolved, alone(environ), directory, file, b"", now=now, environment=name)
    found: dict[Problem, Problem] = {}
    for told, run in runs.items():
        for problem in _problems(run):
            found.setdefault(problem, Problem(problem.where, f"{told}: {problem.what}") if told else problem)
    if found:
        raise ConfigError(sorted(found.values(), key=lambda problem: problem.place))


def _resolved(
    environ: Mapping[str, str],
    directory: Path | None,
    file: bytes | None,
    override: bytes | None,
    *,
    environment: str | None = None,
    now: datetime | None = None,
) -> Resolved:
    return resolve(environ, directory, data=file, override_data=override, environment=environment, now=now)


def _told(here: Callable[[], object], environments: Mapping[str, Callable[[], object]]) -> tuple[Problem, ...]:
    """Every problem that any of these raises, once, in the order of the file.

    One that does not arise in all *environments*, which have the one here among them, says where it does.
    """
    found: dict[Problem, list[str]] = {}
    for name, run in environments.items():
        for problem in _problems(run):
            found.setdefault(problem, []).append(f"in {name}" if name else "without an environment")
    told = [problem for problem in _problems(here) if problem not in found]
    for problem, names in found.items():
        in_some = "" if len(names) == len(environments) else f"{', '.join(names)}: "
        told.append(Problem(problem.where, in_some + problem.what))
    return tuple(sorted(told, key=lambda problem: problem.place))


def _problems(run: Callable[[], object]) -> tuple[Problem, ...]:
    try:
        run()
    except ConfigError as fault:
        return tuple(dict.fromkeys(fault.problems))
    return ()


def _environments(said: FileEntries, environ: Mapping[str, str]) -> tuple[str, ...]:
    named = said.environment[0] if said.environment else None
    if named in ENVIRONMENTS and not environ.get("VEREIN_ENVIRONMENT"):
        return tuple(name for name in ENVIRONMENTS if name == named or name in said.blocks)
    return ("", *ENVIRONMENTS)


def _bytes(path: Path) -> bytes:
    data = content(path)
    if data is None:
        raise ConfigError([Problem(str(path), ABSENT)])
    return data


def _problem(problem: Problem) -> dict[str, Any]:
    (file, line), key = problem.place, _KEY.match(problem.what)
    return {
        "file": file if line else None,
        "line": line or None,
        "where": problem.where,
        "key": key[1] if key else None,
        "message": problem.what,
    }
