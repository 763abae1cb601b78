"""Two sets of results beside each other, such as those of two commits: medians, their ratio, and whether it is noise.

A difference counts as one where the quartiles of the two do not overlap. A variant that the change does not touch,
above all the bare one, shows how far the machine itself has moved between the runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from figures import spread
from sections import ORDER, Row, load


def values(section: str, directory: Path) -> dict[tuple[str, str], list[float]]:
    """Every single measurement of a section, by variant and kind of work."""
    found = load(section, directory)
    if found is None:
        return {}
    if section == "django_page":
        return {(variant, "page"): us for variant, us in found.raw["us_per_page"].items()}
    per_variant = found.raw.get("us_per_operation", {})
    return {(variant, work): us for variant, kinds in per_variant.items() for work, us in kinds.items()}


def rows(section: str, old: Path, new: Path) -> Iterator[Row]:
    """A line for each variant and kind of work that both have."""
    before, after = values(section, old), values(section, new)
    for key in before.keys() & after.keys():
        one, other = spread(before[key]), spread(after[key])
        apart = one.high < other.low or other.high < one.low
        yield (*key, str(one), str(other), f"{other.median / one.median:.3f}", "" if apart else "within the spread")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", type=Path, help="the directory of results of the one")
    parser.add_argument("new", type=Path, help="and of the other")
    given = parser.parse_args()
    lines = [row for section in ORDER for row in sorted(rows(section, given.old, given.new))]
    if not lines:
        raise SystemExit(f"error: {given.old} and {given.new} have no section in common")
    table: list[Row] = [("variant", "work", "µs, old", "µs, new", "new / old", ""), *lines]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    main()
