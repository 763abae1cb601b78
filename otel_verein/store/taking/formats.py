"""The messages of a segment, whichever way they were packed.

What a file holds is told by its first bytes, never by its name:

* lines, each a message in JSON: our own segments, and what the collector's file exporter writes by default;
* frames, each a message in JSON compressed with zstd behind its length in four bytes: the file exporter with
  ``compression: zstd``;
* lines in one stream of gzip or zstd: what ``gzip`` and ``zstd`` make of a segment, and the file exporter with its
  feature gate ``exporter.file.nativeCompression``.

The frames of ``format: proto`` are known, and refused.
"""

from __future__ import annotations

import enum
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import pyarrow as pa

TOO_LONG = "longer than the limit of a message"
CUT_OFF = "ends before its message does"
UNREADABLE = "not readable as the compressed data that it begins like"
PROTOBUF = "protobuf is not read; give the collector's file exporter `format: json`"

_BLOCK = 1024 * 1024
_ZSTD = b"\x28\xb5\x2f\xfd"
_GZIP = b"\x1f\x8b"
_FIRST_FIELD = b"\x0a"
"""How each protobuf message of OTLP begins: field 1, with a length."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LENGTH = 4


class Message(NamedTuple):
    """One message of a segment, or a stretch of it that holds none.

    ``offset`` and ``end`` count bytes of the file; ``end`` is where to go on once this and all before it are stored.
    Nobody can begin in the middle of a compressed stream: its messages have 0 for both, and after the last of them
    comes one without data, whose ``end`` is the end of the file, with the problem that any of them had. With a
    ``problem`` there is no data; what is between ``offset`` and ``end`` was not read.
    """

    offset: int
    end: int
    data: bytes
    problem: str | None = None


class Form(enum.Enum):
    """How a file packs its messages."""

    LINES = "lines"
    FRAMES = "frames"
    GZIP = "gzip"
    ZSTD = "zstd"
    PROTOBUF = "protobuf"


def form_of(start: bytes) -> Form:
    """What the first eight bytes of a file say of the rest; a file that is shorter holds lines, if anything."""
    if start.startswith(_ZSTD):
        return Form.ZSTD
    if start.startswith(_GZIP):
        return Form.GZIP
    if start[_LENGTH:] == _ZSTD:
        return Form.FRAMES
    if start[:1] == b"\0" and start[:_LENGTH] != bytes(_LENGTH) and start[_LENGTH : _LENGTH + 1] == _FIRST_FIELD:
        return Form.PROTOBUF
    return Form.LINES


def messages(
    path: Path,
    offset: int = 0,
    *,
    limit: int,
    closed: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Message]:
    """The messages from byte *offset* to where the file ends now, one in memory at a time.

    Of a file that is not *closed* the end may be missing yet: an unfinished line or frame is left for the next time,
    and so is a whole compressed stream. Of a closed one the last line counts without its line end too, and what is
    unfinished is given with its problem. A message above *limit* bytes, unpacked, is passed over with TOO_LONG.
    *stop* is asked after each message and each block of one that is passed over. Raises OSError.
    """
    with path.open("rb", buffering=_BLOCK) as file:
        size = os.fstat(file.fileno()).st_size
        form = form_of(file.read(_LENGTH + len(_ZSTD)))
        if offset >= size:
            return
        if form is Form.LINES:
            file.seek(offset)
            found = _lines(file, offset, size, limit, closed, stop)
        elif form is Form.FRAMES:
            found = _frames(file, offset, size, limit, closed)
        elif not closed:
            return
        elif form is Form.PROTOBUF:
            found = iter((Message(offset, size, b"", PROTOBUF),))
        else:
            file.seek(0)
            found = _stream(file, form, size, limit, stop)
        for message in found:
            yield message
            if stop():
                return


def _lines(
    file: BinaryIO, offset: int, size: int, limit: int, closed: bool, stop: Callable[[], bool]
) -> Iterator[Message]:
    while offset < size:
        line = file.readline(limit + 1)
        end, ended = offset + len(line), line.endswith(b"\n")
        problem = None
        if len(line) > limit and not ended:
            line, problem = b"", TOO_LONG
            end, ended = _after_line(file, end, stop)
        if end == offset or not (ended or (closed and not stop())):
            return
        if offset == 0:
            line = line.removeprefix(_BYTE_ORDER_MARK)
        yield Message(offset, end, line.removesuffix(b"\n"), problem)
        offset = end


def _after_line(file: BinaryIO, offset: int, stop: Callable[[], bool]) -> tuple[int, bool]:
    """Where the line ends that *offset* is in, and whether it does; its bytes are read and forgotten."""
    while not stop():
        block = file.readline(_BLOCK)
        offset += len(block)
        if block.endswith(b"\n"):
            return offset, True
        if not block:
            break
    return offset, False


def _frames(file: BinaryIO, offset: int, size: int, limit: int, closed: bool) -> Iterator[Message]:
    while offset < size:
        file.seek(offset)
        header = file.read(_LENGTH + len(_ZSTD))
        end = offset + _LENGTH + int.from_bytes(header[:_LENGTH], "big")
        whole = header[_LENGTH:] == _ZSTD and end <= size
        followed = whole and _frame_at(file, end, size)
        # Torn, when the collector was killed while it wrote: behind that it goes on with a whole frame.
        following = None if followed else _next_frame(file, offset + 1, size)
        if followed or (whole and (following is None or following >= end)):
            data, problem = _unpacked(file, offset + _LENGTH, end, limit)
            yield Message(offset, end, data, problem)
            offset = end
        elif following is None and not closed:
            return
        else:
            yield Message(offset, following or size, b"", UNREADABLE if following else CUT_OFF)
            offset = following or size


def _unpacked(file: BinaryIO, offset: int, end: int, limit: int) -> tuple[bytes, str | None]:
    """The message in the frame from *offset* to *end*, and what is wrong with it."""
    if end - offset > limit:
        return b"", TOO_LONG
    file.seek(offset)
    packed = pa.CompressedInputStream(pa.BufferReader(file.read(end - offset)), Form.ZSTD.value)
    blocks, most = [], limit
    try:
        while block := packed.read(min(_BLOCK, most + 1)):
            if len(block) > most:
                return b"", TOO_LONG
            blocks.append(block)
            most -= len(block)
    except OSError:
        return b"", UNREADABLE
    data = b"".join(blocks)
    if data[:1] == _FIRST_FIELD and data.lstrip()[:1] != b"{":
        return b"", PROTOBUF
    return data, None


def _frame_at(file: BinaryIO, offset: int, size: int) -> bool:
    """Whether a frame begins at *offset*, or the file ends."""
    file.seek(offset)
    start = file.read(_LENGTH + len(_ZSTD))
    length = int.from_bytes(start[:_LENGTH], "big")
    return offset == size or (start[_LENGTH:] == _ZSTD and offset + _LENGTH + length <= size)


def _next_frame(file: BinaryIO, offset: int, size: int) -> int | None:
    """Where the next whole frame begins, at *offset* or behind it."""
    kept = _LENGTH + len(_ZSTD) - 1
    while offset < size:
        file.seek(offset)
        block = file.read(_BLOCK)
        at = block.find(_ZSTD, _LENGTH)
        while at >= 0:
            if _frame_at(file, offset + at - _LENGTH, size):
                return offset + at - _LENGTH
            at = block.find(_ZSTD, at + 1)
        if len(block) <= kept:
            break
        offset += len(block) - kept
    return None


def _stream(file: BinaryIO, form: Form, size: int, limit: int, stop: Callable[[], bool]) -> Iterator[Message]:
    unpacked = _Unpacked(file, form)
    lines = io.BufferedReader(unpacked, _BLOCK)
    if form_of(lines.peek()[: _LENGTH + len(_ZSTD)]) is Form.PROTOBUF:
        yield Message(0, size, b"", PROTOBUF)
        return
    problem = None
    for message in _lines(lines, 0, _ENDLESS, limit, True, stop):
        problem = problem or message.problem
        if message.problem is None:
            yield message._replace(offset=0, end=0)
    if stop():
        return
    yield Message(0, size, b"", UNREADABLE if unpacked.broken else problem)


_ENDLESS = 1 << 62


class _Unpacked(io.RawIOBase):
    """The content of a compressed stream; one that is cut off or broken ends with its last whole line."""

    def __init__(self, file: BinaryIO, form: Form) -> None:
        self._packed = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), form.value)
        self.broken = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self.broken:
            return 0
        # pyarrow fills the buffer and then raises, without saying how much of it is filled.
        buffer[:] = bytes(len(buffer))
        try:
            return int(self._packed.readinto(buffer))
        except OSError:
            self.broken = True
            return bytes(buffer).rfind(b"\n") + 1
