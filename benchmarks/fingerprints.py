"""CPU cost of a statement's fingerprint, per text and per kilobyte: known text, known shape, new shape.

Pinned to one processor. Every round measures all statements in all three states; the figures are medians over the
rounds with quartiles, so a disturbed round does not shift them.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from figures import spread
from statements import BY_HAND, DJANGO, FRAPPE, SQLALCHEMY, TEMPLATES, Template

from otel_verein.config.schema import Limits
from otel_verein.ledger.fingerprint import Fingerprints, fingerprint

STATES = {
    "known text": "a text seen before",
    "known shape": "a text never seen, of a shape seen before: other literals, comment or length of a list",
    "new shape": "the first text of its shape",
}
FAMILIES = {"all": TEMPLATES, "Django": DJANGO, "SQLAlchemy": SQLALCHEMY, "Frappe": FRAPPE, "by hand": BY_HAND}
Figures = dict[str, dict[str, list[float]]]


def cost_us(calls: int, call: Callable[[], object]) -> float:
    """Microseconds of processor time that one of *calls* calls made by *call* takes."""
    started = time.process_time_ns()
    call()
    return (time.process_time_ns() - started) / 1000 / calls


def measure(template: Template, number: int, repeats: int) -> dict[str, float]:
    """Microseconds per text in each state; *number* makes the texts of this round unlike those of the others."""
    known = Fingerprints(Limits())
    of = known.within(template.dialect)
    for seed in range(40):  # every length of a list, twice
        of(template.filled(seed))
    fresh = [template.filled(1000 + number * repeats + index) for index in range(repeats)]
    text = template.filled(7)
    for _ in range(3):
        of(text)
    result = {
        "known shape": cost_us(repeats, lambda: [of(one) for one in fresh]),
        "known text": cost_us(100 * repeats, lambda: [of(text) for _ in range(100 * repeats)]),
        "new shape": cost_us(repeats, lambda: [fingerprint(one, template.dialect) for one in fresh]),
    }
    if len(set(fresh)) == 1:
        del result["known shape"]  # all values are parameters: there is but one text
    return result


def rounds(count: int, repeats: int) -> Figures:
    """Microseconds per text by statement and state, one value per round; a warm-up round is thrown away."""
    found: Figures = {template.name: {state: [] for state in STATES} for template in TEMPLATES}
    for number in range(count + 1):
        for template in TEMPLATES:
            for state, value in measure(template, number, repeats).items():
                if number:
                    found[template.name][state].append(value)
    return found


def characters(template: Template) -> float:
    """The mean length of the texts."""
    return sum(len(template.filled(seed)) for seed in range(1000, 1050)) / 50


def of_family(found: Figures, templates: Sequence[Template], state: str) -> str:
    """Microseconds per text and per 1000 characters of all *templates* together; a dash where none has the state."""
    measured = [template for template in templates if found[template.name][state]]
    if not measured:
        return "-"
    totals = [sum(values) for values in zip(*(found[template.name][state] for template in measured), strict=True)]
    size = sum(characters(template) for template in measured)
    per_text = spread([total / len(measured) for total in totals])
    return f"{per_text.median:.2f} = {spread([1000 * total / size for total in totals])}"


def table(found: Figures) -> list[tuple[str, ...]]:
    """The head, the families, then each statement."""
    rows = [("statements", "characters", *STATES)]
    groups = {f"{family} ({len(templates)})": templates for family, templates in FAMILIES.items()}
    for name, templates in {**groups, **{template.name: [template] for template in TEMPLATES}}.items():
        size = sum(map(characters, templates)) / len(templates)
        rows.append((name, f"{size:.0f}", *(of_family(found, templates, state) for state in STATES)))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--texts", type=int, default=50, help="texts of each statement in a round")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there, too")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rows = table(rounds(max(2, options.rounds), options.texts))
    conditions = [
        f"Python {platform.python_version()}, one processor; processor time: µs per text = µs per 1000 characters.",
        f"Median [quartiles] of {options.rounds} rounds of {options.texts} texts of each statement.",
        *(f"{state}: {meaning}." for state, meaning in STATES.items()),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    print("\n".join([*conditions, ""]))
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if options.markdown:
        lines = [f"| {' | '.join(row)} |" for row in rows]
        lines.insert(1, "| --- | ---: | ---: | ---: | ---: |")
        head = ["# What a fingerprint costs", "", "Written by `python benchmarks/fingerprints.py --markdown FILE`.", ""]
        page = [*head, *(f"- {line}" for line in conditions), "", *lines, ""]
        options.markdown.write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main()
