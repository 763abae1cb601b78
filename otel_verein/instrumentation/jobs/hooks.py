"""Which job systems are hooked, and when: as soon as their module is imported."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from types import ModuleType

from wrapt import register_post_import_hook

from otel_verein.faults import FAULTS, Faults
from otel_verein.instrumentation.jobs import apscheduler_jobs, celery_tasks, rq_jobs

REPLACED_INSTRUMENTORS = frozenset({"celery"})
"""Upstream entry points that would make a second span of a run."""

JOB_SYSTEMS = {"celery": "Celery", "rq": "RQ", "apscheduler": "APScheduler"}
"""Module of a job system -> its name."""

Close = Callable[[], object]
"""Exports what waits, within a bound, and closes; called in a process that is about to leave by ``os._exit``."""

_HOOKS: tuple[tuple[str, Callable[[ModuleType, Close], None]], ...] = (
    ("celery.app.trace", celery_tasks.hook_runs),
    ("celery.signals", celery_tasks.hook_signals),
    ("rq.job", rq_jobs.hook_jobs),
    ("rq.worker", rq_jobs.hook_workers),
    ("apscheduler.executors.base", apscheduler_jobs.hook_executors),
    ("apscheduler.schedulers.base", apscheduler_jobs.hook_schedulers),
)

_registered: set[str] = set()


def instrument_jobs(close: Close, faults: Faults = FAULTS) -> None:
    """Make an operation of every run of a job, from the import of its system on. Idempotent.

    *close* is called at the end of a process that a job system ends without the interpreter's exit handlers.
    """
    for module, hook in _HOOKS:
        if module not in _registered:
            _registered.add(module)
            register_post_import_hook(partial(_imported, hook, close, faults), module)


def installed_job_systems() -> list[str]:
    """The names of the job systems that can be imported here; imports none."""
    return [name for module, name in JOB_SYSTEMS.items() if importlib.util.find_spec(module) is not None]


def _imported(hook: Callable[[ModuleType, Close], None], close: Close, faults: Faults, module: ModuleType) -> None:
    with faults.guard(f"instrumentation.{module.__name__}"):
        hook(module, close)
