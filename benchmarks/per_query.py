"""What one more query costs on top of the driver: operation by operation, in one process, on one processor.

Run as a program it prints one JSON list: for each triple of a bare operation, a recorded one and a recorded one
without queries, the microseconds per query that recording added. The three follow each other within a millisecond,
so that a change of the machine's pace, which separate processes would see as a difference, meets all of them.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import closing
from typing import Any

from workload import DISTINCT, database, run_queries


def tracer() -> Any:
    """A tracer whose operations are counted and not kept; from here on new connections record."""
    from otel_verein.distro import set_up

    nowhere = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
    provider = set_up({**nowhere, "VEREIN_SAMPLING_RATIO": "0"})
    return provider.get_tracer("bench")


def added_us(triples: int) -> list[float]:
    """Microseconds per query that recording added, for each of *triples*."""
    clock = time.thread_time_ns
    with closing(database()) as bare:
        operations = tracer()
        with closing(database()) as recorded:

            def cost(connection: Any, statements: tuple[str, ...]) -> int:
                begun = clock()
                if connection is bare:
                    run_queries(connection, statements)
                else:
                    with operations.start_as_current_span("GET /items/{id}"):
                        run_queries(connection, statements)
                return clock() - begun

            found = []
            for number in range(triples + 50):
                costs = cost(bare, DISTINCT), cost(recorded, DISTINCT), cost(recorded, ())
                if number >= 50:  # the first ones fill caches
                    found.append((costs[1] - costs[0] - costs[2]) / len(DISTINCT) / 1000)
            return found


if __name__ == "__main__":
    print(json.dumps(added_us(int(sys.argv[1]))))
