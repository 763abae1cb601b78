"""One variant in a process of its own: reads a workload's name per line, answers with the CPU time it took.

Separate processes keep the variants' providers, patched drivers and caches apart; taking orders line by
line lets the caller interleave them, so that a change of the machine's mood meets all of them.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import closing
from typing import Any

from variants import Endpoints, Variant, create
from workload import BY_NAME, Workload, database


def measure(variant: Variant, connection: Any, workload: Workload) -> int:
    """CPU nanoseconds of all threads for the workload's operations, deferred work included."""
    run = variant.run
    variant.flush()
    begun = time.process_time_ns()
    for _ in range(workload.operations):
        with variant.open_operation():
            run(connection, workload.statements)
    variant.flush()
    return time.process_time_ns() - begun


def answer(**values: object) -> None:
    print(json.dumps(values), flush=True)


def main() -> None:
    name, http, scout = sys.argv[1:]
    variant = create(name, Endpoints(http, scout))
    done = {"operations": 0, "queries": 0, "operations_with_finding": 0}
    with closing(database()) as connection:
        variant.flush()
        answer(hooked=type(connection).__module__ != "sqlite3")
        for line in sys.stdin:
            workload = BY_NAME.get(line.strip())
            if workload is None:
                break
            answer(cpu_ns=measure(variant, connection, workload))
            done["operations"] += workload.operations
            done["queries"] += workload.operations * len(workload.statements)
            done["operations_with_finding"] += workload.operations * workload.finding
    answer(asked=done, known=variant.finish())


if __name__ == "__main__":
    main()
