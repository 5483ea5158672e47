-- Writes each change of a count to a topic as a separate record: the number of questions of each user type, before and after.
--
--   weir run examples/changes.sql

SET 'pipeline.name' = 'changes of counts by user type';

CREATE TABLE user_queries (
  query_id STRING,
  `user`   ROW<user_type STRING>
) WITH (
  'connector' = 'kafka',
  'topic' = '${KAFKA_TOPIC_QUERIES:user-queries}',
  'properties.bootstrap.servers' = '${KAFKA_BROKER_URL:embedded}',
  'scan.startup.mode' = 'latest-offset',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);

CREATE TABLE count_changes (
  change      STRING,
  user_type   STRING,
  query_count BIGINT
) WITH (
  'connector' = 'kafka',
  'topic' = 'count-changes',
  'properties.bootstrap.servers' = '${KAFKA_BROKER_URL:embedded}',
  'format' = 'json'
);

CREATE VIEW counted AS
SELECT `user`.user_type AS user_type, COUNT(*) AS query_count FROM user_queries GROUP BY `user`.user_type;

INSERT INTO count_changes
SELECT change, user_type, query_count
FROM TO_CHANGELOG(
  input => TABLE counted,
  op => DESCRIPTOR(change),
  op_mapping => MAP['INSERT, UPDATE_AFTER', 'now', 'UPDATE_BEFORE', 'before', 'DELETE', 'gone']
);
