"""``otel-verein run``: start a command with recording on."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import sys
from pathlib import Path

import click

from otel_verein.config.layers import resolve
from otel_verein.errors import ConfigError


@click.command(context_settings={"help_option_names": ["-h", "--help"], "ignore_unknown_options": True})
@click.option("--directory", type=click.Path(file_okay=True), help="Where files go (default: .verein/otlp).")
@click.option("--config", type=click.Path(dir_okay=False), help="The configuration (default: verein.yaml, if any).")
@click.option("--service", help="The service name (default: OTEL_SERVICE_NAME, else the working directory's name).")
@click.option("--ratio", type=click.FloatRange(0, 1), help="Share of unremarkable operations kept as traces.")
@click.option("--quiet", is_flag=True, help="Do not say what is hooked.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    directory: str | None,
    config: str | None,
    service: str | None,
    ratio: float | None,
    quiet: bool,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND with recording on, for example: otel-verein run -- gunicorn shop.wsgi

    A script is one operation: otel-verein run import.py

    Telemetry goes to files under .verein/otlp, or to the OTLP endpoint that OTEL_EXPORTER_OTLP_ENDPOINT names.
    """
    command = interpreted(command)
    executable = found(command[0])
    if executable is None:
        click.echo(f"otel-verein: {command[0]}: command not found", err=True)
        raise SystemExit(127)
    given = {
        "VEREIN_EXPORT_DIRECTORY": directory,
        "VEREIN_CONFIG": config,
        "OTEL_SERVICE_NAME": service,
        "VEREIN_SAMPLING_RATIO": None if ratio is None else str(ratio),
    }
    environ = prepared_environment(dict(os.environ) | {key: value for key, value in given.items() if value})
    if not quiet:
        for line in announcement(environ):
            click.echo(f"otel-verein: {line}", err=True)
    sys.stderr.flush()
    os.execve(executable, [executable, *command[1:]], environ)


def interpreted(command: tuple[str, ...]) -> tuple[str, ...]:
    """*command*, run with this Python if it is a script that the system cannot run by itself."""
    script = Path(command[0])
    if script.suffix == ".py" and script.is_file() and shutil.which(command[0]) is None:
        return (sys.executable, *command)
    return command


def found(command: str) -> str | None:
    """Where *command* is: beside this Python first, since the interpreter of another could not import us; then PATH."""
    beside = str(Path(sys.executable).parent)
    return shutil.which(command, path=os.pathsep.join([beside, os.environ.get("PATH", os.defpath)]))


def prepared_environment(environ: dict[str, str]) -> dict[str, str]:
    """*environ* in which every Python process sets itself up, by OpenTelemetry's own ``sitecustomize``."""
    spec = importlib.util.find_spec("opentelemetry.instrumentation.auto_instrumentation")
    assert spec is not None
    assert spec.origin is not None
    bootstrap = str(Path(spec.origin).parent)
    others = [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != bootstrap]
    return environ | {
        "PYTHONPATH": os.pathsep.join([bootstrap, *others]),
        "OTEL_PYTHON_DISTRO": "verein",
        "OTEL_PYTHON_CONFIGURATOR": "verein",
        "VEREIN_COMMAND_OPERATION": environ.get("VEREIN_COMMAND_OPERATION", "1"),
    }


def announcement(environ: dict[str, str]) -> list[str]:
    """What will be hooked, what lacks its instrumentation package, and where telemetry goes."""
    from otel_verein.exporters.choice import has_endpoint
    from otel_verein.instrumentation.drivers.registry import available
    from otel_verein.instrumentation.jobs import installed_job_systems
    from otel_verein.instrumentation.web.frameworks import installed_frameworks, missing_threading

    drivers = {driver.name.partition(" (")[0]: present for driver, present in available()}  # its parts are one driver
    hooked = [name for name, present in drivers.items() if present]
    absent = [name for name, present in drivers.items() if not present]
    lines = ["hooks " + ", ".join(hooked) + (f" (not installed: {', '.join(absent)})" if absent else "")]
    frameworks = installed_frameworks()
    watched = [f"{item.name} ({item.instrumentation})" for item in frameworks if item.instrumentation]
    watched += installed_job_systems()
    lines.append(
        "watches " + ", ".join(watched) if watched else "watches no framework: only spans of your own are operations"
    )
    lines += [
        f"{item.name} is installed but {item.distribution} is not, so its requests are no operations: "
        f"pip install {item.distribution}"
        for item in frameworks
        if not item.instrumentation and not (item.name == "starlette" and "fastapi" in {of.name for of in frameworks})
    ]
    if (line := missing_threading()) is not None:
        lines.append(line)
    return [*lines, *_configured(environ, has_endpoint(environ))]


def _configured(environ: dict[str, str], endpoint: bool) -> list[str]:
    """Where telemetry goes, and which environment presets budgets and ratio."""
    lines = ["sends to the OTLP endpoint of OTEL_EXPORTER_OTLP_*"] if endpoint else []
    try:
        resolved = resolve(environ)
    except ConfigError:
        return [*lines, "the configuration has problems; the process says which and goes on with defaults"]
    if not endpoint:
        lines.append(f"writes to {Path(resolved.config.export.directory).absolute()}")
    if resolved.environment.name:
        lines.append(f"presets of {resolved.environment.name}, by {resolved.environment.by}")
    return lines
