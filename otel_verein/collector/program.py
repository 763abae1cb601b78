"""The collector's program: where it is, what it says of a configuration, and how it is started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from otel_verein.errors import CollectorError

VARIABLE = "VEREIN_COLLECTOR"
NAMES = ("otel-verein-collector", "otelcol-contrib")

_VALIDATE_S = 60


def find(named: str | None, environ: Mapping[str, str], beside: Path | None = None) -> Path:
    """The program that was *named*, else the one of ``VEREIN_COLLECTOR``, *beside* this Python, or on PATH.

    Raises :class:`CollectorError` where there is none.
    """
    for given, whence in ((named, "--binary"), (environ.get(VARIABLE), VARIABLE)):
        if given:
            found = shutil.which(given, path=environ.get("PATH", os.defpath))
            if found is None:
                raise CollectorError(f"{whence}: {given} is no program")
            return Path(found)
    places = os.pathsep.join([str(beside or Path(sys.executable).parent), environ.get("PATH", os.defpath)])
    for name in NAMES:
        found = shutil.which(name, path=places)
        if found is not None:
            return Path(found)
    raise CollectorError(
        f"there is no {' and no '.join(NAMES)}: build it by `make collector`, or name one by --binary or {VARIABLE}"
    )


def command(program: Path, verb: Sequence[str], file: Path, gates: Sequence[str]) -> list[str]:
    """What runs *program* with the configuration in *file*; *verb* is empty, or a subcommand."""
    switches = [f"--feature-gates={','.join(f'+{gate}' for gate in gates)}"] if gates else []
    return [str(program), *verb, "--config", str(file), *switches]


def version(program: Path) -> str:
    """What it says of itself, such as ``otelcol-contrib version 0.155.0``."""
    return _said([str(program), "--version"], str(program), os.environ)


def check(program: Path, file: Path, gates: Sequence[str], environ: Mapping[str, str]) -> None:
    """Have *program* build all that *file* asks for, and start nothing; raises :class:`CollectorError` if it cannot."""
    _said(command(program, ("validate",), file, gates), f"{program.name} does not take the configuration", environ)


def _said(words: Sequence[str], what: str, environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            words, env=environ, capture_output=True, check=False, timeout=_VALIDATE_S, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise CollectorError(f"{what}: {fault}") from fault
    said = (done.stdout + done.stderr).decode(errors="replace").strip()
    if done.returncode:
        raise CollectorError(f"{what}: {_reason(said) or f'it ended with {done.returncode}'}")
    return said


def _reason(said: str) -> str:
    """What is wrong, without the lines that the collector logs as JSON or prints as usage."""
    lines = [line for line in said.splitlines() if line and "\t" not in line and not line.startswith("{")]
    return "\n".join(line.removeprefix("Error: ") for line in lines)
