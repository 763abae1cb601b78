"""The rounds of a watch: what is tried again when, and what a full disk is."""

from __future__ import annotations

import subprocess
import sys

from otel_verein.api.store_watch import Patience


def turns(patience: Patience, outcomes: str) -> str:
    """One character a round: ``x`` where a try fails, ``o`` where it does not, ``.`` where it was no turn.

    *outcomes* are those of the tries.
    """
    said, left = "", list(outcomes)
    while left:
        if patience.is_due("ingest"):
            said += left.pop(0)
            patience.note("ingest", fails=said[-1] == "x")
        else:
            said += "."
    return said


def test_a_job_without_room_is_tried_less_and_less_often() -> None:
    """After 1, 2, 4, 8 and 16 rounds, and never less often than that."""
    assert "x.x..x....x........x................x................x" == turns(Patience(), "xxxxxxx")


def test_a_success_makes_it_due_in_each_round() -> None:
    """The silent twin: what works is not left out, and the next failure begins with one round again."""
    assert "oox.x..ooox.x" == turns(Patience(), "ooxxoooxx")


def test_a_pause_is_that_of_one_job() -> None:
    """The others have their turn in each round."""
    patience = Patience()
    patience.note("ingest", fails=True)

    assert [False, True] == [patience.is_due("ingest"), patience.is_due("retention")]


def test_giving_way_lowers_the_thread_that_asks_and_those_it_starts() -> None:
    """Niceness 15, which leaves it a little on a busy machine; asked again it is the same."""
    code = (
        "import os, threading\n"
        "from otel_verein.api.store_priority import give_way\n"
        "said = []\n"
        "def below():\n"
        "    said.append(os.getpriority(os.PRIO_PROCESS, 0))\n"
        "def work():\n"
        "    print(give_way(), give_way(), sep='|')\n"
        "    inner = threading.Thread(target=below); inner.start(); inner.join()\n"
        "thread = threading.Thread(target=work); thread.start(); thread.join()\n"
        "print(said, os.getpriority(os.PRIO_PROCESS, 0) < 15)\n"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout

    assert ["nice 15|nice 15", "[15] True"] == said.splitlines()
