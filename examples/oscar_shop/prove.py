"""The proof of the demo's findings: the same visits before and after the fixes, and what each report counts.

``python examples/oscar_shop/prove.py [fix ...]`` from anywhere; all fixes without arguments. Exit code 0 when every
answer is the same as before and no repetition is left, 1 otherwise.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

SHOP = Path(__file__).resolve().parent
sys.path[:0] = [str(SHOP), str(SHOP.parent)]

import demo  # noqa: E402
import proof  # noqa: E402
from fixes.apps import FIXES  # noqa: E402
from walkthrough.browser import Page  # noqa: E402
from walkthrough.server import ServerError, fresh, serving  # noqa: E402
from walkthrough.traffic import visit  # noqa: E402

# One worker and one visitor: what a process asks for once is asked for in the same request of both walks.
GUNICORN = [str(demo.BIN / "gunicorn"), "shop.wsgi", "-w", "1", "-b", "127.0.0.1:{port}"]
_TOKENS = re.compile(rb'(name="csrfmiddlewaretoken" value="|<meta name="created" content=")[^"]+')


def walk(
    directory: Path, fixes: tuple[str, ...] = (), visits: Callable[[int], list[Page]] = visit
) -> tuple[list[Page], dict[str, Any]]:
    """The pages of all *visits* to the shop with *fixes*, and the report over them; *directory* is made anew."""
    environment = {
        **fresh(directory, demo.seeded()),
        "PATH": f"{demo.BIN}{os.pathsep}{os.environ.get('PATH', '')}",
        "OTEL_RESOURCE_ATTRIBUTES": f"service.version={'fixed' if fixes else 'as-it-is'}",
    }
    if fixes:
        environment |= {"DJANGO_SETTINGS_MODULE": "shop.settings_fixed", "SHOP_FIXES": ",".join(fixes)}
    with serving([str(demo.BIN / "otel-verein"), "run", "--", *GUNICORN], directory, environment) as port:
        pages = visits(port)
    return pages, json.loads(demo.report(environment, "--json"))


def changed(before: list[Page], after: list[Page]) -> list[str]:
    """The paths whose answers differ, but for tokens and the clock."""
    pairs = zip(before, after, strict=True)
    return [one.path for one, other in pairs if (one.status, _plain(one)) != (other.status, _plain(other))]


def _plain(page: Page) -> bytes:
    return _TOKENS.sub(rb"\1", page.body)


def main() -> int:
    """Walk twice, print the table; its exit code."""
    fixes = tuple(sys.argv[1:]) or FIXES
    before, first = walk(SHOP / "var" / "before")
    after, second = walk(SHOP / "var" / "after", fixes)
    found = proof.rows(first, second)
    print(proof.table(found))
    different = changed(before, after)
    print(f"\n{len(before)} answers, {len(different)} of them changed by the fixes: {', '.join(different) or 'none'}")
    return 1 if different or any(row.left for row in found) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (demo.DemoError, proof.ProofError, ServerError, ValueError, OSError) as problem:
        sys.exit(f"The proof failed: {problem}")
