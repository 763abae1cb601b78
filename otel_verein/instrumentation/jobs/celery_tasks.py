"""Celery: one operation for each run of a task, named after the task.

In place of ``opentelemetry-instrumentation-celery``. That one keeps the span of a run under task and task id, so that a
run inside a run of the same id loses the outer span, which then never ends; it makes the run a child of the code that
sent the task, whose sampling flag is not decided yet; and its spans die with the children of the prefork pool. Here
an operation lasts from the entry to the exit of the function that runs a task, so runs nest as calls do, whatever the
outcome: result, retry, ``Ignore``, ``Reject``, a revoked task that is terminated.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from opentelemetry import propagate
from wrapt import wrap_function_wrapper

from otel_verein import semconv
from otel_verein.faults import FAULTS
from otel_verein.instrumentation.jobs.run import JobRun, begin, inside_operation

_FAILED = "FAILURE"


def hook_runs(module: ModuleType, _: Callable[[], object]) -> None:
    """Have ``celery.app.trace`` build functions that run a task as an operation."""
    wrap_function_wrapper(module, "build_tracer", _build_tracer)


def hook_signals(module: ModuleType, close: Callable[[], object]) -> None:
    """Send the context with every task that is published, and flush when a child of the prefork pool ends."""

    def inject(headers: dict[str, Any] | None = None, **_: Any) -> None:
        with FAULTS.guard("jobs.celery.publish"):
            if isinstance(headers, dict):
                propagate.inject(headers)

    def flush(**_: Any) -> None:
        with FAULTS.guard("jobs.celery.flush"):
            close()

    module.before_task_publish.connect(inject, weak=False)
    module.worker_process_shutdown.connect(flush, weak=False)


def _build_tracer(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    run_task = wrapped(*args, **kwargs)
    # ``apply`` builds its function right before it calls it, in the same context.
    if kwargs.get("eager") and inside_operation():
        return run_task
    return _recorded(run_task, str(args[0] if args else kwargs.get("name")))


def _recorded(run_task: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(run_task)
    def call(uuid: Any, args: Any, kwargs: Any, request: Any = None) -> Any:
        given = request if isinstance(request, dict) else {}
        run = begin(name, _attributes(uuid, given), given)
        if run is None:
            return run_task(uuid, args, kwargs, request)
        try:
            outcome = run_task(uuid, args, kwargs, request)
        except BaseException as raised:  # the worker is told to stop, or an eager task passes its exception on
            run.end(raised)
            raise
        _end(run, outcome)
        return outcome

    return call


def _attributes(uuid: Any, request: dict[str, Any]) -> dict[str, str | int]:
    found: dict[str, str | int] = {
        semconv.MESSAGING_SYSTEM: "celery",
        semconv.MESSAGING_OPERATION_TYPE: "process",
        semconv.MESSAGING_MESSAGE_ID: str(uuid),
    }
    delivery = request.get("delivery_info")
    queue = delivery.get("routing_key") if isinstance(delivery, dict) else None
    if isinstance(queue, str) and queue:
        found[semconv.MESSAGING_DESTINATION_NAME] = queue
    if isinstance(request.get("retries"), int):
        found[semconv.CELERY_RETRIES] = request["retries"]
    return found


def _end(run: JobRun, outcome: Any) -> None:
    """End *run* as the second field of Celery's outcome says: state and exception, or None after a result."""
    told = outcome[1] if isinstance(outcome, tuple) and len(outcome) > 1 else None
    state = getattr(told, "state", None) or "SUCCESS"
    run.end(getattr(told, "retval", None) if state == _FAILED else None, {semconv.CELERY_STATE: str(state)})
