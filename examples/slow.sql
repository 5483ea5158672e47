-- The slowest answers a minute, by the time at which a question came in rather than the one it says, into a topic where
-- each row stands under its key: whoever reads the topic, or has it compacted, has one row a model and minute.
--
--   weir check examples/slow.sql         is it right?
--   weir run examples/slow.sql           runs it beside the built-in job of a Weir that is up

SET 'pipeline.name' = 'slow';

CREATE TABLE user_queries (
  query_id    STRING,
  rag_metrics ROW<response_time_ms DOUBLE>,
  metadata    ROW<model_used STRING>,
  -- Of the record, not of its JSON: when the log took it, where it stands, and what its producer put into headers.
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
  -- A column of the primary key holds no nulls.
  AND metadata.model_used IS NOT NULL
  -- What a load test sends says so in a header.
  AND headers['synthetic'] IS NULL
GROUP BY window_start, window_end, metadata.model_used;
