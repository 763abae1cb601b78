-- How long each tier is kept, for tables that are there already: the collector sets it only when it creates them.
-- clickhouse-client --database otel --queries-file retention.sql

ALTER TABLE otel_traces_long MODIFY TTL toDateTime(Timestamp) + INTERVAL 90 DAY;  -- from tiers.long_d
ALTER TABLE otel_traces_medium MODIFY TTL toDateTime(Timestamp) + INTERVAL 30 DAY;  -- from tiers.medium_d
ALTER TABLE otel_traces_short MODIFY TTL toDateTime(Timestamp) + INTERVAL 7 DAY;  -- from tiers.short_d

-- The tables by which a trace id finds its time range live as long.
ALTER TABLE otel_traces_long_trace_id_ts MODIFY TTL toDateTime(Start) + INTERVAL 90 DAY;  -- from tiers.long_d
ALTER TABLE otel_traces_medium_trace_id_ts MODIFY TTL toDateTime(Start) + INTERVAL 30 DAY;  -- from tiers.medium_d
ALTER TABLE otel_traces_short_trace_id_ts MODIFY TTL toDateTime(Start) + INTERVAL 7 DAY;  -- from tiers.short_d
