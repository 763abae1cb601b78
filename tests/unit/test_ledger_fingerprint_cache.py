"""What the process remembers of the statements it has seen: bounded, whatever the stream of texts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path

import pytest

from otel_verein.config.schema import Limits
from otel_verein.ledger.fingerprint import Fingerprints, fingerprint

_STATM = Path("/proc/self/statm")
_BASE = (
    "SELECT o.id, o.total FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.status = 'paid' AND o.id = 7"
)


def comments() -> Iterator[str]:
    """One query, each with another trailing comment, as a tracing middleware sends it."""
    return (f"{_BASE} /*traceparent='00-{index:032x}-{index:016x}-01'*/" for index in count())


def literals() -> Iterator[str]:
    """One query with its values written into the text."""
    return (_BASE.replace("7", str(index)).replace("paid", f"paid {index}") for index in count())


def shapes() -> Iterator[str]:
    """Statements that have nothing in common but their verb."""
    return (f"select a{index} from t{index}" for index in count())


def resident_bytes() -> int:
    """The memory that the process holds now."""
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def grown_by(known: Fingerprints, texts: Iterator[str]) -> int:
    """How many bytes the process grew by while *known* was asked for *texts*."""
    before = resident_bytes()
    for text in texts:
        known.of(text, "postgresql")
    return resident_bytes() - before


@pytest.mark.skipif(not _STATM.exists(), reason="reads the resident memory from /proc")
@pytest.mark.parametrize("stream", [comments, literals])
def test_memory_is_flat_over_unique_texts(stream: Callable[[], Iterator[str]]) -> None:
    """Texts that differ in a comment or a literal are not remembered: their number does not matter."""
    known, texts = Fingerprints(Limits()), stream()
    grown_by(known, islice(texts, 2000))

    growth = grown_by(known, islice(texts, 100_000))

    assert 0 == len(known)
    assert 3 > known.shapes
    assert 2_000_000 > growth


@pytest.mark.soak
@pytest.mark.skipif(not _STATM.exists(), reason="reads the resident memory from /proc")
@pytest.mark.parametrize(("stream", "size"), [(comments, 1_000_000), (literals, 1_000_000), (shapes, 200_000)])
def test_memory_is_flat_over_a_million_texts(stream: Callable[[], Iterator[str]], size: int) -> None:
    """A million distinct texts, and 200,000 distinct shapes, take no more room than some thousands."""
    known, texts = Fingerprints(Limits()), stream()
    grown_by(known, islice(texts, 20_000))

    growth = grown_by(known, islice(texts, size))

    assert Limits().fingerprints >= max(len(known), known.shapes)
    assert 8_000_000 > growth


@pytest.mark.parametrize("stream", [comments, literals, shapes])
def test_number_of_texts_and_shapes_is_bounded(stream: Callable[[], Iterator[str]]) -> None:
    """Neither texts nor shapes go past the configured number, even if every text comes three times."""
    known = Fingerprints(Limits(fingerprints=100))

    for text in islice(stream(), 1000):
        for _ in range(3):
            known.of(text, "sqlite")
        assert max(len(known), known.shapes) <= 100


def test_a_text_is_remembered_the_second_time() -> None:
    """The first time may be the only one; the second says that there will be more."""
    known = Fingerprints(Limits())

    sizes = []
    for _ in range(3):
        known.of("select a from t", "sqlite")
        sizes.append(len(known))

    assert [0, 1, 1] == sizes


def test_long_texts_are_never_remembered() -> None:
    """A text of some kilobytes is read each time; its shape may be remembered, if that is short."""
    known = Fingerprints(Limits())
    text = f"insert into t values {', '.join(['(1, 2)'] * 5000)}"

    found = [known.of(text, "sqlite") for _ in range(3)]

    assert [fingerprint(text, "sqlite")] * 3 == found
    assert 0 == len(known)


def test_dialects_are_apart() -> None:
    """The same text may be two statements in two databases."""
    known = Fingerprints(Limits())
    text = 'select a from t where b = "c"'

    texts = [known.of(text, dialect).text for dialect in ("mysql", "postgresql") for _ in range(2)]

    assert ["select a from t where b = ?"] * 2 + [text] * 2 == texts


def test_spacing_alone_makes_no_new_shape_to_read() -> None:
    """A text that differs from a known shape in its spacing has the very fingerprint of that shape."""
    known = Fingerprints(Limits())

    one = known.of("select a from t where b = 1", "sqlite")
    other = known.of("select a\n   from t\n  where b = 2", "sqlite")

    assert one is other
