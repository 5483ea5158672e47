-- Finds runs of slow answers: three or more in a row in one department, each slower than two seconds, within ten minutes. A run
-- is reported when an answer is fast again.
--
--   weir run examples/sequences.sql      prints each run on the standard output of a running Weir
--   weir local examples/sequences.sql --input user_queries=FILE      prints the runs in a file of events

SET 'pipeline.name' = 'slow runs';

CREATE TABLE user_queries (
  query_id    STRING,
  `timestamp` STRING,
  `user`      ROW<department_name STRING>,
  rag_metrics ROW<response_time_ms DOUBLE>,
  department  AS `user`.department_name,
  ms          AS rag_metrics.response_time_ms,
  event_time  AS TRY_CAST(REPLACE(REPLACE(`timestamp`, 'T', ' '), 'Z', '') AS TIMESTAMP(3)),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = '${KAFKA_TOPIC_QUERIES:user-queries}',
  'properties.bootstrap.servers' = '${KAFKA_BROKER_URL:embedded}',
  'scan.startup.mode' = 'latest-offset',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);

CREATE TABLE slow_runs (
  department  STRING,
  started     TIMESTAMP(3),
  ended       TIMESTAMP(3),
  answers     BIGINT,
  mean_ms     DOUBLE
) WITH ('connector' = 'print');

INSERT INTO slow_runs
SELECT department, started, ended, answers, mean_ms
FROM user_queries MATCH_RECOGNIZE (
  PARTITION BY department
  ORDER BY event_time
  MEASURES
    FIRST(slow.event_time) AS started,
    LAST(slow.event_time) AS ended,
    COUNT(slow.ms) AS answers,
    AVG(slow.ms) AS mean_ms
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (slow{3,} fast) WITHIN INTERVAL '10' MINUTE
  DEFINE
    slow AS slow.ms > 2000,
    fast AS fast.ms <= 2000
) AS runs;
