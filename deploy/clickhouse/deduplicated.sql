-- Each span once, with the tier it is kept in: over the tables that the backend `clickhouse` writes.
-- Sending again is what keeps a crash from losing spans, so a span can be in the tables twice; count and weigh here.
-- clickhouse-client --database otel --queries-file deduplicated.sql

-- The key of the groups is what copies of a span have in common, and holds what tables are sorted and split by:
-- a condition on time, service, name or trace reads only the parts it needs.
CREATE OR REPLACE VIEW otel_traces_deduplicated AS
SELECT
    ServiceName,
    SpanName,
    Timestamp,
    TraceId,
    SpanId,
    -- A trace that was decided twice, in two parts, is worth what its better part is worth; so is its weight.
    argMin(KeptAs, Rank) AS Tier,
    argMin(Weight, Rank) AS TraceState,
    any(Parent) AS ParentSpanId,
    any(Kind) AS SpanKind,
    any(OfResource) AS ResourceAttributes,
    any(OfSpan) AS SpanAttributes,
    any(Nanoseconds) AS Duration,
    any(Status) AS StatusCode,
    any(Message) AS StatusMessage,
    any(EventTimes) AS `Events.Timestamp`,
    any(EventNames) AS `Events.Name`,
    any(OfEvents) AS `Events.Attributes`,
    count() AS Copies
FROM
(
    SELECT 'long' AS KeptAs, 1 AS Rank, ServiceName, SpanName, Timestamp, TraceId, SpanId, TraceState AS Weight,
        ParentSpanId AS Parent, SpanKind AS Kind, ResourceAttributes AS OfResource, SpanAttributes AS OfSpan,
        Duration AS Nanoseconds, StatusCode AS Status, StatusMessage AS Message, `Events.Timestamp` AS EventTimes,
        `Events.Name` AS EventNames, `Events.Attributes` AS OfEvents
    FROM otel_traces_long
    UNION ALL
    SELECT 'medium', 2, ServiceName, SpanName, Timestamp, TraceId, SpanId, TraceState,
        ParentSpanId, SpanKind, ResourceAttributes, SpanAttributes,
        Duration, StatusCode, StatusMessage, `Events.Timestamp`,
        `Events.Name`, `Events.Attributes`
    FROM otel_traces_medium
    UNION ALL
    SELECT 'short', 3, ServiceName, SpanName, Timestamp, TraceId, SpanId, TraceState,
        ParentSpanId, SpanKind, ResourceAttributes, SpanAttributes,
        Duration, StatusCode, StatusMessage, `Events.Timestamp`,
        `Events.Name`, `Events.Attributes`
    FROM otel_traces_short
)
GROUP BY ServiceName, SpanName, Timestamp, TraceId, SpanId;
