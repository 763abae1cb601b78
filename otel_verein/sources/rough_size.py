"""About how many bytes a record with all that it holds takes."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from itertools import islice
from typing import Any, Final

_LOOKED_AT: Final = 16
"""Members of one collection that are measured; the others are taken to be like them."""


def rough_bytes(value: Any) -> int:
    """The size of *value*; of long collections it is estimated from members spread over them.

    What several members share is counted for each, so that it is rather too much than too little.
    """
    size = sys.getsizeof(value)
    if is_dataclass(value) and not isinstance(value, type):
        return size + sum(rough_bytes(getattr(value, each.name)) for each in fields(value))
    if isinstance(value, Mapping):
        return size + _of_members(list(value.keys())) + _of_members(list(value.values()))
    if isinstance(value, tuple | list | set | frozenset):
        return size + _of_members(list(value) if isinstance(value, set | frozenset) else value)
    return size


def _of_members(members: Any) -> int:
    number = len(members)
    if number == 0:
        return 0
    step = -(-number // _LOOKED_AT)
    looked_at = list(islice(members, 0, None, step))
    return sum(map(rough_bytes, looked_at)) * number // len(looked_at)
