-- Counts slow answers per minute, by the time at which the log received an event instead of the event's own time. The topic is
-- keyed: a reader, or a compacted topic, has one row per model and minute.
--
--   weir check examples/slow.sql         checks the script
--   weir run examples/slow.sql           runs it on a running Weir, beside the built-in job

SET 'pipeline.name' = 'slow';

CREATE TABLE user_queries (
  query_id    STRING,
  rag_metrics ROW<response_time_ms DOUBLE>,
  metadata    ROW<model_used STRING>,
  -- Metadata of the record, not of its JSON: append time, offset, and the producer's headers.
  arrived     TIMESTAMP_LTZ(3) NOT NULL METADATA FROM 'timestamp' VIRTUAL,
  place       BIGINT METADATA FROM 'offset' VIRTUAL,
  headers     MAP<STRING, BYTES> METADATA VIRTUAL,
  WATERMARK FOR arrived AS arrived
) WITH (
  'connector' = 'kafka',
  'topic' = '${KAFKA_TOPIC_QUERIES:user-queries}',
  'properties.bootstrap.servers' = '${KAFKA_BROKER_URL:embedded}',
  'scan.startup.mode' = 'latest-offset',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);

CREATE TABLE slow_answers (
  model       STRING,
  window_end  TIMESTAMP(3),
  slow        BIGINT,
  slowest_ms  DOUBLE,
  last_place  BIGINT,
  PRIMARY KEY (model, window_end) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'slow-answers',
  'properties.bootstrap.servers' = '${KAFKA_BROKER_URL:embedded}',
  'key.format' = 'json',
  'value.format' = 'json'
);

INSERT INTO slow_answers
SELECT
  metadata.model_used,
  window_end,
  COUNT(*),
  MAX(rag_metrics.response_time_ms),
  MAX(place)
FROM TABLE(TUMBLE(TABLE user_queries, DESCRIPTOR(arrived), INTERVAL '1' MINUTE))
WHERE rag_metrics.response_time_ms > 2000
  -- A column of the primary key must not be null.
  AND metadata.model_used IS NOT NULL
  -- Events of a load test have this header.
  AND headers['synthetic'] IS NULL
GROUP BY window_start, window_end, metadata.model_used;
