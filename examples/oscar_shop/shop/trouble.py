"""What a shop suffers from after a bad release: errors, a loop of queries on every page, and waiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count

from django.http import HttpRequest, HttpResponse

HEADER = "X-Trouble"
FAILS_EACH = 10
LOOPS_EACH = 5
WAITS_EACH = 50
LOOPS = 60
"""More queries than `thresholds.queries` allows."""

WAIT_S = 2.1
"""Longer than `thresholds.duration_s` allows."""


class Trouble:
    """Of the requests of a process some fail, some look every product up by itself, and some wait.

    What befell a request stands in a header of its answer; a failed one has the status 500.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._numbers = count(1)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        number = next(self._numbers)
        if number % FAILS_EACH == 0:
            raise RuntimeError("the bad release")
        trouble = []
        if number % LOOPS_EACH == 1:
            look_each_up()
            trouble.append("queries")
        if number % WAITS_EACH == 3:
            time.sleep(WAIT_S)
            trouble.append("duration")
        response = self._get_response(request)
        response[HEADER] = ",".join(trouble)
        return response


def look_each_up() -> int:
    """How many of the first products there are, asked for one by one."""
    from oscar.core.loading import get_model

    product = get_model("catalogue", "Product")
    return sum(product.objects.filter(pk=number).exists() for number in range(1, LOOPS + 1))
