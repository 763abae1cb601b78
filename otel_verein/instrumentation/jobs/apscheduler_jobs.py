"""APScheduler 3: one operation for each run of a job, named after the job (its function, where it has no name).

The executors' function that runs a job takes all its due times at once and keeps what the job raises, with its
traceback as text. It is called once for each time, and a run begins when that function looks up what to call: so a
time that was missed is no operation, and nothing of ours stands in the traceback.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from opentelemetry import context as context_api
from opentelemetry.context import Context
from wrapt import ObjectProxy, wrap_function_wrapper

from otel_verein import semconv
from otel_verein.instrumentation.jobs.run import JobRun, begin
from otel_verein.instrumentation.script.command import COMMAND


def hook_executors(module: ModuleType, _: Callable[[], object]) -> None:
    """Replace the functions that run a job, under their own names, since a process pool sends them by name."""
    for name, recorded in (("run_job", _recorded), ("run_coroutine_job", _recorded_coroutine)):
        if hasattr(module, name):
            setattr(module, name, recorded(getattr(module, name)))


def hook_schedulers(module: ModuleType, _: Callable[[], object]) -> None:
    """Have schedulers look for due jobs outside of any operation: the one they were started in is none of theirs."""
    wrap_function_wrapper(module, "BaseScheduler._process_jobs", _outside)
    wrap_function_wrapper(module, "BaseScheduler.start", _start)


def _start(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    COMMAND.serve()  # the jobs may run in other processes, where we would not see that this one serves
    return wrapped(*args, **kwargs)


def _outside(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    token = context_api.attach(Context())
    try:
        return wrapped(*args, **kwargs)
    finally:
        context_api.detach(token)


class _Watched(ObjectProxy):  # type: ignore[type-arg]
    """A job whose run begins when its function is looked up."""

    def __init__(self, job: Any) -> None:
        super().__init__(job)
        self._self_run: JobRun | None = None

    @property
    def func(self) -> Any:
        job = self.__wrapped__
        if self._self_run is None:
            self._self_run = begin(str(job.name), {semconv.APSCHEDULER_JOB_ID: str(job.id)}, {})
        return job.func

    def _self_ended(self, events: Any) -> None:
        """End the run, if it began, with the exception of its last event."""
        if self._self_run is not None:
            self._self_run.end(getattr(events[-1], "exception", None) if events else None)


def _recorded(run_job: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(run_job)
    def call(job: Any, jobstore_alias: Any, run_times: Any, *rest: Any) -> Any:
        events: list[Any] = []
        for run_time in run_times:
            watched, told = _Watched(job), []
            try:
                told = run_job(watched, jobstore_alias, [run_time], *rest)
            finally:
                watched._self_ended(told)
            events += told
        return events

    return call


def _recorded_coroutine(run_job: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(run_job)
    async def call(job: Any, jobstore_alias: Any, run_times: Any, *rest: Any) -> Any:
        events: list[Any] = []
        for run_time in run_times:
            watched, told = _Watched(job), []
            try:
                told = await run_job(watched, jobstore_alias, [run_time], *rest)
            finally:
                watched._self_ended(told)
            events += told
        return events

    return call
