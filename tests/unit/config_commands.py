"""The commands of `otel-verein config` for tests, run in a directory of their own, and the files they are about."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from otel_verein.cli.main import main

Q = "thresholds.queries"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of its own as the working directory, and no variable that speaks of the configuration."""
    for name in list(os.environ):
        if name.startswith(("VEREIN_", "OTEL_", "FLASK_DEBUG", "DJANGO_DEBUG")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, **environ: str) -> Result:
    """`otel-verein config` with these arguments and variables."""
    return CliRunner().invoke(main, ["config", *arguments], env=environ)


def printed(*arguments: str, status: int = 0, **environ: str) -> str:
    """What the command prints, as it has to end with *status*."""
    result = run(*arguments, **environ)
    assert (result.exit_code, result.stderr) == (status, "")
    return result.stdout


def refused(*arguments: str, status: int = 2, **environ: str) -> str:
    """What the command says on stderr, as it has to end with *status* and print nothing."""
    result = run(*arguments, **environ)
    assert (result.exit_code, result.stdout) == (status, "")
    return result.stderr


def file(text: str) -> None:
    """The configuration file of the working directory."""
    Path("verein.yaml").write_text(text)


def written(directory: Path, text: str, name: str = "verein.yaml") -> Path:
    """A configuration file of that text."""
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
