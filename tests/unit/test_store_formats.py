"""Forms of segments: lines, frames and streams give the same messages, whole or not at all, in bounded memory."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from otel_verein.store.taking.formats import CUT_OFF, PROTOBUF, TOO_LONG, UNREADABLE, Message, messages
from tests.unit.packed_segments import FORMS, ONE, THREE, TWO, frame, streamed


def written(tmp_path: Path, content: bytes) -> Path:
    """A file of this content, whose name says nothing of it."""
    path = tmp_path / "segment"
    path.write_bytes(content)
    return path


def read(path: Path, offset: int = 0, *, closed: bool = True, limit: int = 1000) -> list[Message]:
    """All messages of a file."""
    return list(messages(path, offset, limit=limit, closed=closed))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_messages(tmp_path: Path, form: str) -> None:
    """What a file holds is told by its content; after the last message all of it is taken."""
    found = read(written(tmp_path, FORMS[form]))

    assert [ONE, TWO] == [message.data for message in found if message.data]
    assert {None} == {message.problem for message in found}
    assert len(FORMS[form]) == found[-1].end


@pytest.mark.parametrize("form", ["lines", "frames"])
def test_reading_goes_on_at_the_end_of_any_message(tmp_path: Path, form: str) -> None:
    """Each message ends where the next begins."""
    path = written(tmp_path, FORMS[form])
    first, second = read(path)

    assert (0, first.end) == (first.offset, second.offset)
    assert [second] == read(path, first.end)
    assert [] == read(path, second.end)


@pytest.mark.parametrize("form", ["zstd", "gzip"])
def test_nobody_begins_in_the_middle_of_a_stream(tmp_path: Path, form: str) -> None:
    """Only the mark behind the last message moves the place to go on from."""
    path = written(tmp_path, FORMS[form])
    size = len(FORMS[form])

    assert [Message(0, 0, ONE), Message(0, 0, TWO), Message(0, size, b"")] == read(path)
    assert [] == read(path, size)


@pytest.mark.parametrize("form", FORMS)
def test_what_is_not_finished_is_left_for_later(tmp_path: Path, form: str) -> None:
    """Of a file that grows, no part of a message is given; of a stream nothing."""
    found = read(written(tmp_path, FORMS[form][:-3]), closed=False)

    assert {"lines": [ONE], "frames": [ONE]}.get(form, []) == [message.data for message in found]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", range(0, 60, 3))
def test_any_beginning_of_an_open_file_is_read(tmp_path: Path, form: str, size: int) -> None:
    """A file is looked at while it is written; at whatever byte that is, there is no message that will not stay."""
    found = read(written(tmp_path, FORMS[form][:size]), closed=False)

    assert all(message.data in (ONE, TWO) and message.problem is None for message in found)


def test_last_line_of_a_closed_file_needs_no_end(tmp_path: Path) -> None:
    """Whether it is whole shows when it is decoded."""
    assert [Message(0, 6, b"[1,2]"), Message(6, 9, b"[3,")] == read(written(tmp_path, b"[1,2]\n[3,"))


def test_torn_end_of_closed_frames_is_a_problem(tmp_path: Path) -> None:
    """It will not be finished any more."""
    whole = frame(ONE)

    found = read(written(tmp_path, whole + frame(TWO)[:-1]))

    assert [Message(0, len(whole), ONE), Message(len(whole), len(whole + frame(TWO)) - 1, b"", CUT_OFF)] == found


@pytest.mark.parametrize("closed", [True, False])
def test_frames_behind_a_torn_one_are_found(tmp_path: Path, closed: bool) -> None:
    """A collector that was killed while it wrote goes on in the same file."""
    torn = frame(TWO)[:-5]
    begin = len(frame(ONE))

    found = read(written(tmp_path, frame(ONE) + torn + frame(THREE)), closed=closed)

    assert [ONE, b"", THREE] == [message.data for message in found]
    assert Message(begin, begin + len(torn), b"", UNREADABLE) == found[1]


def test_damaged_frame_costs_itself_only(tmp_path: Path) -> None:
    """The next one is where the length says."""
    damaged = bytearray(frame(TWO))
    damaged[8:20] = b"\xff" * 12

    found = read(written(tmp_path, frame(ONE) + bytes(damaged) + frame(THREE)))

    assert [(ONE, None), (b"", UNREADABLE), (THREE, None)] == [(message.data, message.problem) for message in found]


@pytest.mark.parametrize("form", ["zstd", "gzip"])
def test_whole_lines_of_a_torn_stream_are_given(tmp_path: Path, form: str) -> None:
    """What a collector had written before it was killed counts; that it ends early is said."""
    lines = b"".join(b'{"resourceSpans":[%d]}\n' % (number * 7919 % 1_000_003) for number in range(40_000))
    whole = streamed(lines) if form == "zstd" else gzip.compress(lines)

    *found, last = read(written(tmp_path, whole[: len(whole) // 2]))

    assert Message(0, len(whole) // 2, b"", UNREADABLE) == last
    assert len(found) > 10_000
    assert lines.split(b"\n")[: len(found)] == [message.data for message in found]


def test_line_above_the_limit_is_passed_over(tmp_path: Path) -> None:
    """The lines around it are given, and where it stood is known."""
    begin = len(ONE) + 1

    found = read(written(tmp_path, b"\n".join((ONE, b"x" * 3_000_000, TWO, b""))))

    assert [ONE, b"", TWO] == [message.data for message in found]
    assert Message(begin, begin + 3_000_001, b"", TOO_LONG) == found[1]


@pytest.mark.parametrize("form", ["zstd", "gzip"])
def test_line_above_the_limit_in_a_stream_is_told_at_its_end(tmp_path: Path, form: str) -> None:
    """It has no place of its own in the file, so all of the file is what was not read."""
    lines = b"\n".join((ONE, b"x" * 3_000_000, TWO, b""))
    content = streamed(lines) if form == "zstd" else gzip.compress(lines)

    found = read(written(tmp_path, content))

    assert [Message(0, 0, ONE), Message(0, 0, TWO), Message(0, len(content), b"", TOO_LONG)] == found


def test_line_of_exactly_the_limit_is_given(tmp_path: Path) -> None:
    """The bound is inclusive, and the line end is not part of the line."""
    found = read(written(tmp_path, b"x" * 1000 + b"\n" + b"y" * 1001 + b"\n"))

    assert [(b"x" * 1000, None), (b"", TOO_LONG)] == [(message.data, message.problem) for message in found]


def test_long_line_without_end_waits_until_the_file_is_closed(tmp_path: Path) -> None:
    """It may still end; nobody knows how long it will be."""
    path = written(tmp_path, ONE + b"\n" + b"x" * 5000)

    assert [ONE] == [message.data for message in read(path, closed=False)]
    assert Message(len(ONE) + 1, len(ONE) + 5001, b"", TOO_LONG) == read(path)[1]


def test_frame_that_unpacks_to_more_than_the_limit_is_passed_over(tmp_path: Path) -> None:
    """Whether it is packed small or says that it is large."""
    bomb = frame(b" " * 50_000_000)
    large = frame(bytes(range(256)) * 3 + ONE * 200)

    found = read(written(tmp_path, frame(ONE) + bomb + large + frame(TWO)), limit=700)

    assert [None, TOO_LONG, TOO_LONG, None] == [message.problem for message in found]


_PEAK = """
import sys
from pathlib import Path
from otel_verein.store.taking.formats import messages
def peak():  # ru_maxrss would be that of the parent
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024
before = peak()
problems = [message.problem for message in messages(Path(sys.argv[1]), limit=1_000_000, closed=True)]
print(*problems, peak() - before, sep="; ")
"""


@pytest.mark.parametrize("form", ["lines", "zstd", "gzip", "frames"])
def test_memory_is_bounded_by_the_limit(tmp_path: Path, form: str) -> None:
    """A message of 300 MB leaves no trace in memory, however small it is packed."""
    path = tmp_path / "segment"
    with path.open("wb") as file, pa.PythonFile(file, mode="w") as sink:
        head = file.write(b"\0\0\0\0") if form == "frames" else 0
        packing = {"lines": None, "gzip": "gzip"}.get(form, "zstd")
        target = pa.CompressedOutputStream(sink, packing) if packing else sink
        for _ in range(300):
            target.write(b"x" * 1_000_000)
        target.write(b"\n{}\n")
        target.close()
    if form == "frames":
        content = path.read_bytes()
        path.write_bytes((len(content) - head).to_bytes(4, "big") + content[head:] + frame(ONE))

    process = subprocess.run([sys.executable, "-c", _PEAK, str(path)], capture_output=True, text=True, check=True)

    *problems, grown_mib = process.stdout.strip().split("; ")
    assert sorted([TOO_LONG, "None"]) == sorted(problems)
    assert int(grown_mib) < 30


PROTOBUF_FRAME = b"\0\0\0\x04\x0a\x02\x12\0"


@pytest.mark.parametrize(
    "content",
    [PROTOBUF_FRAME, frame(b"\x0a\x02\x12\0"), streamed(PROTOBUF_FRAME)],
    ids=["frames", "packed frames", "packed stream"],
)
def test_protobuf_is_refused_with_the_cure(tmp_path: Path, content: bytes) -> None:
    """``format: proto`` is told, not taken for broken JSON."""
    assert [Message(0, len(content), b"", PROTOBUF)] == read(written(tmp_path, content))


ODD = {
    "empty": (b"", []),
    "one byte": (b"{", [b"{"]),
    "blank lines": (b"\n\n", [b"", b""]),
    "nul bytes": (bytes(12) + b"\n" + ONE, [bytes(12), ONE]),
    "byte order mark": (b"\xef\xbb\xbf" + ONE + b"\n\xef\xbb\xbf", [ONE, b"\xef\xbb\xbf"]),
    "carriage returns": (ONE + b"\r\n" + TWO + b"\r\n", [ONE + b"\r", TWO + b"\r"]),
    "only half a magic number": (b"\x28\xb5\n" + ONE, [b"\x28\xb5", ONE]),
    "no utf-8": (b"\xff\xfe\n" + ONE, [b"\xff\xfe", ONE]),
}


@pytest.mark.parametrize("name", ODD)
def test_lines_are_given_as_they_are(tmp_path: Path, name: str) -> None:
    """Whether a line is a message is for the decoder to say."""
    content, expected = ODD[name]

    assert expected == [message.data for message in read(written(tmp_path, content))]


@pytest.mark.parametrize("magic", [b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08\0", b"\0\0\0\x09\x28\xb5\x2f\xfd"])
def test_file_that_only_begins_like_packed_data_is_a_problem(tmp_path: Path, magic: bytes) -> None:
    """Nothing is raised, and the file counts as looked at to its end."""
    content = magic + b"nothing of the kind" * 10

    found = read(written(tmp_path, content))

    assert {b""} == {message.data for message in found}
    assert {message.problem for message in found} <= {UNREADABLE, CUT_OFF}
    assert (0, len(content)) == (found[0].offset, found[-1].end)


def test_reading_can_be_stopped(tmp_path: Path) -> None:
    """After the message at hand, and in the middle of a line that is passed over."""
    path = written(tmp_path, b"x\n" * 100)
    found: list[Message] = []
    for message in messages(path, limit=10, stop=lambda: len(found) == 2):
        found.append(message)
    asked: list[int] = []
    path.write_bytes(b"x" * 10_000_000 + b"\n")
    left = list(messages(path, limit=10, stop=lambda: bool(asked.append(1) or len(asked) == 3)))

    assert [0, 2] == [message.offset for message in found]
    assert [] == left


@pytest.mark.parametrize("form", ["lines", "zstd"])
def test_stopped_in_a_long_line_means_not_taken(tmp_path: Path, form: str) -> None:
    """Neither is the rest of the line a line, nor is the stream at its end."""
    content = b"x" * 10_000_000 + b"\n" + ONE + b"\n"
    path = written(tmp_path, streamed(content) if form == "zstd" else content)
    asked: list[int] = []

    found = list(messages(path, limit=10, closed=True, stop=lambda: bool(asked.append(1) or len(asked) >= 3)))

    assert [] == found
