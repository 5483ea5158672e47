-- Lists the three user types with the most questions so far. The list is updated with every event.
--
--   weir run examples/top.sql            prints each change of the list on the standard output of a running Weir
--   weir local examples/top.sql --input user_queries=FILE      prints the final list for a file of events

SET 'pipeline.name' = 'top user types';

CREATE TABLE user_queries (
  query_id    STRING,
  `user`      ROW<user_type STRING>,
  rag_metrics ROW<response_time_ms DOUBLE>
) WITH (
  'connector' = 'kafka',
  'topic' = '${KAFKA_TOPIC_QUERIES:user-queries}',
  'properties.bootstrap.servers' = '${KAFKA_BROKER_URL:embedded}',
  'scan.startup.mode' = 'latest-offset',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);

CREATE TABLE top_user_types (
  place       BIGINT,
  user_type   STRING,
  query_count BIGINT,
  mean_time   DOUBLE
) WITH ('connector' = 'print');

INSERT INTO top_user_types
SELECT place, user_type, query_count, mean_time
FROM (
  SELECT *, ROW_NUMBER() OVER (ORDER BY query_count DESC, user_type) AS place
  FROM (
    SELECT
      COALESCE(`user`.user_type, 'unknown') AS user_type,
      COUNT(*) AS query_count,
      AVG(rag_metrics.response_time_ms) AS mean_time
    FROM user_queries
    GROUP BY COALESCE(`user`.user_type, 'unknown')
  )
)
WHERE place <= 3;
