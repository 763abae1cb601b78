"""Writes the page of the reference from the results of the other programs of this folder, measuring nothing."""

from __future__ import annotations

import argparse
from pathlib import Path

from sections import RESULTS, write_page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIRECTORY", help="default: %(default)s")
    parser.add_argument("--markdown", type=Path, default=Path("docs/reference/overhead.md"), metavar="FILE")
    given = parser.parse_args()
    write_page(given.results, given.markdown)


if __name__ == "__main__":
    main()
