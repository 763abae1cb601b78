"""Every process reports under an id of its own, whoever chose it."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from opentelemetry.sdk.resources import Resource

from otel_verein.processors.identity import ProcessResource

OURS = ProcessResource(Resource({}))
CHOSEN = ProcessResource(Resource({"service.instance.id": "web-1"}))


def told(resource: ProcessResource) -> tuple[str, int]:
    """The instance and the process that *resource* names."""
    attributes = resource().attributes
    return str(attributes["service.instance.id"]), int(str(attributes["process.pid"]))


def _tell(resource: ProcessResource, answers: multiprocessing.SimpleQueue[tuple[str, int]]) -> None:
    answers.put(told(resource))


def _tell_of_new(answers: multiprocessing.SimpleQueue[tuple[str, int]]) -> None:
    answers.put(told(ProcessResource(Resource({"service.instance.id": "web-1"}))))


def in_child(how: str, target: object, *arguments: object) -> tuple[tuple[str, int], int]:
    """What *target* puts into a queue in a child process, and the child's id."""
    context = multiprocessing.get_context(how)
    answers = context.SimpleQueue()
    process = context.Process(target=target, args=(*arguments, answers))  # type: ignore[attr-defined]
    process.start()
    process.join(20)
    assert 0 == process.exitcode
    return answers.get(), process.pid or 0


def test_one_process_is_one_instance() -> None:
    """The same id each time, and the id of the process."""
    first = told(OURS)

    assert (first, os.getpid()) == (told(OURS), first[1])


def test_two_set_ups_are_two_instances() -> None:
    """Ids that nobody chose are random."""
    assert told(OURS)[0] != told(ProcessResource(Resource({})))[0]


def test_forked_child_is_another_instance() -> None:
    """A child of a process that has already asked does not report under its parent's id."""
    parent = told(OURS)
    (instance, pid), child = in_child("fork", _tell, OURS)

    assert child == pid
    assert instance != parent[0]


def test_chosen_id_is_kept_by_a_single_process() -> None:
    """Who gives an id finds it on the telemetry, as it is."""
    assert "web-1" == told(CHOSEN)[0]


@pytest.mark.parametrize(("how", "target"), [("fork", _tell), ("spawn", _tell_of_new)], ids=["fork", "spawn"])
def test_chosen_id_is_told_apart_in_workers(how: str, target: object) -> None:
    """Workers of one server share their variables; each appends its process id, so their sums do not collide."""
    arguments = (CHOSEN,) if how == "fork" else ()
    (instance, _), child = in_child(how, target, *arguments)

    assert f"web-1-{child}" == instance.rpartition("-")[0]


def test_chosen_id_is_told_apart_in_a_bare_fork() -> None:
    """A server that forks by itself, as gunicorn does, has workers of their own too."""
    told(CHOSEN)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, told(CHOSEN)[0].encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        instance = answer.read()
    os.waitpid(child, 0)

    assert f"web-1-{child}" == instance.rpartition("-")[0]


def test_threads_that_ask_first_at_once_get_one_id(hasty: None) -> None:
    """A server whose threads end their first requests together is one instance."""
    with ThreadPoolExecutor(8) as pool:
        for _ in range(50):
            resource, start = ProcessResource(Resource({})), Barrier(8)
            asked = [pool.submit(lambda: (start.wait(), told(resource))[1]) for _ in range(8)]  # noqa: B023
            assert len({each.result() for each in asked}) == 1
