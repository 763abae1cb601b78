"""One variant in a process of its own: reads a workload's name per line, answers with the CPU time it took.

Separate processes keep the variants' providers, patched drivers and caches apart; taking orders line by
line lets the caller interleave them, so that a change of the machine's mood meets all of them.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import closing

from variants import create
from workload import BY_NAME, Workload, database, run_queries


def measure(variant, connection, workload: Workload) -> int:
    """CPU nanoseconds of all threads for the workload's operations, deferred work included."""
    variant.flush()
    begun = time.process_time_ns()
    for _ in range(workload.operations):
        with variant.open_operation():
            run_queries(connection, workload.statements)
    variant.flush()
    return time.process_time_ns() - begun


def main() -> None:
    name, endpoint = sys.argv[1:]
    variant = create(name, endpoint)
    done = {"operations": 0, "queries": 0, "operations_with_finding": 0}
    with closing(database()) as connection:
        for line in sys.stdin:
            workload = BY_NAME.get(line.strip())
            if workload is None:
                break
            print(json.dumps({"cpu_ns": measure(variant, connection, workload)}), flush=True)
            done["operations"] += workload.operations
            done["queries"] += workload.operations * len(workload.statements)
            done["operations_with_finding"] += workload.operations * workload.finding
    print(json.dumps(done | variant.finish()), flush=True)


if __name__ == "__main__":
    main()
