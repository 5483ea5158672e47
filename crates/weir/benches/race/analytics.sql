-- Who asks which questions, and how fast they are answered, in windows: the script that `make race` runs on Flink and on
-- Weir, over the events of `weir generate`.
--
-- The race replaces the names in ${…} and gives the same text to both. Drains of waiting events use windows of a minute,
-- live events use windows of 0.1 seconds.

SET 'pipeline.name' = 'race';
SET 'table.local-time-zone' = 'UTC';
SET 'parallelism.default' = '1';
SET 'execution.checkpointing.interval' = '${checkpoints}';
SET 'table.exec.source.idle-timeout' = '0 s';

-- Both restart a failed job until it runs again, ten times per second.
SET 'restart-strategy.type' = 'fixed-delay';
SET 'restart-strategy.fixed-delay.attempts' = '10000';
SET 'restart-strategy.fixed-delay.delay' = '100 ms';

CREATE TABLE questions (
  `timestamp` TIMESTAMP(3),
  `user` ROW<user_id INT, user_type STRING, department_name STRING>,
  query_text STRING,
  rag_metrics ROW<response_time_ms DOUBLE, success BOOLEAN>,
  WATERMARK FOR `timestamp` AS `timestamp` - INTERVAL '${disorder}' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = '${events}',
  'properties.bootstrap.servers' = '${brokers}',
  'properties.group.id' = 'race',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601'
);

-- One row per window and group of all four analytics; `position` is the place among the popular questions.
CREATE TABLE results (
  analytic STRING,
  `group` STRING,
  `position` BIGINT,
  questions BIGINT,
  users BIGINT,
  mean_ms DOUBLE,
  successes BIGINT,
  window_end TIMESTAMP(3)
) WITH (
  'connector' = 'kafka',
  'topic' = '${results}',
  'properties.bootstrap.servers' = '${brokers}',
  'format' = 'json'
);

CREATE VIEW events AS
SELECT `timestamp`,
       `user`.user_id AS user_id,
       `user`.user_type AS user_type,
       `user`.department_name AS faculty,
       LOWER(TRIM(query_text)) AS question,
       rag_metrics.response_time_ms AS response_time_ms,
       rag_metrics.success AS success
FROM questions;

EXECUTE STATEMENT SET BEGIN

INSERT INTO results
SELECT 'user type', user_type, CAST(NULL AS BIGINT), COUNT(*), COUNT(DISTINCT user_id), AVG(response_time_ms),
       COUNT(*) FILTER (WHERE success), window_end
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(`timestamp`), INTERVAL ${window}))
GROUP BY window_start, window_end, user_type;

INSERT INTO results
SELECT 'faculty', faculty, CAST(NULL AS BIGINT), COUNT(*), COUNT(DISTINCT user_id), AVG(response_time_ms),
       COUNT(*) FILTER (WHERE success), window_end
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(`timestamp`), INTERVAL ${window}))
GROUP BY window_start, window_end, faculty;

INSERT INTO results
SELECT 'all', CAST(NULL AS STRING), CAST(NULL AS BIGINT), COUNT(*), COUNT(DISTINCT user_id), AVG(response_time_ms),
       COUNT(*) FILTER (WHERE success), window_end
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(`timestamp`), INTERVAL ${window}))
GROUP BY window_start, window_end;

-- The ten questions that were asked most; equal ones in the order of their texts.
INSERT INTO results
SELECT 'popular', question, `position`, questions, users, CAST(NULL AS DOUBLE), CAST(NULL AS BIGINT), window_end
FROM (
  SELECT question, questions, users, window_end,
         ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY questions DESC, question) AS `position`
  FROM (
    SELECT question, COUNT(*) AS questions, COUNT(DISTINCT user_id) AS users, window_start, window_end
    FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(`timestamp`), INTERVAL ${window}))
    GROUP BY window_start, window_end, question
  )
)
WHERE `position` <= 10;

END;
