"""Which command lines are an operation, and what it is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from otel_verein.instrumentation.script.name import command_name

HERE = Path("/srv/shop")
BIN = Path(sys.executable).parent
NAMED = {
    "import.py": "import.py",
    "./import.py 2026-01-01": "import.py",
    "jobs/nightly.py --all": "jobs/nightly.py",
    "/srv/shop/jobs/nightly.py": "jobs/nightly.py",
    "/opt/other/nightly.py": "nightly.py",
    "../other/nightly.py": "nightly.py",
    "manage.py migrate --fake": "manage.py migrate",
    "./manage.py --settings=x import_prices a.csv": "manage.py import_prices",
    f"{BIN}/django-admin loaddata a.json": "django-admin loaddata",
    f"{BIN}/alembic upgrade head": "alembic",
    f"{BIN}/flask db upgrade": "flask",
    "-m shop.jobs.nightly --all": "python -m shop.jobs.nightly",
    "-m django migrate": "python -m django migrate",
    "shop.pyz": "shop.pyz",
}
UNNAMED = [
    "", "-", "-c x", "-m gunicorn shop.wsgi", "-m uvicorn.main shop:app", "-m celery -A shop worker", "-m pytest",
    "-m http.server", "-m flask run", "-m flask --app shop run --port 1",
    f"{BIN}/gunicorn shop.wsgi", f"{BIN}/celery -A shop worker", f"{BIN}/rq worker", f"{BIN}/uvicorn shop:app",
    f"{BIN}/hypercorn shop:app", f"{BIN}/daphne shop:app", f"{BIN}/waitress-serve shop:app", f"{BIN}/flask run",
    f"{BIN}/flask --app shop run --debug", f"{BIN}/pytest -q", "manage.py runserver 0:80", "manage.py",
    "manage.py shell", "manage.py test", "manage.py rqworker high",
    "/x/lib/python3.11/site-packages/pip/__pip-runner__.py install",
]  # fmt: skip


def _named(line: str) -> str | None:
    """The name for a command line of Python, as the interpreter gives it to a program before it starts."""
    words = line.split()
    if words[:1] == ["-m"]:
        return command_name(["-m", *words[2:]], ["python", *words], HERE)
    return command_name(words, ["python", *words], HERE)


@pytest.mark.parametrize(("line", "name"), NAMED.items(), ids=NAMED.keys())
def test_command_is_named_by_what_runs(line: str, name: str) -> None:
    """A script has its path, a module its command line, Django's commands their own name; arguments are left out."""
    assert name == _named(line)


@pytest.mark.parametrize("line", UNNAMED)
def test_server_worker_and_prompt_are_no_operation(line: str) -> None:
    """What serves requests or jobs, runs other code piece by piece, or is a helper of a library is none."""
    assert _named(line) is None


@pytest.mark.parametrize("options", [[], ["-u"], ["-W", "ignore"], ["-X", "utf8", "-I"]], ids=" ".join)
@pytest.mark.parametrize("joined", [False, True], ids=["apart", "joined"])
def test_module_is_found_behind_options_of_the_interpreter(options: list[str], joined: bool) -> None:
    """``python -u -m name`` and ``python -umname`` are the module *name*."""
    program = ["-mshop.jobs"] if joined else ["-m", "shop.jobs"]

    assert "python -m shop.jobs" == command_name(["-m", "-m", "x"], ["python", *options, *program, "-m", "x"], HERE)


def test_interpreter_gives_its_arguments_as_expected() -> None:
    """Before a module runs, the interpreter says ``-m`` in place of its path; the name rests on that."""
    code = "import sys; print(sys.argv, sys.orig_argv[1:])"
    done = subprocess.run([sys.executable, "-c", code, "a"], capture_output=True, text=True, check=True)

    assert f"['-c', 'a'] ['-c', {code!r}, 'a']" == done.stdout.strip()
