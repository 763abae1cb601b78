"""A script whose jobs are operations by hand: in threads, or in processes that it forks or spawns."""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ThreadPoolExecutor

from matrix_work import work

from otel_verein import operation


@operation("job", kind="consumer")
def job(number: int) -> None:
    work(number)


def main() -> None:
    how, number = sys.argv[1], int(sys.argv[2])
    if how == "threads":
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(job, range(number)))
        return
    context = multiprocessing.get_context(how)
    with context.Pool(2) as pool:
        pool.map(job, range(number))
        pool.close()
        pool.join()


if __name__ == "__main__":
    main()
