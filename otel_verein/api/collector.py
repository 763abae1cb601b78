"""The collector's configuration from ours, and what a collector needs to run with it."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from otel_verein.collector import expiry, mending, program
from otel_verein.collector.plan import Plan, host_and_port, plan
from otel_verein.collector.render import Rendered, render
from otel_verein.config.layers import Resolved, resolve, values_of
from otel_verein.config.presets import ALIASES, ENVIRONMENTS
from otel_verein.errors import ConfigError, Problem

_FILES = (
    "collector.token_file",
    "collector.tls_cert_file",
    "collector.tls_key_file",
    "collector.tls_client_ca_file",
    "backends.token_file",
    "backends.tls_ca_file",
    "backends.tls_cert_file",
    "backends.tls_key_file",
)
"""The options that name a file which has to be there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A collector as a command line asks for it."""

    topology: str
    role: str = ""
    backends: tuple[str, ...] = ()
    environment: str = ""
    gate_free: bool = False

    @property
    def name(self) -> str:
        """What it is called: its topology, with the role where there are two."""
        return f"{self.topology}-{self.role}" if self.role else self.topology

    def __str__(self) -> str:
        words = ["--topology", self.topology, *(("--role", self.role) if self.role else ())]
        words += [word for backend in self.backends for word in ("--backend", backend)]
        words += ["--env", self.environment] if self.environment else []
        return " ".join([*words, *(["--gate-free"] if self.gate_free else [])])


@dataclass(frozen=True, slots=True)
class Made:
    """A collector's configuration, with the plan and our configuration that it was made from."""

    wanted: Wanted
    plan: Plan
    resolved: Resolved
    rendered: Rendered

    @property
    def directory(self) -> Path:
        """Where the collector keeps its files."""
        return Path(self.plan.config.collector.directory)


@dataclass(frozen=True, slots=True)
class Start:
    """How a collector is started: the words of its command, its environment, and what was done before."""

    words: tuple[str, ...]
    environ: Mapping[str, str]
    file: Path
    mended: tuple[Path, ...]


def make(wanted: Wanted, environ: Mapping[str, str], directory: Path | None = None) -> Made:
    """The configuration of the collector that is *wanted*; raises :class:`ConfigError` with all that is wrong."""
    resolved = resolve(environ, directory, environment=environment_named(wanted.environment))
    config = resolved.config
    if wanted.gate_free:
        config = replace(config, collector=replace(config.collector, record_policy=False))
    places = {key: origins[0].where for key, origins in resolved.origins.items() if origins}
    made = plan(wanted.topology, wanted.role, wanted.backends, config, places)
    return Made(wanted, made, resolved, render(made, f"otel-verein collector render {wanted}"))


def check(made: Made, named: str | None, environ: Mapping[str, str]) -> str:
    """Have a collector build what was *made*, and say which one took it.

    Raises :class:`ConfigError` for files that are not there, :class:`CollectorError` if there is no collector, or it
    does not take it.
    """
    return program.version(_taken(made, named, environ)[0])


def prepare(made: Made, named: str | None, environ: Mapping[str, str]) -> Start:
    """All that comes before the start: the files are there, the collector takes the configuration, torn lines end.

    Raises as :func:`check` does.
    """
    found, file = _taken(made, named, environ)
    mended = mending.mend(made.directory)
    settings = {"GOMEMLIMIT": f"{made.rendered.heap_goal_mib}MiB", "COLLECTOR_INSTANCE": _instance(made)}
    words = program.command(found, (), file, made.rendered.gates)
    return Start(tuple(words), {**settings, **environ}, file, tuple(each.path for each in mended))


def expire(
    environ: Mapping[str, str], *, dry_run: bool, directory: Path | None = None, now: datetime | None = None
) -> list[expiry.ClosedFile]:
    """Delete the closed files that are past the days of their tier, or with *dry_run* only say which."""
    config, moment = resolve(environ, directory).config, now or datetime.now(timezone.utc)
    place = (directory or Path.cwd()) / config.collector.directory
    found = expiry.expired(expiry.closed_files(place), expiry.days_of(config), moment)
    if not dry_run:
        expiry.delete(found)
    return found


def environment_named(name: str) -> str | None:
    """The environment of that name or alias, None for no name; raises :class:`ConfigError` if there is none such."""
    if not name:
        return None
    found = ALIASES.get(name.lower(), name.lower())
    if found not in ENVIRONMENTS:
        raise ConfigError([Problem("--env", f"{name!r} is no environment: one of {', '.join(ENVIRONMENTS)}")])
    return found


def _instance(made: Made) -> str:
    """The same after each start, and another for each collector of a host: no two share the port of their health."""
    port = host_and_port(made.plan.config.collector.health_endpoint)[1]
    return f"{socket.gethostname()}-{made.wanted.name}-{port}"


def _taken(made: Made, named: str | None, environ: Mapping[str, str]) -> tuple[Path, Path]:
    """The collector's program, and the file with what was made, which the program takes."""
    _check_files(made)
    found, file = program.find(named, environ), _written(made)
    program.check(found, file, made.rendered.gates, environ)
    return found, file


def _check_files(made: Made) -> None:
    problems, values = [], values_of(made.plan.config)
    for key in _FILES:
        file = values[key]
        if file and not os.access(file, os.R_OK):
            what = "cannot be read" if os.path.exists(file) else "is not there"
            problems.append(Problem(made.plan.places.get(key, key), f"{key}: {file} {what}"))
        elif file and not os.path.getsize(file):
            problems.append(Problem(made.plan.places.get(key, key), f"{key}: {file} is empty"))
    if problems:
        raise ConfigError(problems)


def _written(made: Made) -> Path:
    """The file of what was made, in the collector's directory; whole, whoever reads it meanwhile."""
    try:
        made.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = made.directory / f"{made.wanted.name}.yaml"
        unfinished = file.with_suffix(f".{os.getpid()}.new")
        unfinished.write_text(made.rendered.text, encoding="utf-8")
        unfinished.replace(file)
    except OSError as fault:
        where = made.plan.places.get("collector.directory", "collector.directory")
        what = f"collector.directory: {made.directory} cannot be written: {fault.strerror or fault}"
        raise ConfigError([Problem(where, what)]) from fault
    return file
