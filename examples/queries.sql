-- Declares the questions as a table for interactive queries such as `SELECT query_id, `user`.user_type FROM queries LIMIT 10`.
--
--   weir sql -f examples/queries.sql -e 'SELECT query_id FROM queries LIMIT 10'
--
-- The time is a STRING because some producers write it with `Z` and some without: a TIMESTAMP_LTZ in JSON needs the `Z`, and a
-- TIMESTAMP must not have it. Both forms are UTC here.

CREATE TABLE queries (
  query_id    STRING,
  `user`      ROW<user_type STRING>,
  query_text  STRING,
  `timestamp` STRING,
  event_time  AS TRY_CAST(REPLACE(REPLACE(`timestamp`, 'T', ' '), 'Z', '') AS TIMESTAMP_LTZ(3)),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'user-queries',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json'
);
