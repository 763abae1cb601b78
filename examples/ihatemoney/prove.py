"""A second real application: ihatemoney, on Flask and SQLAlchemy, before and after the fixes that its report advises.

``python examples/ihatemoney/prove.py`` from anywhere, in an environment made as the README says. Exit code
0 when every answer is the same as before and only the repetition is left of which ``fixes`` says why, 1 otherwise.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "oscar_shop")]

import proof  # noqa: E402
import visits  # noqa: E402
from walkthrough.server import ServerError, serving  # noqa: E402

BIN = Path(sys.executable).parent
RUN = HERE / "var"
GUNICORN = [str(BIN / "gunicorn"), "serve:app", "-w", "1", "-b", "127.0.0.1:{port}"]
FIXES = ("exports", "histories", "feeds")
STAYS = "ihatemoney/history.py:80"


def main() -> int:
    """Fill, walk twice, print the table; its exit code."""
    shutil.rmtree(RUN, ignore_errors=True)
    data = filled(RUN / "data")
    before, first = walk(RUN / "before", data)
    after, second = walk(RUN / "after", data, FIXES)
    found = proof.rows(first, second)
    print(proof.table(found))
    different = [one.path for one, other in zip(before, after, strict=True) if one.plain != other.plain]
    print(f"\n{len(before)} answers, {len(different)} of them changed by the fixes: {', '.join(different) or 'none'}")
    left = {each for row in found for each in row.left}
    return 1 if different or left != {STAYS} else 0


def filled(directory: Path) -> Path:
    """A database with the household and its bills."""
    directory.mkdir(parents=True)
    database = directory / "money.sqlite3"
    with serving(GUNICORN, directory, _environment(database), HERE) as port:
        visits.fill(port)
    return database


def walk(directory: Path, data: Path, fixes: tuple[str, ...] = ()) -> tuple[list[visits.Page], dict[str, Any]]:
    """The pages of all visits to ihatemoney with *fixes*, and the report over them."""
    directory.mkdir(parents=True)
    database = Path(shutil.copy(data, directory))
    environment = _environment(database) | {
        "MONEY_FIXES": ",".join(fixes),
        "VEREIN_EXPORT_DIRECTORY": str(directory / "otlp"),
        "OTEL_RESOURCE_ATTRIBUTES": f"service.version={'fixed' if fixes else 'as-it-is'}",
    }
    with serving([str(BIN / "otel-verein"), "run", "--", *GUNICORN], directory, environment, HERE) as port:
        pages = visits.visit(port)
    done = subprocess.run(
        [str(BIN / "otel-verein"), "report", "--json"],
        cwd=HERE,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise proof.ProofError(f"otel-verein report ended with code {done.returncode}: {done.stderr.strip()}")
    return pages, json.loads(done.stdout)


def _environment(database: Path) -> dict[str, str]:
    return {
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "MONEY_DATABASE": str(database),
        "IHATEMONEY_SETTINGS_FILE_PATH": str(HERE / "settings.cfg"),
    }


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (proof.ProofError, visits.VisitError, ServerError, ValueError, OSError) as problem:
        sys.exit(f"The proof failed: {problem}")
