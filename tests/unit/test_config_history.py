"""Changes of a configuration on record: who, when, what and why."""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from otel_verein.config.changes import UNSET, Edit, Target, apply, rollback
from otel_verein.config.changes import history as history_module
from otel_verein.config.changes.entry import Change, Entry
from otel_verein.config.changes.history import entries, hash_of, snapshot
from otel_verein.config.entries import OVERRIDE
from otel_verein.errors import ConfigError, Problem
from tests.unit.config_history import QUERIES, accepted, actions, set_queries


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A file that is not there yet."""
    return Target(tmp_path / "verein.yaml", tmp_path / ".verein" / "config")


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
