"""RQ: one operation for each run of a job, named after its function.

The context of the code that enqueues travels in fields of its own of the job's Redis hash: RQ passes over fields that
it does not know, and ``job.meta`` stays what the application made it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from opentelemetry import propagate
from wrapt import wrap_function_wrapper

from otel_verein import semconv
from otel_verein.faults import FAULTS
from otel_verein.instrumentation.jobs.run import JobRun, begin

_CARRIER = "_verein_carrier"
_RUN = "_verein_run"
_PREFIX = "verein-"


def hook_jobs(module: ModuleType, _: Callable[[], object]) -> None:
    """Have jobs carry the context they are created in."""
    wrap_function_wrapper(module, "Job.create", _create)
    wrap_function_wrapper(module, "Job.to_dict", _to_dict)
    wrap_function_wrapper(module, "Job.restore", _restore)


def hook_workers(module: ModuleType, close: Callable[[], object]) -> None:
    """Have workers run each job as an operation; a work horse flushes when its job is done, for it leaves at once."""

    def perform_job(wrapped: Callable[..., Any], worker: Any, args: Any, kwargs: Any) -> Any:
        return _performed(wrapped, worker, args, kwargs, close)

    for name, wrapper in (("perform_job", perform_job), ("handle_exception", _handle_exception)):
        owner = next(base for base in module.Worker.__mro__ if name in vars(base))
        wrap_function_wrapper(owner, name, wrapper)


def _create(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    job = wrapped(*args, **kwargs)
    with FAULTS.guard("jobs.rq.create"):
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        setattr(job, _CARRIER, carrier)
    return job


def _to_dict(wrapped: Callable[..., Any], job: Any, args: Any, kwargs: Any) -> Any:
    fields = wrapped(*args, **kwargs)
    with FAULTS.guard("jobs.rq.save"):
        for key, value in getattr(job, _CARRIER, {}).items():
            fields[_PREFIX + key] = value
    return fields


def _restore(wrapped: Callable[..., Any], job: Any, args: Any, kwargs: Any) -> Any:
    restored = wrapped(*args, **kwargs)
    with FAULTS.guard("jobs.rq.restore"):
        stored = args[0] if args else kwargs.get("raw_data", {})
        named = {_text(key): value for key, value in stored.items()}
        setattr(
            job,
            _CARRIER,
            {key[len(_PREFIX) :]: _text(value) for key, value in named.items() if key.startswith(_PREFIX)},
        )
    return restored


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _performed(wrapped: Callable[..., Any], worker: Any, args: Any, kwargs: Any, close: Callable[[], object]) -> Any:
    job = args[0] if args else kwargs.get("job")
    run = begin(_name(job), _attributes(job), getattr(job, _CARRIER, {}))
    with FAULTS.guard("jobs.rq.begin"):
        setattr(job, _RUN, run)
    try:
        return wrapped(*args, **kwargs)
    finally:
        if run is not None:
            run.end()
        if getattr(worker, "is_horse", False):
            with FAULTS.guard("jobs.rq.flush"):
                close()


def _handle_exception(wrapped: Callable[..., Any], _: Any, args: Any, kwargs: Any) -> Any:
    """The worker catches what a job raises and hands it on to this: the job, then type, exception and traceback."""
    with FAULTS.guard("jobs.rq.exception"):
        run: JobRun | None = getattr(args[0], _RUN, None)
        if run is not None and len(args) > 2:
            run.fail(args[2])
    return wrapped(*args, **kwargs)


def _name(job: Any) -> str:
    """The dotted name of the function, which RQ reads from the stored job; some name where that cannot be read."""
    with FAULTS.guard("jobs.rq.name"):
        return str(job.func_name)
    return "rq job that cannot be read"


def _attributes(job: Any) -> dict[str, str | int]:
    found: dict[str, str | int] = {semconv.MESSAGING_SYSTEM: "rq", semconv.MESSAGING_OPERATION_TYPE: "process"}
    with FAULTS.guard("jobs.rq.attributes"):
        found |= {semconv.MESSAGING_MESSAGE_ID: str(job.id), semconv.MESSAGING_DESTINATION_NAME: str(job.origin)}
    return found
