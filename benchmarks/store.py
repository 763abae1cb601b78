"""What the store makes of a million spans and more: size, speed, memory, growth, and what it costs who runs beside it.

Each job runs in a process of its own on one processor. Segments are written piece by piece, taken, and deleted.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from figures import Target
from sections import RESULTS, Row, Section, machine, publish
from store_beside import ROUND_S, ROUNDS, Beside, beside
from store_growth import PIECE, Growth, Mark, Took
from store_speed import Speed, speeds
from store_tables import answer_table, beside_table, ingest_table, per_cpu_second, size_table, speed_table
from store_targets import beside_targets, growth_targets, ingest_targets, size_targets

from otel_verein.store.layout import Store

MILLIONS = (1, 3, 10, 20)
"""Of spans; the last of them are more than ten million operations."""
BIG_BYTES = 1 << 30
PARTS = ("ingest", "growth", "big", "beside")


@dataclass
class Found:
    """All that was measured."""

    speeds: Sequence[Speed] = ()
    marks: Sequence[Mark] = ()
    big: Sequence[Took] = ()
    runs: Sequence[Beside] = field(default=())

    def tables(self) -> list[tuple[str, list[Row]]]:
        """A table for each part."""
        made = [ingest_table(self.speeds)] if self.speeds else []
        if self.marks:
            made += [table(self.marks) for table in (size_table, speed_table, answer_table)]
        return made + ([beside_table(self.runs)] if self.runs else [])

    def targets(self) -> list[Target]:
        """What was asked for, of each part; sizes at every mark."""
        judged = [target for mark in self.marks for target in size_targets(mark)]
        if self.speeds:
            judged += ingest_targets(self.speeds)
        if self.marks:
            judged += growth_targets(self.marks, self.big)
        return judged + (beside_targets(self.runs) if self.runs else [])

    def conditions(self) -> list[str]:
        """What the segments hold, how the rounds beside applications go, and the big segment."""
        return [
            machine(),
            f"Traffic: {PIECE.services} services of {PIECE.processes} processes and {PIECE.shapes} operations each; "
            f"{PIECE.operations:,} operations an hour, of which {PIECE.ratio:.0%} and all with faults are exported; "
            f"metrics every {PIECE.interval_s} s.",
            f"Beside applications: {ROUNDS} pairs of rounds of {ROUND_S:.0f} s, the watch stopped in one of each.",
            *(
                f"One segment of {BIG_BYTES / 2**30:.0f} GiB: {per_cpu_second([took])[0]:,.0f} spans per CPU second, "
                f"RSS {took.peak_mib:.0f} MiB."
                for took in self.big
            ),
        ]


def big_segment(scratch: Path) -> Took:
    """The ingest of one segment of about a gigabyte, metrics beside it."""
    traffic = replace(PIECE, processes=1, services=1, segment_bytes=BIG_BYTES, segment_age_s=86_400, seed=2)
    traffic = replace(traffic, operations=traffic.operations * 4 // 5)
    return Growth(Store(scratch / "big-store"), scratch / "big", traffic).up_to(1).ingests[0]


def grown(millions: Sequence[int], scratch: Path) -> list[Mark]:
    """The store at so many million spans."""
    growth = Growth(Store(scratch / "store"), scratch / "segments")
    return [growth.up_to(each * 1_000_000) for each in millions]


def measured(parts: Collection[str], millions: Sequence[int], scratch: Path) -> Found:
    """The *parts* that are wanted."""
    return Found(
        speeds(scratch) if "ingest" in parts else (),
        grown(millions, scratch) if "growth" in parts else (),
        (big_segment(scratch),) if "big" in parts else (),
        [beside(number) for number in (1, 2)] if "beside" in parts else (),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--millions", type=int, nargs="+", default=MILLIONS, help="of spans; default: %(default)s")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--scratch", type=Path, help="where the store grows; default: the temporary directory")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIRECTORY", help="default: %(default)s")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="verein-bench-", dir=given.scratch) as name:
        found = measured(given.only, given.millions, Path(name))
    judged = [str(target) for target in found.targets()]
    section = Section(
        "store", "What the store takes", "make bench-store", found.conditions(), found.tables(), judged, asdict(found)
    )
    publish(section, given.results, None)


if __name__ == "__main__":
    main()
