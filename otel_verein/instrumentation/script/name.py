"""Which operation a Python process is, going by its command line: a script is one, a server or worker is none."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

SERVERS = frozenset(
    {
        "celery", "circusd", "daphne", "dramatiq", "faust", "granian", "gunicorn", "honcho", "huey_consumer",
        "hypercorn", "mod_wsgi-express", "pserve", "rq", "rqscheduler", "rqworker", "sanic", "supervisord",
        "taskiq", "twistd", "uvicorn", "uwsgi", "waitress", "waitress-serve", "arq", "streamlit",
    }
)  # fmt: skip
"""Programs that serve requests or jobs: those are their operations. All their subcommands count as serving."""

NO_COMMANDS = frozenset(
    {
        "coverage", "debugpy", "ipython", "ipython3", "jupyter", "jupyter-lab", "jupyter-notebook", "nox",
        "otel-verein", "pip", "pip3", "pytest", "py.test", "tox", "unittest", "idlelib", "http.server",
        "multiprocessing.forkserver",
    }
)  # fmt: skip
"""Programs that run other code piece by piece; one operation around all of it would say nothing."""

SERVING_SUBCOMMANDS = frozenset(
    {
        "celery", "db_worker", "dev", "procrastinate", "process_tasks", "qcluster", "run", "run_huey",
        "rundramatiq", "runserver", "runserver_plus", "runworker", "rqscheduler", "rqworker", "shell",
        "shell_plus", "test", "testserver",
    }
)  # fmt: skip
"""Subcommands of :data:`DISPATCHERS` that serve, or run other code piece by piece."""

DISPATCHERS = frozenset({"django", "django-admin", "manage", "fastapi", "flask"})
"""Programs whose subcommand decides."""

_NAMED_WITH_SUBCOMMAND = frozenset({"django", "django-admin", "manage"})
_LIBRARY_FOLDERS = frozenset({"site-packages", "dist-packages"})


def command_name(arguments: Sequence[str], original: Sequence[str], directory: Path) -> str | None:
    """The name of the operation that this process is; None if it is none, as a server, a worker or a prompt.

    *arguments* is ``sys.argv`` before the program runs, *original* ``sys.orig_argv``, *directory* where it was started.
    """
    first, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if first in ("", "-", "-c"):
        return None
    if first == "-m":
        module = _module(arguments, original)
        return module and _chosen(module, module.partition(".")[0], f"python -m {module}", rest)
    path = Path(directory, first)
    if _in_library(path):
        return None
    return _chosen(path.name, path.stem if path.suffix in (".py", ".exe") else path.name, _shown(path, directory), rest)


def _module(arguments: Sequence[str], original: Sequence[str]) -> str | None:
    """The module that ``-m`` names: it stands right before the arguments, alone or behind its option (``-um name``)."""
    at = len(original) - len(arguments)
    word = original[at] if 0 < at < len(original) else ""
    return word.partition("m")[2] or None if word.startswith("-") else word or None


def _chosen(full: str, program: str, shown: str, rest: Sequence[str]) -> str | None:
    if {full, program} & (SERVERS | NO_COMMANDS):
        return None
    if program not in DISPATCHERS:
        return shown
    words = [word for word in rest if not word.startswith("-")]
    if not words or SERVING_SUBCOMMANDS.intersection(words[:1] if program in _NAMED_WITH_SUBCOMMAND else words):
        return None
    return f"{shown} {words[0]}" if program in _NAMED_WITH_SUBCOMMAND else shown


def _in_library(path: Path) -> bool:
    """Whether *path* is a helper that a library starts by itself; what is installed to be called lies in ``bin``."""
    library = sysconfig.get_path("stdlib")
    return bool(_LIBRARY_FOLDERS.intersection(path.parts)) or str(path).startswith(library + os.sep)


def _shown(path: Path, directory: Path) -> str:
    """*path* as people write it: relative to where it was started, or bare where it lies beside the interpreter."""
    normal = Path(os.path.normpath(path))
    if normal.parent == Path(sys.executable).parent or not normal.is_relative_to(directory):
        return normal.name
    return str(normal.relative_to(directory))
