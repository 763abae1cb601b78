"""Columns of Arrow arrays, filled with values of which most come again."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Sequence
from typing import Any, Generic, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

_V = TypeVar("_V", bound=Hashable)


class Numbers(dict[_V, int], Generic[_V]):
    """The number of each value, in the order in which they were first asked for."""

    def __missing__(self, value: _V) -> int:
        number = len(self)
        self[value] = number
        return number


_NONE = array("i", [-1])


class Repeated(Generic[_V]):
    """A column that is kept as numbers of its different values; None is no value."""

    def __init__(self) -> None:
        self.values: Numbers[_V] = Numbers()
        self._numbers = array("i")

    def extend(self, values: Sequence[_V | None]) -> None:
        """Append *values*."""
        if values.count(None) == len(values):
            self._numbers.extend(_NONE * len(values))
            return
        number = self.values.__getitem__
        self._numbers.extend([-1 if value is None else number(value) for value in values])

    def extend_with(self, value: _V, times: int) -> None:
        """Append *value* so many times."""
        self._numbers.extend(array("i", [self.values[value]]) * times)

    def indices(self) -> pa.Array:
        """For each row the number of its value; null where there is none."""
        numbers = pa.array(self._numbers, pa.int32()) if not len(self._numbers) else _of_buffer(self._numbers)
        return pc.if_else(pc.less(numbers, 0), pa.scalar(None, pa.int32()), numbers)

    def array(self, kind: pa.DataType) -> pa.Array:
        """The column, with its dictionary."""
        return pa.DictionaryArray.from_arrays(self.indices(), pa.array(list(self.values), kind))


def looked_up(indices: pa.Array, values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """A column of what *values* has at the numbers in *indices*; texts with a dictionary."""
    if pa.types.is_string(kind):
        column: Repeated[str] = Repeated()
        column.extend(values)
        return column.array(kind).take(indices)
    return pa.array(values, kind).take(indices)


def fixed(width: int, digits: Sequence[str]) -> pa.Array:
    """Ids of *width* bytes from their hexadecimal digits; raises ValueError when one is not of that length."""
    joined = "".join(digits)
    if len(joined) != 2 * width * len(digits) or (digits and set(map(len, digits)) != {2 * width}):
        raise ValueError("an id has another length")
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(width), len(digits), [None, pa.py_buffer(bytes.fromhex(joined))]
    )


def numbers(values: array[int]) -> pa.Array:
    """A column of 64-bit numbers, without copying them one by one."""
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values.tobytes())])


def _of_buffer(values: array[int]) -> pa.Array:
    return pa.Array.from_buffers(pa.int32(), len(values), [None, pa.py_buffer(values.tobytes())])
