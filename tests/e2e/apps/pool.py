"""A job in child processes: ``pool.py HOW OPERATIONS``, each child runs operation n with n queries.

HOW is ``executor``, or how multiprocessing starts the children: ``fork``, ``spawn`` or ``forkserver``.
"""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor

import script

CHILDREN = 2


def main(how: str, operations: int) -> None:
    """Run the job of ``script`` in two children, and once more in the parent."""
    if how == "executor":
        with ProcessPoolExecutor(CHILDREN) as pool:
            list(pool.map(script.main, [operations] * CHILDREN, ["return"] * CHILDREN))
    else:
        context = multiprocessing.get_context(how)
        children = [context.Process(target=script.main, args=(operations, "return")) for _ in range(CHILDREN)]
        for child in children:
            child.start()
        for child in children:
            child.join()
    script.main(operations, "return")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
