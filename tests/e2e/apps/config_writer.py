"""Writers of a configuration in processes of their own: what they print is what had returned.

``loop FILE STATE`` sets ``thresholds.queries`` to ever higher numbers; ``keys FILE STATE NAME COUNT`` sets keys of its
own; ``once FILE STATE VALUE``, ``denied`` and ``back FILE STATE ID`` make one change; ``die FILE STATE`` forks a child
for each system call of one change and kills it there.
"""

import functools
import json
import os
import signal
import sys
from pathlib import Path

from otel_verein.config.changes import UNSET, Edit, Target, apply, rollback
from otel_verein.config.changes.history import entries
from otel_verein.config.editing import set_value
from otel_verein.errors import ConfigError

CALLS = ("open", "write", "pwrite", "fsync", "fchmod", "ftruncate", "replace", "unlink", "close")
NOBODY = 65534
QUERIES = ("thresholds", "queries")


def accepted(_):
    """The check of somebody who agrees to everything."""


def loop(target):
    """Set ever higher numbers, and print those that are set."""
    value = int(target.file.read_text().split()[-1])
    while True:
        value += 1
        apply(target, [Edit(QUERIES, value)], "", accepted)
        print(value, flush=True)


def keys(target, name, count):
    """Set five keys of a section, over and over."""
    for number in range(int(count)):
        apply(target, [Edit((name, f"key{number % 5}"), number)], "", accepted, who=name)


def once(target, value):
    """Make one change."""
    print(apply(target, [Edit(QUERIES, int(value))], "", accepted).id)


def denied(target, value):
    """Make one change as a user who has no rights; the administrator could write anything."""
    set_value("a: 1", ("a",), 2)  # whatever is imported late must be there before the rights go
    if os.geteuid() == 0:
        os.setgroups([])
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
    once(target, value)


def back(target, number):
    """Go back to an entry."""
    print(rollback(target, int(number), "", accepted).id)


def die(target):
    """One JSON line for each place to die at, until a child lives through the whole change."""
    place = 0
    end = ""
    while end != "exit":
        place += 1
        old = target.file.read_text()
        value = 1000 + place
        end = end_of_child(target, Edit(QUERIES, value), place)
        there = target.file.read_text()
        entries(target.state)  # can be read before anybody has put it in order
        end_of_child(target, Edit(("other",), place), place * 7 % 40 + 1)  # dies over putting it in order, or later
        apply(target, [Edit(("other",), -place)], "", accepted)
        apply(target, [Edit(("other",), UNSET)], "", accepted)
        recorded = entries(target.state)
        outcome = {
            "end": end,
            "whole": there in (old, f"{old[: old.rindex(' ')]} {value}\n"),
            "changed": there != old,
            "in_history": any(change.new == value for entry in recorded for change in entry.changes),
            "actions": sorted({entry.action for entry in recorded}),
            "numbered": [entry.id for entry in recorded] == list(range(1, len(recorded) + 1)),
            "chained": [entry.before for entry in recorded[1:]] == [entry.after for entry in recorded[:-1]],
            "left": sorted(path.name for path in [*target.file.parent.iterdir(), *target.state.iterdir()]),
        }
        print(json.dumps(outcome))


def end_of_child(target, edit, place):
    """How a child ended that was to die at that system call: killed, or exit if it had finished before."""
    child = os.fork()
    if child == 0:
        die_at(place)
        apply(target, [edit], "", accepted)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return "killed" if os.WIFSIGNALED(status) else "exit" if status == 0 else "failed"


def die_at(place):
    """Kill this process at the system call of that number; a write is done by half."""
    left = [place]

    def counted(name, call, *arguments, **options):
        left[0] -= 1
        if left[0] == 0:
            if name == "write":
                call(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)

    for name in CALLS:
        setattr(os, name, functools.partial(counted, name, getattr(os, name)))


if __name__ == "__main__":
    what, file, state, *more = sys.argv[1:]
    action = {"loop": loop, "keys": keys, "once": once, "denied": denied, "back": back, "die": die}[what]
    try:
        action(Target(Path(file), Path(state)), *more)
    except ConfigError as fault:
        sys.exit(str(fault))
