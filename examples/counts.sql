-- Counts the questions of each user type: one row per type in the result store, updated with every event. A second table has
-- the types with fewer than 100 questions; a row is deleted when its type reaches 100.
--
--   weir run examples/counts.sql
--   redis-cli GET counts:Guest            if Weir writes to Redis (docs/redis.md)
--   redis-cli SUBSCRIBE counts:updates    shows which rows were written, and which keys were deleted

SET 'pipeline.name' = 'counts by user type';

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

CREATE TABLE counts (
  user_type   STRING,
  query_count BIGINT
) WITH (
  'connector' = 'redis',
  'key' = 'counts:{user_type}',
  'ttl' = '86400',
  'channel' = 'counts:updates'
);

CREATE TABLE rare (
  user_type   STRING,
  query_count BIGINT
) WITH (
  'connector' = 'redis',
  'key' = 'rare:{user_type}',
  'channel' = 'counts:updates'
);

CREATE VIEW counted AS
SELECT `user`.user_type AS user_type, COUNT(*) AS query_count FROM user_queries GROUP BY `user`.user_type;

INSERT INTO counts SELECT user_type, query_count FROM counted;

INSERT INTO rare SELECT user_type, query_count FROM counted WHERE query_count < 100;
