"""What a configuration says as plain mappings, lists and scalars, and how two of them differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from otel_verein.config.document import plain, read
from otel_verein.config.shown import shown
from otel_verein.errors import ConfigError, Problem

ABSENT = object()
"""Stands for what is not set; None is a value."""


def data_of(content: str | bytes, name: str) -> dict[str, object]:
    """The mapping that *content* holds; empty for an empty document. Raises :class:`ConfigError` with all problems."""
    root, problems = read(content.encode() if isinstance(content, str) else content, name)
    if problems:
        raise ConfigError(problems)
    data = plain(root)
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError([Problem(f"{name}:1", "must be a mapping of sections, such as `thresholds:`")])
    return data


def at(data: object, path: Sequence[str]) -> object:
    """What *data* has at *path*, or :data:`ABSENT`."""
    for part in path:
        if not isinstance(data, dict) or part not in data:
            return ABSENT
        data = data[part]
    return data


def with_value(data: dict[str, object], path: Sequence[str], value: object, name: str) -> dict[str, object]:
    """A copy of *data* with *value* at *path*; raises :class:`ConfigError` where the way there is no mapping."""
    _refuse_empty(path, name)
    copy = dict(data)
    here = copy
    for depth, part in enumerate(path[:-1], start=1):
        inner = here.get(part)
        if inner is not None and not isinstance(inner, dict):
            what = f"{'.'.join(path)}: {'.'.join(path[:depth])} is {shown(inner)}, which has no options in it"
            raise ConfigError([Problem(name, what)])
        inner = dict(inner or {})
        here[part] = inner
        here = inner
    here[path[-1]] = value
    return copy


def without(data: dict[str, object], path: Sequence[str], name: str) -> dict[str, object]:
    """A copy of *data* without what is at *path*; raises :class:`ConfigError` if nothing is."""
    _refuse_empty(path, name)
    if at(data, path) is ABSENT:
        raise ConfigError([Problem(name, f"{'.'.join(path)}: is not set here")])
    copy = dict(data)
    here = copy
    for part in path[:-1]:
        inner = here[part]
        assert isinstance(inner, dict)  # at() has been there
        inner = dict(inner)
        here[part] = inner
        here = inner
    del here[path[-1]]
    return copy


def same(one: object, other: object) -> bool:
    """Whether two values are the same to a reader: equal and of one type, so that true is not 1 and 1 is not 1.0."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    if type(one) is not type(other):
        return False
    return one == other or (one != one and other != other)  # NaN is no change to NaN


def differences(
    old: object, new: object, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], object, object]]:
    """Path, old and new of every option that differs; :data:`ABSENT` on the side that has none."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from differences(old.get(key, ABSENT), new.get(key, ABSENT), (*path, key))
        return
    if isinstance(old, dict) and old:
        yield from differences(old, {}, path)
        old = ABSENT
    if isinstance(new, dict) and new:
        yield from differences({}, new, path)
        new = ABSENT
    if not (old is ABSENT and new is ABSENT) and not same(old, new):
        yield path, old, new


def _refuse_empty(path: Sequence[str], name: str) -> None:
    if not path or not all(path):
        raise ConfigError([Problem(name, "the key is empty")])
