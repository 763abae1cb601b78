"""Changes of a configuration on record: who, when, what and why, and the way back."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from otel_verein.config.changes import OVERRIDE, UNSET, Edit, Target, apply, rollback
from otel_verein.config.changes import history as history_module
from otel_verein.config.changes.atomic import MAX_BYTES
from otel_verein.config.changes.entry import Change, Entry
from otel_verein.config.changes.history import entries, hash_of, snapshot
from otel_verein.config.changes.lock import locked
from otel_verein.errors import ConfigError, Problem

QUERIES = ("thresholds", "queries")


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A file that is not there yet."""
    return Target(tmp_path / "verein.yaml", tmp_path / ".verein" / "config")


def accepted(_: bytes) -> None:
    """The check of somebody who agrees to everything."""


def set_queries(target: Target, value: object, why: str = "") -> Entry:
    """One change that is made."""
    entry = apply(target, [Edit(QUERIES, value)], why, accepted, who="ann")
    assert entry is not None
    return entry


def actions(target: Target) -> list[tuple[int, str, tuple[Change, ...]]]:
    """The history in short."""
    return [(entry.id, entry.action, entry.changes) for entry in entries(target.state)]


def test_a_change_is_on_record(target: Target) -> None:
    """The entry says who, when, what, why, and what the file was and is; it is in the history as it is given."""
    before = datetime.now(timezone.utc) - timedelta(milliseconds=1)

    entry = set_queries(target, 7, why="too many alerts")

    after = hash_of(b"thresholds:\n  queries: 7\n")
    assert Entry(
        id=1, when=entry.when, who="ann", pid=os.getpid(), action="set", layer="file",
        changes=(Change("thresholds.queries", None, 7, added=True),), why="too many alerts", before=None, after=after,
    ) == entry  # fmt: skip
    assert before <= datetime.fromisoformat(entry.when.replace("Z", "+00:00")) <= datetime.now(timezone.utc)
    assert [entry] == entries(target.state)
    assert b"thresholds:\n  queries: 7\n" == target.file.read_bytes() == snapshot(target.state, after or "")


def test_a_line_of_the_history_is_plain_json(target: Target) -> None:
    """Anything can read it: one object a line, with marks for what was not set."""
    entry = set_queries(target, 7)

    line = (target.state / "history.jsonl").read_text()

    assert {
        "id": 1, "when": entry.when, "who": "ann", "pid": os.getpid(), "action": "set", "layer": "file",
        "changes": [{"key": "thresholds.queries", "old": None, "new": 7, "added": True}], "why": "",
        "before": None, "after": entry.after, "more": 0,
    } == json.loads(line)  # fmt: skip
    assert line.count("\n") == 1


def test_several_edits_are_one_entry(target: Target) -> None:
    """They are made together, and the record has them together."""
    set_queries(target, 7)

    edits = [Edit(QUERIES, UNSET), Edit(("sampling", "ratio"), 0.5), Edit(("export", "directory"), "/var")]
    apply(target, edits, "", accepted)

    changes = (
        Change("thresholds.queries", 7, None, removed=True),
        Change("sampling.ratio", None, 0.5, added=True),
        Change("export.directory", None, "/var", added=True),
    )
    assert (2, "set", changes) == actions(target)[-1]


def test_unset_is_an_action_of_its_own(target: Target) -> None:
    """A change that only takes keys away says so."""
    set_queries(target, 7)

    apply(target, [Edit(QUERIES, UNSET)], "", accepted)

    assert (2, "unset", (Change("thresholds.queries", 7, None, removed=True),)) == actions(target)[-1]
    assert b"" == target.file.read_bytes()


def test_what_is_there_already_is_no_change(target: Target) -> None:
    """Nothing is written, and nothing recorded."""
    set_queries(target, 7)
    written = target.file.stat()

    assert apply(target, [Edit(QUERIES, 7)], "", accepted) is None

    assert written == target.file.stat()
    assert 1 == len(entries(target.state))


def test_a_refused_change_leaves_nothing(target: Target) -> None:
    """The check sees the new bytes; if it raises, file and history are as before."""
    set_queries(target, 7)
    seen: list[bytes] = []

    def refuse(data: bytes) -> None:
        seen.append(data)
        raise ConfigError([Problem("here", "no")])

    with pytest.raises(ConfigError, match=r"^here: no$"):
        apply(target, [Edit(QUERIES, 8)], "", refuse)

    assert [b"thresholds:\n  queries: 8\n"] == seen
    assert (b"thresholds:\n  queries: 7\n", 1) == (target.file.read_bytes(), len(entries(target.state)))


def test_every_second_of_a_thousand_changes_is_refused(target: Target) -> None:
    """Half of the changes are in the history, with numbers that leave none out."""

    def even(data: bytes) -> None:
        if int(data.split()[-1]) % 2:
            raise ConfigError([Problem("here", "odd")])

    refused = 0
    for value in range(1000):
        try:
            apply(target, [Edit(QUERIES, value)], "", even)
        except ConfigError:
            refused += 1

    recorded = entries(target.state)
    assert 500 == refused == len(recorded)
    assert list(range(1, 501)) == [entry.id for entry in recorded]
    assert list(range(0, 1000, 2)) == [entry.changes[0].new for entry in recorded]


def test_an_edit_by_hand_is_noticed(target: Target) -> None:
    """The next change finds that the file is not what it left, and puts that on record first."""
    set_queries(target, 7)
    target.file.write_text("# mine\nthresholds:\n  queries: 9\n")

    set_queries(target, 8)

    recorded = entries(target.state)
    assert [
        (1, "set", (Change("thresholds.queries", None, 7, added=True),)),
        (2, "outside", (Change("thresholds.queries", 7, 9),)),
        (3, "set", (Change("thresholds.queries", 9, 8),)),
    ] == actions(target)
    assert ("unknown", None) == (recorded[1].who, recorded[1].pid)
    assert [None, *(entry.after for entry in recorded[:-1])] == [entry.before for entry in recorded]
    assert b"# mine\nthresholds:\n  queries: 9\n" == snapshot(target.state, recorded[1].after or "")


def test_a_file_made_unreadable_by_hand_is_noticed_and_can_be_rolled_back(target: Target) -> None:
    """What cannot be read has no keys to name; the way back does not need to read it."""
    set_queries(target, 7)
    target.file.write_bytes(b"\xff{")

    with pytest.raises(ConfigError):
        set_queries(target, 8)
    entry = rollback(target, 1, "it was broken", accepted)

    assert [(1, "set"), (2, "outside"), (3, "rollback")] == [each[:2] for each in actions(target)]
    assert b"thresholds:\n  queries: 7\n" == target.file.read_bytes()
    assert entry is not None
    assert () == entry.changes


def test_rollback_goes_to_the_file_after_an_entry(target: Target) -> None:
    """Byte for byte, comments and all; it is an entry itself, so that it can be undone."""
    target.file.write_text("# ours\n")
    for value in (1, 2, 3):
        set_queries(target, value)

    back = rollback(target, 1, "calmer", accepted, who="bob")
    as_of_1 = target.file.read_text()
    rollback(target, 3, "", accepted)

    assert back is not None
    assert (4, "rollback", "bob", "calmer", (Change("thresholds.queries", 3, 1),)) == (
        back.id, back.action, back.who, back.why, back.changes,
    )  # fmt: skip
    assert "# ours\nthresholds:\n  queries: 1\n" == as_of_1
    assert "# ours\nthresholds:\n  queries: 3\n" == target.file.read_text()


@pytest.mark.parametrize("there", [True, False])
def test_rollback_to_0_goes_before_the_first_entry(target: Target, there: bool) -> None:
    """To the file as it was found, or to none."""
    if there:
        target.file.write_text("# ours\n")
    set_queries(target, 1)

    rollback(target, 0, "", accepted)

    assert there == target.file.exists()
    assert not there or "# ours\n" == target.file.read_text()


def test_rollback_to_where_the_file_is_does_nothing(target: Target) -> None:
    """There is nothing to write, and nothing to record."""
    set_queries(target, 1)

    assert rollback(target, 1, "", accepted) is None

    assert 1 == len(entries(target.state))


def test_rollback_is_checked(target: Target) -> None:
    """An old configuration may not be valid any more."""
    set_queries(target, 1)
    set_queries(target, 2)

    def refuse(data: bytes) -> None:
        raise ConfigError([Problem("here", f"{data!r}")])

    with pytest.raises(ConfigError) as raised:
        rollback(target, 1, "", refuse)

    assert "here: b'thresholds:\\n  queries: 1\\n'" == str(raised.value)
    assert 2 == len(entries(target.state))


@pytest.mark.parametrize("number", [-1, 3, 99])
def test_rollback_to_an_entry_that_is_not_there_is_refused(target: Target, number: int) -> None:
    """The message says which there are."""
    set_queries(target, 1)
    set_queries(target, 2)

    with pytest.raises(ConfigError) as raised:
        rollback(target, number, "", accepted)

    assert f"{target.state}: the history has no entry {number}; it has 1 to 2" == str(raised.value)


def test_a_damaged_snapshot_is_not_rolled_back_to(target: Target) -> None:
    """What comes back is what was there, or nothing."""
    first = set_queries(target, 1)
    set_queries(target, 2)
    path = target.state / "snapshots" / f"{first.after}.yaml"
    path.write_text("thresholds:\n  queries: 3\n")

    with pytest.raises(ConfigError) as raised:
        rollback(target, 1, "", accepted)

    assert f"{path}: is damaged: its content has changed" == str(raised.value)
    assert "thresholds:\n  queries: 2\n" == target.file.read_text()


def test_the_override_is_a_layer_of_its_own(target: Target) -> None:
    """One history for both; each layer goes back by itself."""
    override = Target(target.state / "override.yaml", target.state, OVERRIDE)
    set_queries(target, 1)
    set_queries(override, 5)
    set_queries(target, 2)
    set_queries(override, 6)

    rollback(override, 3, "", accepted)

    assert ["file", "override", "file", "override", "override"] == [each.layer for each in entries(target.state)]
    assert ("thresholds:\n  queries: 2\n", "thresholds:\n  queries: 5\n") == (
        target.file.read_text(),
        override.file.read_text(),
    )


def test_an_override_can_end_by_itself(target: Target) -> None:
    """The end stands beside the values, in UTC, and goes with its key or with a new value without one."""
    override = Target(target.state / "override.yaml", target.state, OVERRIDE)
    end = datetime(2027, 3, 31, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    apply(override, [Edit(QUERIES, 5, end), Edit(("sampling", "ratio"), 1.0, end)], "", accepted)
    both = override.file.read_text()

    apply(override, [Edit(QUERIES, 6)], "", accepted)
    one = override.file.read_text()
    apply(override, [Edit(("sampling",), UNSET)], "", accepted)

    assert both == (
        "thresholds:\n  queries: 5\nuntil:\n  thresholds.queries: '2027-03-31T12:00:00Z'\n"
        "  sampling.ratio: '2027-03-31T12:00:00Z'\nsampling:\n  ratio: 1.0\n"
    )
    assert one == (
        "thresholds:\n  queries: 6\nuntil:\n  sampling.ratio: '2027-03-31T12:00:00Z'\nsampling:\n  ratio: 1.0\n"
    )
    assert override.file.read_text() == "thresholds:\n  queries: 6\n"


@pytest.mark.parametrize(
    ("layer", "end", "message"),
    [
        pytest.param(
            "file", datetime(2027, 3, 31, tzinfo=timezone.utc), "only an override can end by itself", id="file"
        ),
        pytest.param(OVERRIDE, datetime(2027, 3, 31), "2027-03-31T00:00:00 has no time zone", id="no-zone"),
    ],
)
def test_an_end_that_means_nothing_is_refused(target: Target, layer: str, end: datetime, message: str) -> None:
    """A file holds until it is changed; a time without a zone is another one elsewhere."""
    with pytest.raises(ConfigError) as raised:
        apply(Target(target.file, target.state, layer), [Edit(QUERIES, 5, end)], "", accepted)

    assert f"{target.file}: thresholds.queries: {message}" == str(raised.value)


def test_keys_are_named_below_the_node_that_is_ours(tmp_path: Path) -> None:
    """In a file that others share, the record has the names that the options have everywhere."""
    shared = Target(tmp_path / "otel.yaml", tmp_path / "state", base=("distribution", "verein"))
    shared.file.write_text("file_format: '1.0'\ndistribution:\n  verein:\n    thresholds: {queries: 3}\n")

    set_queries(shared, 7)

    assert (1, "set", (Change("thresholds.queries", 3, 7),)) == actions(shared)[0]
    assert "file_format: '1.0'\ndistribution:\n  verein:\n    thresholds: {queries: 7}\n" == shared.file.read_text()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What it leads to is replaced, in its own directory."""
    real = tmp_path / "real" / "shop.yaml"
    real.parent.mkdir()
    real.write_text("# shop\n")
    link = tmp_path / "verein.yaml"
    link.symlink_to(Path("real") / "shop.yaml")

    set_queries(Target(link, tmp_path / "state"), 7)

    assert (True, "# shop\nthresholds:\n  queries: 7\n") == (link.is_symlink(), real.read_text())
    assert [real] == list(real.parent.iterdir())


def test_mode_and_line_breaks_of_the_file_stay(target: Target) -> None:
    """A file that only its owner may read is not opened to others."""
    target.file.write_bytes(b"a: 1\r\n")
    target.file.chmod(0o640)

    set_queries(target, 7)

    assert (0o640, b"a: 1\r\nthresholds:\r\n  queries: 7\r\n") == (
        target.file.stat().st_mode & 0o7777,
        target.file.read_bytes(),
    )


@pytest.fixture
def open_umask() -> Iterator[None]:
    """A process that takes no rights away from what it makes."""
    usual = os.umask(0)
    yield
    os.umask(usual)


@pytest.mark.usefixtures("open_umask")
def test_nothing_is_writable_by_the_world(target: Target) -> None:
    """Whatever the umask says; and no file can be run."""
    set_queries(target, 7)

    made = [target.file, target.file.parent / ".verein", target.state, *target.state.rglob("*")]
    modes = {oct(path.stat().st_mode & 0o7777) for path in made if path.is_file()}
    assert ({"0o664"}, {"0o775"}) == (modes, {oct(path.stat().st_mode & 0o7777) for path in made if path.is_dir()})


def test_a_torn_last_line_is_left_out_and_then_cut_off(target: Target) -> None:
    """It is what a killed process was writing; its change had not been told to anybody."""
    set_queries(target, 1)
    with (target.state / "history.jsonl").open("ab") as log:
        log.write(b'{"id":2,"when":"20')
    read = entries(target.state)

    set_queries(target, 2)

    assert 1 == len(read)
    assert [1, 2] == [entry.id for entry in entries(target.state)]


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("yesterday", "Invalid isoformat string: 'yesterday'"),
        ("2027-03-31T12:00:00", "when is '2027-03-31T12:00:00'"),
    ],
    ids=["no time", "no time zone"],
)
def test_an_entry_has_a_time(when: str, why: str, target: Target) -> None:
    """Whoever edits the history by hand is told, and not shown an entry of some time or other."""
    set_queries(target, 1)
    path = target.state / "history.jsonl"
    (entry,) = entries(target.state)
    path.write_text(path.read_text().replace(entry.when, when))

    with pytest.raises(ConfigError) as raised:
        entries(target.state)

    assert str(raised.value) == (
        f"{path}:1: is not an entry of the history ({why}); move the file away to begin a new one"
    )


def test_a_line_that_is_no_entry_is_told(target: Target) -> None:
    """The history is not guessed at: the message names the line."""
    set_queries(target, 1)
    path = target.state / "history.jsonl"
    path.write_bytes(b'{"id":true}\n' + path.read_bytes())

    with pytest.raises(ConfigError) as raised:
        entries(target.state)

    assert str(raised.value) == (
        f"{path}:1: is not an entry of the history (not the fields of an entry); move the file away to begin a new one"
    )


def test_the_history_has_a_cap(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past it the oldest tenth goes, and the snapshots that only it speaks of; numbers go on."""
    monkeypatch.setattr(history_module, "MAX_ENTRIES", 20)
    override = Target(target.state / "override.yaml", target.state, OVERRIDE)
    set_queries(override, 1)

    for value in range(20):
        set_queries(target, value)

    kept = entries(target.state)
    assert [1, *range(4, 22)] == [entry.id for entry in kept]
    used = {f"{digest}.yaml" for entry in kept for digest in (entry.before, entry.after) if digest}
    assert used == {path.name for path in (target.state / "snapshots").iterdir()}
    with pytest.raises(ConfigError, match="the history has no entry 3; it has 1 to 21"):
        rollback(target, 3, "", accepted)


@pytest.mark.parametrize(
    ("who", "why", "message"),
    [
        pytest.param("ann", "a\nb", "why: holds a line break or other character that does not print; leave it out",
                     id="line-break"),
        pytest.param("\x1b[31m", "", "who: holds a line break or other character that does not print; leave it out",
                     id="escape"),
        pytest.param("ann", "x" * 501, "why: has 501 characters; it must be at most 500", id="long"),
    ],
)  # fmt: skip
def test_texts_that_would_spoil_the_history_are_refused(target: Target, who: str, why: str, message: str) -> None:
    """They are shown on terminals, one line each."""
    with pytest.raises(ConfigError) as raised:
        apply(target, [Edit(QUERIES, 7)], why, accepted, who=who)

    assert message == str(raised.value)
    assert not target.state.exists()


def test_who_is_the_user_by_the_word_of_the_system(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables can say anything."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME", "HOSTNAME"):
        monkeypatch.setenv(variable, "mallory")

    entry = apply(target, [Edit(QUERIES, 7)], "", accepted)

    assert entry is not None
    assert re.fullmatch(r"[^@]+@[^@]+", entry.who)
    assert "mallory" not in entry.who


def test_a_lock_that_is_held_is_waited_for_and_then_told(target: Target) -> None:
    """The message names the process that holds it."""
    with locked(target.state), pytest.raises(ConfigError) as raised, locked(target.state, seconds=0.05):
        pass

    assert str(raised.value) == (
        f"{target.state / 'lock'}: process {os.getpid()} has held it for 0.05 s; see what that does, and try again"
    )


def test_a_change_by_something_else_meanwhile_is_not_overwritten(target: Target) -> None:
    """An editor knows no lock: what it saved while a change was being checked stays."""
    set_queries(target, 1)

    def save(_: bytes) -> None:
        target.file.write_text("# saved\n")

    with pytest.raises(ConfigError) as raised:
        apply(target, [Edit(QUERIES, 2)], "", save)

    assert f"{target.file}: was changed by something else meanwhile; try again" == str(raised.value)
    assert "# saved\n" == target.file.read_text()


@pytest.mark.parametrize("kind", ["directory", "pipe", "large"])
def test_what_is_no_configuration_file_is_refused(target: Target, kind: str) -> None:
    """Nothing waits for a pipe, and nothing endless is read."""
    if kind == "directory":
        target.file.mkdir()
    elif kind == "pipe":
        os.mkfifo(target.file)
    else:
        target.file.write_bytes(b"#" * (MAX_BYTES + 1))

    with pytest.raises(ConfigError) as raised:
        set_queries(target, 1)

    why = f"it is larger than {MAX_BYTES} bytes" if kind == "large" else "it is not a regular file"
    assert f"{target.file}: cannot be read: {why}" == str(raised.value)


def test_large_values_are_cut_in_the_history_and_whole_in_the_snapshot(target: Target) -> None:
    """A record stays a line that can be read; the bytes are kept for the way back."""
    entry = apply(target, [Edit(("ignore", "rules"), ["x" * 100] * 100)], "", accepted)

    assert entry is not None
    assert len(entry.line()) < 1000
    assert b"x" * 100 in snapshot(target.state, entry.after or "")


def test_many_changed_keys_are_counted_past_the_first(target: Target) -> None:
    """A whole new section of a thousand keys is two hundred of them, and eight hundred more."""
    entry = apply(target, [Edit(("a",), {f"k{n}": n for n in range(1000)})], "", accepted)

    assert entry is not None
    assert (200, 800) == (len(entry.changes), entry.more)
