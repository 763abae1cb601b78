"""Every attribute, metric and event that otel-verein emits or reads: the one home of their names.

The write side and the read side share nothing but these names. ``TABLE`` describes each of ours; the
reference page in ``docs/reference`` is generated from it. Names of the OpenTelemetry semantic conventions
(``db.*``, ``code.*``) are listed as plain constants, since their meaning has its home elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SCOPE: Final = "otel_verein"

# --- attributes of the local root span -------------------------------------------------------------------
DB_QUERY_COUNT: Final = "verein.db.query_count"
DB_DISTINCT_COUNT: Final = "verein.db.distinct_count"
DB_ERROR_COUNT: Final = "verein.db.error_count"
DB_DURATION_MS: Final = "verein.db.duration_ms"
N_PLUS_ONE_COUNT: Final = "verein.n_plus_one.count"
N_PLUS_ONE_MAX_REPEATS: Final = "verein.n_plus_one.max_repeats"
BREACH: Final = "verein.breach"
SEVERITY: Final = "verein.severity"
KEEP_REASON: Final = "verein.keep_reason"
SAMPLING_WOULD: Final = "verein.sampling.would"
ENTITY_TYPE: Final = "verein.entity.type"
ENTITY_ID: Final = "verein.entity.id"
ITEMS: Final = "verein.items"
SPANS_MERGED: Final = "verein.spans.merged"
SPANS_DROPPED: Final = "verein.spans.dropped"
ENTITY: Final = (ENTITY_TYPE, ENTITY_ID)
"""The attributes that may name a person."""
TIER: Final = "verein.tier"
DB_FINGERPRINT: Final = "verein.db.fingerprint"

# --- the finding event of the local root span ------------------------------------------------------------
FINDING_EVENT: Final = "verein.finding"
FINDING_KIND: Final = "verein.finding.kind"
FINDING_FINGERPRINT: Final = "verein.finding.fingerprint"
FINDING_REPEATS: Final = "verein.finding.repeats"
FINDING_QUERIES: Final = "verein.finding.queries"
FINDING_STATEMENTS: Final = "verein.finding.statements"
FINDING_TOTAL_MS: Final = "verein.finding.total_ms"
FINDING_PARAMETERS: Final = "verein.finding.parameters"
FINDING_WRITE: Final = "verein.finding.write"
FINDING_CONCURRENT: Final = "verein.finding.concurrent"
FINDING_STACK: Final = "verein.finding.stack"
FINDING_ORM: Final = "verein.finding.orm"
FINDING_ORM_VERSION: Final = "verein.finding.orm_version"
FINDING_VIA: Final = "verein.finding.via"

# --- metric names and the attributes of their points -----------------------------------------------------
METRIC_DURATION: Final = "verein.operation.duration"
METRIC_QUERIES: Final = "verein.operation.db.queries"
METRIC_DB_DURATION: Final = "verein.operation.db.duration"
METRIC_BREACHES: Final = "verein.operation.breaches"
METRIC_FINDINGS: Final = "verein.findings"
METRIC_FINDINGS_IGNORED: Final = "verein.findings.ignored"
METRIC_KEPT: Final = "verein.operation.kept"
METRIC_SAMPLED_OUT: Final = "verein.operation.sampled_out"
METRIC_EXPORTED: Final = "verein.export.exported"
METRIC_EXPORT_DROPPED: Final = "verein.export.dropped"
METRIC_SPANS_LOST: Final = "verein.export.spans_lost"
METRIC_INTERNAL_ERRORS: Final = "verein.internal.errors"
METRIC_UNATTRIBUTED: Final = "verein.db.queries.unattributed"
METRIC_LATE: Final = "verein.operation.late"
METRIC_SPANS_MERGED: Final = "verein.operation.spans.merged"
METRIC_SPANS_DROPPED: Final = "verein.operation.spans.dropped"
METRIC_OVERFLOW: Final = "verein.metrics.overflow"
METRIC_POINTS_LOST: Final = "verein.metrics.lost"
METRIC_DB_QUERIES: Final = "verein.db.queries"
METRIC_CONFIG_INFO: Final = "verein.config.info"
METRIC_CONFIG_CHANGES: Final = "verein.config.changes"

OPERATION: Final = "verein.operation.name"
OPERATION_KIND: Final = "verein.operation.kind"
OPERATION_STATUS: Final = "verein.operation.status"
DROP_REASON: Final = "verein.drop.reason"
IGNORE_RULE: Final = "verein.ignore.rule"
ERROR_SITE: Final = "verein.internal.site"
THREAD_ROLE: Final = "verein.thread.role"
CONFIG_DIGEST: Final = "verein.config.digest"
CONFIG_ENVIRONMENT: Final = "verein.config.environment"
CONFIG_STATE: Final = "verein.config.state"
CONFIG_OUTCOME: Final = "verein.config.outcome"

DETAILS: Final = (
    BREACH,
    FINDING_KIND,
    KEEP_REASON,
    DROP_REASON,
    ERROR_SITE,
    THREAD_ROLE,
    IGNORE_RULE,
)
"""The attributes that tell the series of one operation, or of one process, apart."""

# --- summary spans: the keys that the collector's span pruning writes, so viewers draw them --------------
AGG_IS_SUMMARY: Final = "aggregation.is_summary"
AGG_SPAN_COUNT: Final = "aggregation.span_count"
AGG_DURATION_MIN_NS: Final = "aggregation.duration_min_ns"
AGG_DURATION_MAX_NS: Final = "aggregation.duration_max_ns"
AGG_DURATION_AVG_NS: Final = "aggregation.duration_avg_ns"
AGG_DURATION_TOTAL_NS: Final = "aggregation.duration_total_ns"
AGG_DURATION_MEDIAN_NS: Final = "aggregation.duration_median_ns"
AGG_BUCKET_BOUNDS_S: Final = "aggregation.histogram_bucket_bounds_s"
AGG_BUCKET_COUNTS: Final = "aggregation.histogram_bucket_counts"

AGGREGATION: Final = (
    AGG_IS_SUMMARY,
    AGG_SPAN_COUNT,
    AGG_DURATION_MIN_NS,
    AGG_DURATION_MAX_NS,
    AGG_DURATION_AVG_NS,
    AGG_DURATION_TOTAL_NS,
    AGG_DURATION_MEDIAN_NS,
    AGG_BUCKET_BOUNDS_S,
    AGG_BUCKET_COUNTS,
)
"""All keys of summary spans."""

# --- OpenTelemetry's own -----------------------------------------------------------------------------------
DB_SYSTEM_NAME: Final = "db.system.name"
DB_NAMESPACE: Final = "db.namespace"
DB_QUERY_TEXT: Final = "db.query.text"
DB_QUERY_SUMMARY: Final = "db.query.summary"
DB_OPERATION_NAME: Final = "db.operation.name"
DB_OPERATION_BATCH_SIZE: Final = "db.operation.batch.size"
DB_COLLECTION_NAME: Final = "db.collection.name"
DB_RESPONSE_RETURNED_ROWS: Final = "db.response.returned_rows"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"
PROCESS_EXIT_CODE: Final = "process.exit.code"
MESSAGING_SYSTEM: Final = "messaging.system"
MESSAGING_OPERATION_TYPE: Final = "messaging.operation.type"
MESSAGING_MESSAGE_ID: Final = "messaging.message.id"
MESSAGING_DESTINATION_NAME: Final = "messaging.destination.name"
CELERY_STATE: Final = "celery.state"
CELERY_RETRIES: Final = "celery.retries"
APSCHEDULER_JOB_ID: Final = "apscheduler.job.id"
ENVIRONMENT: Final = "deployment.environment.name"
CODE_FILE_PATH: Final = "code.file.path"
CODE_LINE_NUMBER: Final = "code.line.number"
CODE_FUNCTION_NAME: Final = "code.function.name"

IGNORED_BY_CODE: Final = "code"
"""The ignore rule of a block of code."""

AFTER_ITS_END: Final = " (after its end)"
"""What follows the name of an operation in the name of the one that holds its late queries."""

OTHER: Final = "other"
"""The operation name that stands for all names past the cardinality cap."""


@dataclass(frozen=True, slots=True)
class Name:
    """One name of ours: where it stands, its type and unit, and what it says."""

    name: str
    where: str
    type: str
    unit: str
    meaning: str


TABLE: Final = (
    Name(DB_QUERY_COUNT, "root span", "int", "{query}", "Queries of the operation; transaction verbs apart"),
    Name(DB_DISTINCT_COUNT, "root span", "int", "{statement}", "Different statements among them"),
    Name(DB_ERROR_COUNT, "root span", "int", "{query}", "Queries whose driver call raised"),
    Name(DB_DURATION_MS, "root span", "double", "ms", "Sum of the time in driver calls, transaction verbs included"),
    Name(N_PLUS_ONE_COUNT, "root span", "int", "{finding}", "N+1 and duplicate findings"),
    Name(N_PLUS_ONE_MAX_REPEATS, "root span", "int", "{query}", "Repeats of the worst of them"),
    Name(BREACH, "root span", "string[]", "", "Budgets broken: error, duration, queries, db_duration, n_plus_one"),
    Name(SEVERITY, "root span", "string", "", "ok, warning or critical"),
    Name(
        KEEP_REASON,
        "root span",
        "string",
        "",
        "Why the trace was kept: error, breach, n_plus_one, forced, sampled, parent, collector, dry_run",
    ),
    Name(
        SAMPLING_WOULD,
        "root span",
        "string",
        "",
        "Where the process only marks: the reason it would have kept the trace for, or sampled_out",
    ),
    Name(ENTITY_TYPE, "root span", "string", "", "What the operation is about, from `otel_verein.entity`"),
    Name(ENTITY_ID, "root span", "string", "", "Which one; only where `privacy.entity_ids` is `keep`"),
    Name(ITEMS, "root span", "int", "{item}", "Rows or items that it worked on, from `otel_verein.items`"),
    Name(SPANS_MERGED, "root span", "int", "{query}", "Queries that summary spans stand for"),
    Name(SPANS_DROPPED, "root span", "int", "{span}", "Spans left out because the operation passed its cap"),
    Name(TIER, "every span", "string", "", "long (errors, critical), medium (breaches, findings), short (sampled)"),
    Name(DB_FINGERPRINT, "query span", "string", "", "Hash of the sanitised statement, as in findings"),
    Name(FINDING_EVENT, "root event", "event", "", "One finding; its attributes follow"),
    Name(FINDING_KIND, FINDING_EVENT, "string", "", "n_plus_one (parameters differ) or duplicate (all equal)"),
    Name(FINDING_FINGERPRINT, FINDING_EVENT, "string", "", "Hash of the sanitised statement"),
    Name(FINDING_REPEATS, FINDING_EVENT, "int", "{query}", "Times the statement, or the sequence, ran"),
    Name(FINDING_QUERIES, FINDING_EVENT, "int", "{query}", "Queries of all statements of the finding"),
    Name(FINDING_STATEMENTS, FINDING_EVENT, "int", "{statement}", "Statements in the repeated sequence; 1 for one"),
    Name(FINDING_TOTAL_MS, FINDING_EVENT, "double", "ms", "Time of all its repeats"),
    Name(FINDING_PARAMETERS, FINDING_EVENT, "int", "{set}", "Different parameters among the repeats, if comparable"),
    Name(FINDING_WRITE, FINDING_EVENT, "boolean", "", "Whether the statement changes data"),
    Name(FINDING_CONCURRENT, FINDING_EVENT, "boolean", "", "Whether some of the repeats ran at the same time"),
    Name(FINDING_STACK, FINDING_EVENT, "string[]", "", "Call site and up to two callers, innermost first"),
    Name(FINDING_ORM, FINDING_EVENT, "string", "", "The ORM that ran it, such as django; absent where none is known"),
    Name(FINDING_ORM_VERSION, FINDING_EVENT, "string", "", "Its version in this process"),
    Name(FINDING_VIA, FINDING_EVENT, "string", "", "Its function that was called, `of` which model and relation"),
    Name(METRIC_DURATION, "histogram", "exponential", "s", "Wall time of every operation"),
    Name(METRIC_QUERIES, "histogram", "exponential", "{query}", "Query count of every operation"),
    Name(METRIC_DB_DURATION, "histogram", "exponential", "s", "Database time of every operation"),
    Name(METRIC_BREACHES, "counter", "int", "{operation}", "Operations that broke the budget " + BREACH),
    Name(METRIC_FINDINGS, "counter", "int", "{finding}", "Findings by " + FINDING_KIND),
    Name(
        METRIC_FINDINGS_IGNORED,
        "counter",
        "int",
        "{finding}",
        "Repeats that a rule or the code ignores, by " + IGNORE_RULE,
    ),
    Name(METRIC_KEPT, "counter", "int", "{operation}", "Operations handed to export, by " + KEEP_REASON),
    Name(METRIC_SAMPLED_OUT, "counter", "int", "{operation}", "Operations not exported by decision"),
    Name(METRIC_EXPORTED, "counter", "int", "{operation}", "Kept operations that an exporter took"),
    Name(METRIC_EXPORT_DROPPED, "counter", "int", "{operation}", "Kept operations lost, by " + DROP_REASON),
    Name(METRIC_SPANS_LOST, "counter", "int", "{span}", "Spans lost apart from their operation, by " + DROP_REASON),
    Name(METRIC_INTERNAL_ERRORS, "counter", "int", "{error}", "Faults of otel-verein itself, by " + ERROR_SITE),
    Name(
        METRIC_DB_QUERIES,
        "counter",
        "double",
        "{query}",
        "Queries that a collector counted in the spans of services without otel-verein, by their sampling weight",
    ),
    Name(METRIC_UNATTRIBUTED, "counter", "int", "{query}", "Queries outside any operation, by " + THREAD_ROLE),
    Name(METRIC_LATE, "counter", "int", "{operation}", "Operations of queries that came after the end of theirs"),
    Name(METRIC_SPANS_MERGED, "counter", "int", "{query}", "Queries of kept operations that summary spans stand for"),
    Name(METRIC_SPANS_DROPPED, "counter", "int", "{span}", "Spans left out of operations that passed their cap"),
    Name(METRIC_OVERFLOW, "counter", "int", "{operation}", "Operations whose name reads `other` on metrics"),
    Name(METRIC_POINTS_LOST, "counter", "int", "{point}", "Metric points that were not taken, by " + DROP_REASON),
    Name(METRIC_CONFIG_INFO, "gauge", "int", "1", "1; its attributes say which configuration the process runs"),
    Name(METRIC_CONFIG_CHANGES, "counter", "int", "{change}", "Changes of configuration, by " + CONFIG_OUTCOME),
    Name(OPERATION, "metric point", "string", "", "Route template or job name; `other` past the cap"),
    Name(OPERATION_KIND, "metric point", "string", "", "server, consumer, internal, client or producer"),
    Name(OPERATION_STATUS, "metric point", "string", "", "ok or error"),
    Name(
        DROP_REASON,
        "metric point",
        "string",
        "",
        "queue_full, export_failed, shutdown, too_large, rejected or fault",
    ),
    Name(IGNORE_RULE, "metric point", "string", "", "The patterns of the rule, or `code` for `otel_verein.ignore`"),
    Name(ERROR_SITE, "metric point", "string", "", "The guarded place that failed"),
    Name(THREAD_ROLE, "metric point", "string", "", "main, thread, or late: its operation had ended"),
    Name(CONFIG_DIGEST, "metric point", "string", "", "Equal for processes whose options are all equal"),
    Name(CONFIG_ENVIRONMENT, "metric point", "string", "", "development, staging, production or unknown"),
    Name(
        CONFIG_STATE,
        "metric point",
        "string",
        "",
        "in_force; invalid: a change was refused and the one before is kept; restart_needed: a part of it takes "
        "effect at the next start",
    ),
    Name(CONFIG_OUTCOME, "metric point", "string", "", "applied or refused"),
)
