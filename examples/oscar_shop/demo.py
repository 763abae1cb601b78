"""The demo: a real shop under ``otel-verein run``, about 200 visits to it, and what ``otel-verein report`` says.

``python examples/oscar_shop/demo.py`` from anywhere, with the ``demo`` extra installed.  Exit code 0 when all
went as it must, 1 with a message otherwise, 130 after Ctrl-C.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

SHOP = Path(__file__).resolve().parent
sys.path.insert(0, str(SHOP))

from walkthrough.browser import Page  # noqa: E402
from walkthrough.server import ServerError, fresh, serving  # noqa: E402
from walkthrough.traffic import surprises, visit_together  # noqa: E402

BIN = Path(sys.executable).parent
RUN = SHOP / "var" / "run"
GUNICORN = ["gunicorn", "shop.wsgi", "-w", "2", "-b", "127.0.0.1:{port}"]
LISTS = "/accounts/orders/"
TWIN = "/accounts/emails/"


class DemoError(Exception):
    """The demo cannot go on, or saw what it must not see; the message says why."""


def main() -> int:
    """Run the demo; its exit code."""
    # SIGTERM stops the demo as Ctrl-C does: in order, with the server down.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _demo()
    except (DemoError, ServerError, ValueError, OSError) as problem:
        print(f"\nThe demo failed: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the server is down.", file=sys.stderr)
        return 130
    return 0


def _demo() -> None:
    data = seeded()
    environment = {**fresh(RUN, data), "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = ["otel-verein", "run", "--", *GUNICORN]
    print(f"$ cd examples/oscar_shop && {' '.join(command).format(port='<free port>')}", flush=True)
    started = time.monotonic()
    with serving([str(BIN / "otel-verein"), *command[1:]], RUN, environment) as port:
        pages = visit_together(port, _progress)
    _summary(pages, time.monotonic() - started)
    print("$ otel-verein report\n", flush=True)
    print(report(environment), flush=True)
    print(takeaway(json.loads(report(environment, "--json"))))


def seeded() -> Path:
    """The folder with the shop's data; built when there is none for these settings, seed and versions."""
    key = hashlib.sha256()
    for name in ("settings.py", "seed.py"):
        key.update((SHOP / "shop" / name).read_bytes())
    for package in ("django", "django-oscar"):
        key.update(version(package).encode())
    data = SHOP / "var" / f"shop-{key.hexdigest()[:12]}"
    if data.exists():
        return data
    _clear_stale()
    print("Building the shop's data, once (about half a minute):", flush=True)
    # oscar and Whoosh are not ours; what Python thinks of their style is not this demo's subject.
    command = [sys.executable, "-W", "ignore", "-m", "shop.seed", str(data)]
    if subprocess.run(command, cwd=SHOP).returncode:
        raise DemoError("the shop's data could not be built; the reason stands above")
    return data


def _clear_stale() -> None:
    """Remove data of other versions, and builds that were killed; a build of the last hour may still be at work."""
    for folder in SHOP.glob("var/shop-*"):
        if folder.suffix != ".unfinished" or folder.stat().st_mtime < time.time() - 3600:
            shutil.rmtree(folder)


def _progress(count: int) -> None:
    if sys.stdout.isatty():
        print(f"\r  {count} requests ...", end="", flush=True)


def _summary(pages: list[Page], seconds: float) -> None:
    statuses = Counter(page.status for page in pages)
    counts = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    print(
        f"\r  {len(pages)} requests in {seconds:.0f} s, start and stop of the server included: {counts}\n", flush=True
    )
    wrong = surprises(pages)
    if wrong:
        raise DemoError(
            f"{len(wrong)} answers are not what the shop should give, first {wrong[0]}; see {RUN}/server.log"
        )


def report(environment: dict[str, str], *options: str) -> str:
    """What ``otel-verein report`` prints."""
    done = subprocess.run(
        [str(BIN / "otel-verein"), "report", *options],
        cwd=SHOP,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise DemoError(f"otel-verein report ended with code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def takeaway(report: dict[str, Any]) -> str:
    """Where to look: a list page with an N+1 and its twin without, as far as *report* bears it out."""
    by_route = {entry["operation"].split()[-1]: entry for entry in report["operations"]}
    found = [one for one in report["findings"] if one["operation"].split()[-1] == LISTS and one["call_site"]]
    silent = not [one for one in report["findings"] if one["operation"].split()[-1] == TWIN]
    if not found or not silent or TWIN not in by_route:
        raise DemoError(f"the report should name an N+1 in {LISTS} with its line, and none in {TWIN}")
    site, orders, emails = found[0]["call_site"], by_route[LISTS], by_route[TWIN]
    return (
        f"What to look at: {LISTS} runs one query per order, up to {found[0]['repeats_max']} in a request,\n"
        f"  from {site['file']}:{site['line']} in {site['function']}: up to {orders['queries']['max']} queries.\n"
        f"Its twin {TWIN} lists as many rows from one query: never more than {emails['queries']['max']}, no finding"
        f" in {emails['count']} requests."
    )


if __name__ == "__main__":
    sys.exit(main())
