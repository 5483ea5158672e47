-- Shows how many questions each model answers, how fast and with what success: one row per model and minute.
--
--   weir check examples/models.sql       checks the script
--   weir run examples/models.sql         runs it on a running Weir, beside the built-in job

SET 'pipeline.name' = 'models';

CREATE TABLE user_queries (
  query_id    STRING,
  `timestamp` STRING,
  rag_metrics ROW<response_time_ms DOUBLE, success BOOLEAN>,
  metadata    ROW<model_used STRING>,
  -- Converts from STRING because some producers write times with `Z` and some without: a TIMESTAMP_LTZ in JSON needs the `Z`,
  -- so every event without it would be a dead letter. Both forms are UTC here.
  event_time  AS TRY_CAST(REPLACE(REPLACE(`timestamp`, 'T', ' '), 'Z', '') AS TIMESTAMP_LTZ(3)),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = '${KAFKA_TOPIC_QUERIES:user-queries}',
  'properties.bootstrap.servers' = '${KAFKA_BROKER_URL:embedded}',
  'scan.startup.mode' = 'latest-offset',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);

-- `models` is a reserved word of Flink.
CREATE TABLE `models` (
  model         STRING,
  window_start  TIMESTAMP(3),
  window_end    TIMESTAMP(3),
  query_count   BIGINT,
  success_count BIGINT,
  p95_time      DOUBLE
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:models:{model}:{window_end}',
  'ttl' = '86400'
);

INSERT INTO `models`
SELECT
  metadata.model_used,
  window_start,
  window_end,
  COUNT(*),
  COUNT(*) FILTER (WHERE rag_metrics.success),
  PERCENTILE(rag_metrics.response_time_ms, 0.95)
FROM TABLE(TUMBLE(TABLE user_queries, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
WHERE metadata.model_used IS NOT NULL
GROUP BY window_start, window_end, metadata.model_used;
