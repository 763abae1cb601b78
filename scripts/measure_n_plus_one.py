"""Runs the labelled N+1 suite and writes docs/reference/n-plus-one-quality.md; with --check it only looks at it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def main() -> int:
    """Write the page and print its figures; exit 1 where a server is missing or, with --check, the page is stale."""
    from tests.scenarios.n_plus_one.case import Services, all_cases
    from tests.scenarios.n_plus_one.measure import Verdict, run_apart
    from tests.scenarios.n_plus_one.page import PAGE, render
    from tests.services import MariaDB, Postgres, ServiceAbsent

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is stale")
    check = parser.parse_args().check
    try:
        with Postgres() as postgres, MariaDB() as mariadb:
            outcomes = {outcome.id: outcome for outcome in run_apart(Services(postgres.url, mariadb.address))}
    except ServiceAbsent as absent:
        print(f"not measured: {absent}", file=sys.stderr)
        return 1
    verdicts = [Verdict(case, outcomes[case.id]) for case in all_cases()]
    for verdict in verdicts:
        if not verdict.right:
            print(f"{'false' if not verdict.expected else 'missed'}: {verdict.case.id} {verdict.outcome.found}")
    text = render(verdicts)
    if check:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    print(next(line for line in text.splitlines() if "**all**" in line))
    print(PAGE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
