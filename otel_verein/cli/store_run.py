"""``otel-verein store run`` and ``watch``: all jobs, once or for ever."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from typing import Any

import click

from otel_verein.api.store import check_extra
from otel_verein.api.store_priority import give_way
from otel_verein.api.store_watch import Rounds, run_once
from otel_verein.cli.command import CANNOT, SETTINGS, config_option, environment, short, told
from otel_verein.cli.render_store_jobs import lines_of, words_of
from otel_verein.cli.store_command import bar, from_option, here, wait_option

_PATIENCE_S = 1.5  # until the next safe point
_LOOK_S = 0.1  # between two looks for a signal


@click.command(context_settings=SETTINGS)
@from_option
@wait_option
@config_option
def run(sources: tuple[Path, ...], wait_s: float, config_file: Path | None) -> None:
    """Do all of it once: ingest, rollup, compact, retention. For cron.

    A job that fails is told, and the others have their turn; the exit status is 2 then.
    """
    heard = _heard()
    with told("store run"), bar() as progress:
        done = run_once(here(config_file, sources), wait_s, lambda: bool(heard), progress)
    for each in done:
        if each.problem:
            for line in each.problem.splitlines():
                click.echo(f"otel-verein store run: {each.job}: {short(line)}", err=True)
        else:
            for line in lines_of(each.job, each.result):
                click.echo(f"{each.job}: {line}")
    if any(each.problem for each in done):
        sys.exit(CANNOT)


@click.command(context_settings=SETTINGS)
@from_option
@config_option
def watch(sources: tuple[Path, ...], config_file: Path | None) -> None:
    """Do all of it again and again, giving way to applications, until SIGTERM or SIGINT.

    Between two rounds it rests for store.interval_s. The configuration is read again for each round; one that is not
    valid is told, and the one before stays in force. A job that fails is told, and tried again in the next round.
    """
    heard, stop = _heard(), Event()
    with told("store watch"):
        check_extra()
        rounds = Rounds(environment(config_file), sources, stop, _say, words_of)
    where = rounds.place
    _say(f"store {short(str(where.store.root))}, takes {', '.join(short(str(each)) for each in where.sources)}")
    _watched(rounds, heard, stop)


def _watched(rounds: Rounds, heard: Sequence[int], stop: Event) -> None:
    """Run *rounds* until a signal was *heard*; then the process ends at once, in the middle of a query if need be.

    The rounds have a thread of their own, which gives way: Python hears a signal only between two calls of its main
    thread, and only when that has its turn. What is cut off counts nowhere, as after a crash.
    """
    faults: list[BaseException] = []

    def work() -> None:
        try:
            _say(f"priority: {give_way()}")
            rounds.run()
        except BaseException as fault:  # noqa: BLE001 - raised again below, where it ends the process
            faults.append(fault)
        finally:
            stop.set()

    worker = Thread(target=work, name="store-watch", daemon=True)
    worker.start()
    while not heard and not stop.wait(_LOOK_S):
        pass
    stop.set()
    worker.join(_PATIENCE_S)
    if worker.is_alive():
        _say("stopped in the middle of its work, which the next start takes up again")
        sys.stderr.flush()
        os._exit(0)
    if faults:
        raise faults[0]
    _say("stopped")


def _heard() -> Sequence[int]:
    """Where the first SIGTERM or SIGINT will stand; the second ends the process as it always does.

    No event is set by the handler: one that comes while its own thread waits for that event would wait for itself.
    """
    heard: list[int] = []
    before: dict[signal.Signals, Any] = {}

    def leave(number: int, frame: FrameType | None) -> None:
        heard.append(number)
        for each, handler in before.items():
            signal.signal(each, handler)

    for each in (signal.SIGTERM, signal.SIGINT):
        before[each] = signal.signal(each, leave)
    return heard


def _say(line: str) -> None:
    """One line of the log, with the time in UTC; the name of a job may stand before what it says."""
    about, colon, rest = line.partition(": ")
    click.echo(f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ} {short(about)}{colon}{short(rest)}", err=True)
