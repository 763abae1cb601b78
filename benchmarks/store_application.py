"""An application under load with otel-verein, as its distro sets it up; answers a number of seconds with its work.

Operations run one after the other with no pause: five queries, and every twentieth is an N+1.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import closing

from variants import ATTRIBUTES, NAME
from workload import DISTINCT, database, run_queries

from otel_verein.distro import set_up

PLAIN, LOOP = DISTINCT[:5], DISTINCT[:1] * 20
LOOP_EVERY = 20
AT_ONCE = 100


def main() -> None:
    from opentelemetry.trace import SpanKind

    directory, service = sys.argv[1:]
    environ = {"VEREIN_EXPORT_DIRECTORY": directory, "VEREIN_EXPORT_SEGMENT_AGE_S": "2", "OTEL_SERVICE_NAME": service}
    provider = set_up(environ)
    tracer = provider.get_tracer("bench")
    number = 0
    with closing(database()) as connection:
        for line in sys.stdin:
            until, done, cpu = time.perf_counter() + float(line), 0, time.process_time()
            while time.perf_counter() < until:
                for _ in range(AT_ONCE):
                    number += 1
                    with tracer.start_as_current_span(NAME, kind=SpanKind.SERVER, attributes=ATTRIBUTES):
                        run_queries(connection, LOOP if number % LOOP_EVERY == 0 else PLAIN)
                done += AT_ONCE
            print(json.dumps({"operations": done, "cpu_s": time.process_time() - cpu}), flush=True)
    provider.shutdown()


if __name__ == "__main__":
    main()
