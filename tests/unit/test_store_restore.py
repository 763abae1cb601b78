"""A store from the file of a backup: only into an empty place, only from a whole backup, and never half of it."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from otel_verein.errors import StoreError
from otel_verein.store.backup import backup
from otel_verein.store.backup_archive import allowed
from otel_verein.store.layout import Store
from otel_verein.store.restore import restore
from tests.unit.store_small import small_store

Edit = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a small store."""
    folder = tmp_path_factory.mktemp("good")
    backup(small_store(folder / "store"), folder / "store.tar")
    return folder / "store.tar"


def refusal(file: Path, root: Path) -> str:
    """What restoring says, without the name of the file; nothing is left behind then."""
    before = sorted(root.parent.rglob("*"))
    with pytest.raises(StoreError) as caught:
        restore(file, root)
    assert before == sorted(root.parent.rglob("*"))
    return str(caught.value).removeprefix(f"{file}: cannot be restored: ")


Members = list[tuple[tarfile.TarInfo, bytes]]


def read(data: bytes) -> Members:
    """The members of an archive."""
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        return [(info, opened.extractfile(info).read()) for info in opened if info.isreg()]  # type: ignore[union-attr]


def packed(members: Members, kind: int = tarfile.USTAR_FORMAT) -> bytes:
    """An archive of *members*; a header that says another size than its content has stays as it is."""
    return b"".join(
        info.tobuf(kind) + data + b"\0" * (-len(data) % tarfile.BLOCKSIZE) for info, data in members
    ) + b"\0" * (2 * tarfile.BLOCKSIZE)  # fmt: skip


def manifest(data: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The archive with another manifest."""
    members = read(data)
    said = json.loads(members[0][1])
    change(said)
    content = json.dumps(said).encode()
    members[0][0].size = len(content)
    return packed([(members[0][0], content), *members[1:]])


def member(place: int, **changes: Any) -> Edit:
    """Another header of one member."""

    def edit(data: bytes) -> bytes:
        members = read(data)
        for name, value in changes.items():
            setattr(members[place][0], name, value)
        return packed(members)

    return edit


def renamed(name: str) -> Edit:
    """The last member is called so, in its header and in the manifest."""

    def edit(data: bytes) -> bytes:
        return member(-1, name=name)(manifest(data, lambda said: said["members"][-1].update(name=name)))

    return edit


def told(**changes: Any) -> Edit:
    """Other words at the top of the manifest."""
    return lambda data: manifest(data, lambda said: said.update(changes))


def told_of(place: int, **changes: Any) -> Edit:
    """The manifest says something else of one member."""
    return lambda data: manifest(data, lambda said: said["members"][place].update(changes))


def without(place: int) -> Edit:
    """One member and what the manifest says of it are gone."""

    def edit(data: bytes) -> bytes:
        members = read(manifest(data, lambda said: said["members"].pop(place)))
        del members[place + 1]
        return packed(members)

    return edit


def flipped(data: bytes) -> bytes:
    """One bit of the content of the last member, the baseline."""
    place = data.rindex(b"{}\n")
    return data[:place] + b"[" + data[place + 1 :]


def other_journal(data: bytes, content: bytes) -> bytes:
    """The journal is another one, and the manifest has its size and hash."""
    members = read(data)
    members[1][0].size = len(content)
    said = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    changed = packed([members[0], (members[1][0], content), *members[2:]])
    return manifest(changed, lambda whole: whole["members"][0].update(said))


def journal(statement: str) -> Edit:
    """Something was done to the journal."""

    def edit(data: bytes) -> bytes:
        with tempfile.NamedTemporaryFile() as file:
            Path(file.name).write_bytes(read(data)[1][1])
            with closing(sqlite3.connect(file.name)) as database, database:
                database.execute(statement)
            return other_journal(data, Path(file.name).read_bytes())

    return edit


def foreign(_data: bytes) -> bytes:
    """Some other tar."""
    return packed([(tarfile.TarInfo("readme.txt"), b"")])


LAST = "baselines/before-release.json"
_BAD: dict[str, tuple[Edit, str]] = {
    "empty": (lambda data: b"", "it is not a backup of a store"),
    "text": (lambda data: b"hello " * 1000, "it is not a backup of a store"),
    "foreign tar": (foreign, "it is not a backup of a store"),
    "zeros": (lambda data: bytes(10240), "it is not a backup of a store"),
    "other format": (told(format="photos"), "it is not a backup of a store"),
    "newer version": (
        told(version=2),
        "it is of version 2, and this program reads version 1; restore it with the program that made it",
    ),
    "no manifest inside": (
        lambda data: manifest(data, lambda said: said.clear()),
        "its manifest cannot be read: Object missing required field `format`",
    ),
    "sizes as text": (
        told_of(0, bytes="9"), "its manifest cannot be read: Expected `int`, got `str` - at `$.members[0].bytes`",
    ),
    "cut off in the manifest": (lambda data: data[:600], "it is cut off in manifest.json"),
    "cut off in the journal": (lambda data: data[:5000], "it is cut off in journal.sqlite"),
    "cut off before the last": (
        lambda data: data[: data.rindex(LAST.encode())], f"it is cut off or damaged before {LAST}",
    ),
    "cut off in the last": (lambda data: data[: data.rindex(b"{}\n")], f"it is cut off in {LAST}"),
    "a bit flips": (flipped, f"{LAST} is damaged: its content does not have the hash of the manifest"),
    "more than named": (
        lambda data: data.rstrip(b"\0") + bytes(509) + b"x" * 512, "it holds more than its manifest names",
    ),
    "path upwards": (
        renamed("baselines/../../etc/cron.d/x"), "'baselines/../../etc/cron.d/x' is no name of a store's file",
    ),
    "absolute path": (renamed("/etc/cron.d/x"), "'/etc/cron.d/x' is no name of a store's file"),
    "the lock": (renamed("lock"), "'lock' is no name of a store's file"),
    "a strange place": (renamed("detail/x.parquet"), "'detail/x.parquet' is no name of a store's file"),
    "newline": (renamed("baselines/a\nb"), "'baselines/a\\nb' is no name of a store's file"),
    "hidden": (renamed("baselines/.profile"), "'baselines/.profile' is no name of a store's file"),
    "twice": (renamed("aside/one.jsonl"), "its manifest names a file twice"),
    "symbolic link": (
        member(-1, type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        f"'{LAST}' stands where its manifest has {LAST} of 3 bytes",
    ),
    "hard link": (
        member(-1, type=tarfile.LNKTYPE, linkname="journal.sqlite"),
        f"'{LAST}' stands where its manifest has {LAST} of 3 bytes",
    ),
    "device": (member(-1, type=tarfile.CHRTYPE), f"'{LAST}' stands where its manifest has {LAST} of 3 bytes"),
    "another name": (member(-1, name="aside/x"), f"'aside/x' stands where its manifest has {LAST} of 3 bytes"),
    "huge, in the header": (
        member(-1, size=8 * 1024**3 - 1), f"'{LAST}' stands where its manifest has {LAST} of 3 bytes",
    ),
    "huge, in both": (
        lambda data: member(-1, size=8 * 1024**3 - 1)(told_of(-1, bytes=8 * 1024**3 - 1)(data)),
        f"it is cut off in {LAST}",
    ),
    "negative size": (told_of(-1, bytes=-1), f"its manifest says nothing usable of {LAST}"),
    "no hash": (told_of(-1, sha256=""), f"its manifest says nothing usable of {LAST}"),
    "a huge manifest": (member(0, size=8 * 1024**3 - 1), "it is not a backup of a store"),
    "no journal": (without(0), "its first member is not journal.sqlite"),
    "a journal of other files": (
        journal("DELETE FROM files WHERE kind = 'others'"), "its journal and its files differ in 'detail/others/",
    ),
    "a journal with a path upwards": (
        journal("UPDATE files SET path = '../../x' WHERE kind = 'others'"),
        "its journal and its files differ in '../../x'",
    ),
    "a journal that acts": (
        journal("CREATE TRIGGER act AFTER INSERT ON files BEGIN DELETE FROM files; END"),
        "its journal holds a trigger, which no journal has",
    ),
    "a journal of views": (
        journal("CREATE VIEW more AS SELECT * FROM files"), "its journal holds a view, which no journal has",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "message"), _BAD.values(), ids=_BAD)
def test_what_is_no_whole_backup_is_refused(good: Path, tmp_path: Path, edit: Edit, message: str) -> None:
    """The message says what is wrong with it, and nothing is left behind, whatever it is."""
    file = tmp_path / "bad.tar"
    file.write_bytes(edit(good.read_bytes()))

    said = refusal(file, tmp_path / "store")

    assert message == said[: len(message)]


def test_the_archives_above_differ_only_in_what_is_wrong(good: Path, tmp_path: Path) -> None:
    """Taken apart and put together again, a backup is good: the refusals are for what they say."""
    file = tmp_path / "again.tar"
    file.write_bytes(manifest(packed(read(good.read_bytes())), lambda said: None))

    assert restore(file, tmp_path / "store").verdict.sound


def test_a_database_that_is_none(good: Path, tmp_path: Path) -> None:
    """A journal with the right hash has to be one, too."""
    file = tmp_path / "bad.tar"
    file.write_bytes(other_journal(good.read_bytes(), b"x" * 5000))

    assert "its journal cannot be used: file is not a database" == refusal(file, tmp_path / "store")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The message names it."""
    assert "No such file or directory" == refusal(tmp_path / "none.tar", tmp_path / "store")


def test_nothing_is_overwritten(good: Path, tmp_path: Path) -> None:
    """A place where something is stays as it is."""
    root = tmp_path / "store"
    root.mkdir()
    (root / "notes.txt").write_text("mine")

    said = refusal(good, root)

    assert (
        f"{root}: is not empty ('notes.txt' is there), and restoring overwrites nothing; "
        "name another directory, or move what is there away"
    ) == said


def test_a_file_in_place_of_the_directory(good: Path, tmp_path: Path) -> None:
    """It is not replaced either."""
    (tmp_path / "store").write_text("mine")

    assert f"{tmp_path / 'store'}: cannot be restored to: Not a directory" == refusal(good, tmp_path / "store")


def test_the_root_of_an_empty_disk_is_empty(good: Path, tmp_path: Path) -> None:
    """A volume that was mounted for the store cannot be renamed onto, and may hold what the system put there."""
    root = tmp_path / "volume"
    (root / "lost+found").mkdir(parents=True)
    inode = root.stat().st_ino

    restored = restore(good, root)

    assert restored.verdict.sound
    assert inode == root.stat().st_ino
    assert (root / "lost+found").is_dir()


def test_a_disk_without_room_is_told_before(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written when it cannot fit."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=1000))

    said = refusal(good, tmp_path / "store")

    takes = sum(info.size for info, _ in read(good.read_bytes())[1:])
    assert f"{tmp_path / 'store'}: has 1,000 bytes free, and the backup takes {takes:,}; make room first" == said


def test_a_place_where_no_directory_can_be_made(good: Path) -> None:
    """The message names it."""
    root = Path("/proc/otel-verein-store")

    with pytest.raises(StoreError) as caught:
        restore(good, root)

    assert f"{root}: cannot be restored to: No such file or directory" == str(caught.value)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("journal.sqlite", True),
        ("aside/2026-03-01.jsonl", True),
        ("baselines/v1.2/shop.json", True),
        ("rollup/day/series/2026-03-01-0de923253d140859.parquet", True),
        ("detail/spans/date=2026-03-01/hour=10/long-ed63293658c6cfcf.parquet", True),
        ("detail/spans/date=2026-03-01/hour=10/long-ed63293658c6cfcf.parquet/x", False),
        ("rollup/day/series/2026-03-01.parquet", False),
        ("aside/../journal.sqlite", False),
        ("baselines", False),
        ("baselines//x", False),
        ("tmp/x.parquet", False),
        ("manifest.json", False),
        ("", False),
        ("baselines/" + "/".join("abcdefghijkl"), False),
        ("baselines/" + "x" * 201, False),
    ],
)
def test_names_of_members(name: str, answer: bool) -> None:
    """Only what a store has, at the place where a store has it."""
    assert answer == allowed(name)


def test_restoring_is_exact_about_its_root(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path relative to the working directory is fine, also one that has to be made."""
    monkeypatch.chdir(tmp_path)

    restore(good, Path("a/b"))

    assert Store(tmp_path / "a" / "b").exists
