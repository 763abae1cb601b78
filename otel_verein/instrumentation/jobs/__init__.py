"""Jobs: every run of a Celery task, an RQ job or an APScheduler job is an operation of its own."""

from otel_verein.instrumentation.jobs.hooks import REPLACED_INSTRUMENTORS, installed_job_systems, instrument_jobs

__all__ = ["REPLACED_INSTRUMENTORS", "installed_job_systems", "instrument_jobs"]
