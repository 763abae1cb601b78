"""What a process notices of its files: a look at a time, on a clock that the test sets."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_verein.config.watch import Look, Watch

NOW = 1_800_000_000_000_000_000
SECOND = 1_000_000_000
LONG_AGO = NOW - 3600 * SECOND

_opened: list[str] | None = None


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _opened is not None and not isinstance(arguments[0], int):
        _opened.append(os.path.basename(os.fsdecode(arguments[0])))  # type: ignore[arg-type]


sys.addaudithook(_note)  # stays for the process; it notes something only while a test asks for it


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """The names of all files that are opened from now on."""
    global _opened
    _opened = []
    yield _opened
    _opened = None


class Site:
    """A directory with a ``verein.yaml``, a clock, and the watch of a process in it."""

    def __init__(self, directory: Path, text: str | None = "thresholds: {queries: 11}\n", **environ: str) -> None:
        self.file = directory / "verein.yaml"
        self.override = directory / ".verein/config/override.yaml"
        self.now = NOW
        if text is not None:
            self.write(text)
        self.watch = Watch(environ, directory, lambda: self.now)
        self.start = self.watch.read()

    def write(self, text: str, at: int = LONG_AGO, file: Path | None = None) -> None:
        """Rewrite a file in place; *at* is its time stamp."""
        file = file or self.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, ns=(at, at))

    def looks(self, number: int) -> list[int | str | None]:
        """What that many looks give: the budget of queries in force, the first problem, or None."""
        return [said(self.watch.look()) for _ in range(number)]


def said(look: Look | None) -> int | str | None:
    """The budget of queries, or the first problem; None for no look at the files."""
    if look is None:
        return None
    if look.resolved is not None:
        return look.resolved.config.thresholds.queries
    assert look.error is not None
    return look.error.problems[0].what


def test_nothing_is_opened_while_nothing_changes(tmp_path: Path, opened: list[str]) -> None:
    """A hundred looks at files that are as they were open none at all."""
    site = Site(tmp_path)
    site.write("thresholds: {queries: 12}\n", file=site.override)
    assert site.looks(2) == [None, 12]
    opened.clear()

    assert ([None] * 100, []) == (site.looks(100), opened)


def test_a_change_is_read_when_it_has_settled(tmp_path: Path, opened: list[str]) -> None:
    """The look that sees it waits for the next, which finds the file the same and reads it, once."""
    site = Site(tmp_path)
    site.write("thresholds: {queries: 12}\n", LONG_AGO + 1)
    opened.clear()

    assert [None, 12, None, None] == site.looks(4)
    assert opened == ["verein.yaml", "override.yaml"]


def test_a_file_that_changes_with_every_look_is_read_in_the_end(tmp_path: Path) -> None:
    """After three looks it is read as it is, and three looks later again."""
    site = Site(tmp_path)
    found = []
    for number in range(1, 10):
        site.write(f"thresholds: {{queries: {number}}}\n", LONG_AGO + number)
        found += site.looks(1)

    assert [None, None, 3, None, None, 6, None, None, 9] == found
    assert site.looks(2) == [None, None]


def test_half_a_file_that_is_finished_in_time_is_no_problem(tmp_path: Path) -> None:
    """An editor that empties the file first and then writes it is not seen in between."""
    site = Site(tmp_path)
    site.write("thresholds: {queries: ", LONG_AGO + 1)
    first = site.looks(1)
    site.write("thresholds: {queries: 12}\n", LONG_AGO + 2)

    assert [None, None, 12] == first + site.looks(2)


@pytest.mark.parametrize("age", [0, SECOND, 2 * SECOND - 1])
def test_a_young_file_is_read_once_more(age: int, tmp_path: Path) -> None:
    """Rewritten in place with the same size in the same tick of the disk's clock, a file looks as it did."""
    site = Site(tmp_path, None)
    site.write("thresholds: {queries: 11}\n", NOW - age)
    assert site.looks(2) == [None, 11]
    site.write("thresholds: {queries: 12}\n", NOW - age)

    site.now = NOW - age + 2 * SECOND - 1
    before = site.looks(3)
    site.now += 1

    assert ([None] * 3, [12, None, None]) == (before, site.looks(3))


def test_an_old_file_is_not_read_once_more(tmp_path: Path) -> None:
    """The silent twin: the time stamp is older than any tick, so a later change would have another."""
    site = Site(tmp_path, None)
    site.write("thresholds: {queries: 11}\n", NOW - 2 * SECOND)
    assert site.looks(2) == [None, 11]

    site.now = NOW + 3600 * SECOND
    assert [None] * 3 == site.looks(3)


@pytest.mark.parametrize("ahead", [1, 60, 10**6])
def test_a_file_from_the_future_is_read_once(ahead: int, tmp_path: Path, opened: list[str]) -> None:
    """A clock that was set back, or a disk of another machine, does not have the file read with every look."""
    site = Site(tmp_path, None)
    site.write("thresholds: {queries: 11}\n", NOW + ahead * SECOND)
    opened.clear()

    assert [None, 11] + [None] * 20 == site.looks(22)
    assert opened == ["verein.yaml", "override.yaml"]


def test_a_file_that_goes_and_one_that_comes(tmp_path: Path) -> None:
    """Without its file a process has the defaults, and back again."""
    site = Site(tmp_path)
    site.file.unlink()
    gone = site.looks(3)
    site.write("thresholds: {queries: 12}\n")

    assert ([None, 50, None], [None, 12, None]) == (gone, site.looks(3))


def test_a_named_file_has_to_stay(tmp_path: Path) -> None:
    """Where a variable names it, a file that is gone is a problem, and told once."""
    site = Site(tmp_path, VEREIN_CONFIG="verein.yaml")
    assert said(site.start) == 11
    site.file.unlink()

    assert [None, "cannot be read: No such file or directory", None] == site.looks(3)


def test_what_cannot_be_read_is_a_problem_until_it_can(tmp_path: Path) -> None:
    """A directory in the place of the file; it is told once, and a file is taken again."""
    site = Site(tmp_path)
    site.file.unlink()
    site.file.mkdir()
    os.utime(site.file, ns=(LONG_AGO, LONG_AGO))
    broken = site.looks(4)
    site.file.rmdir()
    site.write("thresholds: {queries: 12}\n")

    assert [None, "cannot be read: it is not a regular file", None, None] == broken
    assert [None, 12, None] == site.looks(3)


def test_a_mistake_is_a_problem_until_it_is_cured(tmp_path: Path) -> None:
    """Each state of the file is read once, the wrong one, too."""
    site = Site(tmp_path)
    site.write("thresholds: {querys: 12}\n")
    wrong = site.looks(3)
    site.write("thresholds: {queries: 12}\n")

    unknown = "thresholds.querys: unknown key; did you mean 'queries'?"
    assert ([None, unknown, None], [None, 12, None]) == (wrong, site.looks(3))


def test_an_override_that_comes_and_goes(tmp_path: Path) -> None:
    """Its directory need not be there when the process starts."""
    site = Site(tmp_path)
    site.write("thresholds: {queries: 12}\n", file=site.override)
    came = site.looks(3)
    site.override.unlink()

    assert ([None, 12, None], [None, 11, None]) == (came, site.looks(3))


def test_an_override_ends_by_the_clock(tmp_path: Path, opened: list[str]) -> None:
    """With the first look after its end, though no file has changed; the next end is awaited then."""
    site = Site(tmp_path)
    site.write(
        "thresholds: {queries: 12, duration_s: 3}\n"
        "until: {thresholds.queries: '2027-01-15T08:00:10Z', thresholds.duration_s: '2027-01-15T08:00:20Z'}\n",
        file=site.override,
    )
    started = site.looks(2)
    opened.clear()

    found = []
    for seconds in (9.999, 10, 19.999, 20, 30):
        site.now = NOW + int(seconds * SECOND)
        found += site.looks(2)

    assert ([None, 12], [None, None, 11, None, None, None, 11, None, None, None]) == (started, found)
    assert opened == ["verein.yaml", "override.yaml"] * 2


def test_a_child_reads_with_its_first_look(tmp_path: Path) -> None:
    """A fork keeps nothing of what a thread of the parent was about to do; a change in between is in force at once."""
    site = Site(tmp_path)
    site.watch.forget()
    unchanged = site.looks(2)
    site.write("thresholds: {queries: 12}\n", LONG_AGO + 1)
    site.looks(1)

    site.watch.forget()

    assert ([11, None], [12, None]) == (unchanged, site.looks(2))


def test_a_link_that_is_swapped_is_a_change(tmp_path: Path) -> None:
    """Kubernetes replaces a ConfigMap by renaming a link to a new directory; the files have the same size and time."""
    for number in (11, 12):
        (tmp_path / f"..{number}").mkdir()
        file = tmp_path / f"..{number}/verein.yaml"
        file.write_text(f"thresholds: {{queries: {number}}}\n")
        os.utime(file, ns=(LONG_AGO, LONG_AGO))
    (tmp_path / "..data").symlink_to("..11")
    (tmp_path / "verein.yaml").symlink_to("..data/verein.yaml")
    site = Site(tmp_path, None)
    assert said(site.start) == 11

    (tmp_path / "..data_tmp").symlink_to("..12")
    os.replace(tmp_path / "..data_tmp", tmp_path / "..data")

    assert [None, 12, None] == site.looks(3)


def test_a_link_that_leads_to_itself_is_a_problem(tmp_path: Path) -> None:
    """What the system says of the path is told; the look itself does not fail."""
    site = Site(tmp_path)
    site.file.unlink()
    site.file.symlink_to(site.file)

    assert [None, "cannot be read: Too many levels of symbolic links", None] == site.looks(3)


def test_what_the_application_does_to_its_process_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables and the working directory are those of the start."""
    (tmp_path / "start").mkdir()
    (tmp_path / "later").mkdir()
    (tmp_path / "start/ours.yaml").write_text("thresholds: {queries: 11}\n")
    monkeypatch.chdir(tmp_path / "start")
    environ = {"VEREIN_CONFIG": "ours.yaml", "VEREIN_SAMPLING_RATIO": "0.5"}
    watch = Watch(environ)
    watch.read()

    monkeypatch.chdir(tmp_path / "later")
    environ |= {"VEREIN_CONFIG": "other.yaml", "VEREIN_THRESHOLDS_QUERIES": "99"}
    (tmp_path / "start/ours.yaml").write_text("thresholds: {queries: 12, duration_s: 1}\n")
    looks = [watch.look() for _ in range(2)]

    (found,) = [look.resolved.config for look in looks if look is not None and look.resolved is not None]
    assert (12, 0.5) == (found.thresholds.queries, found.sampling.ratio)


def test_a_standard_file_keeps_the_variables_in_its_values(tmp_path: Path) -> None:
    """Any variable may stand in it, and is there still when the file is read again; our own file is watched, too."""
    otel = tmp_path / "otel.yaml"
    node = "distribution: {verein: {thresholds: {queries: '${SHOP_QUERIES}'}}}\n"
    site = Site(tmp_path, OTEL_CONFIG_FILE="otel.yaml", SHOP_QUERIES="33")
    assert said(site.start) == "cannot be read: No such file or directory"

    site.write(node, file=otel)
    with_node = site.looks(2)
    site.write("distribution: {}\n", file=otel)
    without = site.looks(2)
    site.write("thresholds: {queries: 12}\n", LONG_AGO + 1)

    assert ([None, 33], [None, 11], [None, 12]) == (with_node, without, site.looks(2))
