"""Tables and lines on a terminal: they fit, and nothing of telemetry steers it."""

from __future__ import annotations

import io

import pytest
from rich.text import Text

from otel_verein.rendering.terminal.screen import PIPED_WIDTH, console, fitted, show, text, width_of, wrapped
from otel_verein.rendering.terminal.table import Column, table
from otel_verein.rendering.terminal.trend import marks

COLUMNS = (Column("name"), Column("n"), Column("mean", "ms"), Column("p95", "ms", 2), Column("note", rank=1, left=True))
ROWS = [("GET /" + "x" * 60, "12", "1.0", "20.5", "slow"), ("GET /", "3", "1.5", "3.0", "")]


class Terminal(io.StringIO):
    """A file that says that it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def shown(width: int) -> list[str]:
    """The table at a width."""
    return [line.plain.rstrip() for line in table(COLUMNS, ROWS, width)]


def test_a_table_shows_all_where_there_is_room() -> None:
    """Groups stand above their columns, numbers at the right, words at the left."""
    assert shown(120) == [
        " " * 71 + "----ms----",
        "name" + " " * 61 + "   n  mean   p95  note",
        "GET /" + "x" * 60 + "  12   1.0  20.5  slow",
        "GET /" + " " * 60 + "   3   1.5   3.0",
    ]


@pytest.mark.parametrize(
    ("width", "heads"), [(60, "name n mean p95 note"), (44, "name n mean note"), (38, "name n mean")]
)
def test_columns_that_matter_least_go_first(width: int, heads: str) -> None:
    """Where there is little room, the highest rank goes first; those without rank never do, and the name is cut."""
    lines = shown(width)

    assert lines[1].split() == heads.split()
    assert max(map(len, lines)) <= width
    assert "x..." in lines[2]


def test_wide_characters_are_counted_as_the_cells_they_take() -> None:
    """A name of characters of double width is cut where it would be too wide."""
    assert fitted(Text("日本語の商品一覧"), 10).cell_len <= 10
    assert {line.cell_len for line in table((Column("name"), Column("n")), [("日本語", "1"), ("abc", "2")], 80)} == {9}


@pytest.mark.parametrize("hostile", ["[bold red]x[/]", "[link=http://a]b[/link]", ":smile:", "[/]", "\\[x]"])
def test_markup_of_rich_is_text(hostile: str) -> None:
    """Names that look like markup or emoji codes are shown as they are."""
    out = Terminal()
    show([text(hostile)], console(out))

    assert hostile in out.getvalue()


def test_escapes_never_reach_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would steer the terminal is a space; the only escapes are our own colours."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Terminal()
    show([text("a\x1b]0;title\x07b\u202ec\r\nd", "red")], console(out))

    assert out.getvalue() == "\x1b[31ma ]0;title b c  d\x1b[0m\n"


@pytest.mark.parametrize("piped", [True, False], ids=["piped", "NO_COLOR"])
def test_no_colours_when_piped_or_asked_for_none(monkeypatch: pytest.MonkeyPatch, piped: bool) -> None:
    """A file gets plain text of 120 columns, and a terminal under NO_COLOR no colour."""
    monkeypatch.setenv("TERM", "xterm-256color")
    if not piped:
        monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO() if piped else Terminal()
    screen = console(out)
    show([text("a", "red")], screen)

    assert out.getvalue() == "a\n"
    assert not piped or width_of(screen) == PIPED_WIDTH


def test_what_the_encoding_lacks_is_a_question_mark() -> None:
    """Output in ASCII ends in no error."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    show([text("█ café")], console(out))
    out.flush()

    assert raw.getvalue() == b"? caf?\n"


def test_long_words_are_wrapped_with_their_indent() -> None:
    """Lines after the first are indented; none is wider than asked for."""
    assert [line.plain for line in wrapped("loss     " + "word " * 12, 40, 9)] == [
        "loss     word word word word word word",
        "         word word word word word word",
    ]


def test_marks_of_a_trend_show_what_is_unknown() -> None:
    """The highest step is the highest mark; a step of which nothing is known has its own."""
    assert marks([0.0, None, 7.0, 14.0], 10) == "▁·▅█"
    assert len(marks([1.0] * 500, 40)) <= 40
