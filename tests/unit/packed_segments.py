"""The same messages in every form that a segment can have."""

from __future__ import annotations

import gzip

import pyarrow as pa

ONE, TWO, THREE = b'{"resourceSpans":[{}]}', b'{"resourceMetrics":[{"a":1}]}', b'{"resourceSpans":[]}'


def packed(data: bytes) -> bytes:
    """One frame of zstd."""
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


def frame(data: bytes) -> bytes:
    """One message as the collector's file exporter writes it with ``compression: zstd``."""
    return len(packed(data)).to_bytes(4, "big") + packed(data)


def streamed(data: bytes) -> bytes:
    """One stream of zstd."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


LINES = b"\n".join((ONE, TWO, b""))
FORMS = {
    "lines": LINES,
    "frames": frame(ONE) + frame(TWO),
    "zstd": streamed(LINES),
    "zstd in two frames": streamed(ONE + b"\n") + streamed(TWO + b"\n"),
    "gzip": gzip.compress(LINES),
    "gzip in two members": gzip.compress(ONE + b"\n") + gzip.compress(TWO + b"\n"),
}
