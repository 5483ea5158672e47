-- The fifteen live analytics of the assistant: who asks which questions, how fast and how well they are answered.
--
-- The script is plain Flink SQL. Apache Flink 2.x runs it too: `weir submit` sends it to a cluster, where the rows of the
-- 'redis' tables in part 2 go to topics of Kafka. Check a change with `weir check`, show the plan with `weir explain`, and
-- run it on a file of events with `weir local`.
--
-- Weir replaces ${NAME:default} with values of its settings and environment before it reads the script.


-- ---------------------------------------------------------------------------------------------------------------------
-- 0. Settings
-- ---------------------------------------------------------------------------------------------------------------------

SET 'pipeline.name' = 'Query Analytics Streaming';

-- Time zone of timestamps without an offset, of the times in results, and of "a day".
SET 'table.local-time-zone' = '${WEIR_TIME_ZONE:UTC}';

-- Settings of Weir, which Flink ignores. While a window is open, its current result is written every second with
-- is_final = false. For a minute after a window has closed, late events still correct its result.
SET 'weir.early-fire' = '1 s';
SET 'weir.allowed-lateness' = '1 min';


-- ---------------------------------------------------------------------------------------------------------------------
-- 1. Input
-- ---------------------------------------------------------------------------------------------------------------------

-- One row for each question. Only used fields are declared: Weir skips all others, such as the long answer_text,
-- without decoding them. A field that is missing or has the wrong type is null.
CREATE TABLE user_queries (
  query_id    STRING,
  `timestamp` STRING,                                   -- reserved names need back-quotes
  ts          STRING,                                   -- used if `timestamp` is missing
  `user`      ROW<user_id INT, user_type STRING, department_id INT, department_name STRING, `years` INT>,
  query_text  STRING,
  rag_params  ROW<context_found INT>,
  rag_metrics ROW<response_time_ms DOUBLE, success BOOLEAN>,
  metadata    ROW<history_used BOOLEAN, query_rewritten BOOLEAN>,

  -- Time of the question, in any form of ISO 8601: with `Z` or an offset (+07:00) it is that instant, without an
  -- offset it is local time of the zone above. An unreadable time is null, and the event is not counted.
  -- (A computed column cannot use another one, so the COALESCE is repeated. Weir computes it only once.)
  event_time AS CASE
    WHEN CHAR_LENGTH(COALESCE(`timestamp`, ts)) > 19
         AND (RIGHT(COALESCE(`timestamp`, ts), 1) = 'Z'
              OR SUBSTRING(COALESCE(`timestamp`, ts), CHAR_LENGTH(COALESCE(`timestamp`, ts)) - 5, 1) IN ('+', '-'))
    THEN TO_TIMESTAMP_LTZ(
           CAST(TRY_CAST(REPLACE(REGEXP_REPLACE(COALESCE(`timestamp`, ts), '(Z|[+-]\d\d:\d\d)$', ''), 'T', ' ')
                         AS TIMESTAMP(3)) AS STRING),
           'yyyy-MM-dd HH:mm:ss[.SSS]',
           REGEXP_EXTRACT(COALESCE(`timestamp`, ts), '(Z|[+-]\d\d:\d\d)$', 1))
    ELSE TRY_CAST(REPLACE(COALESCE(`timestamp`, ts), 'T', ' ') AS TIMESTAMP_LTZ(3))
  END,

  -- Events may be up to five seconds out of order: a window closes five seconds (of event time) after its end.
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = '${KAFKA_TOPIC_QUERIES:user-queries}',
  'properties.bootstrap.servers' = '${KAFKA_BROKER_URL:embedded}',  -- `embedded` is Weir's own log, without Kafka
  'properties.group.id' = '${KAFKA_GROUP_ID:weir-analytics}',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);

-- Events for the analytics: flat, with the normalised question, and only valid events.
CREATE VIEW events AS
SELECT event_time,
       `user`.user_id                                AS user_id,
       `user`.user_type                              AS user_type,
       `user`.user_type IN ('Sinh viên', 'Học sinh') AS is_student,   -- university students and pupils
       `user`.department_id                          AS department_id,
       `user`.department_name                        AS department_name,
       `user`.`years`                                AS `years`,      -- year of study, 1-6
       LOWER(TRIM(query_text))                       AS query_text,
       rag_params.context_found                      AS context_found,
       rag_metrics.response_time_ms                  AS response_time_ms,
       rag_metrics.success                           AS success,
       metadata.history_used                         AS history_used,
       metadata.query_rewritten                      AS query_rewritten
FROM user_queries
WHERE query_id IS NOT NULL AND event_time IS NOT NULL;


-- ---------------------------------------------------------------------------------------------------------------------
-- 2. Output
-- ---------------------------------------------------------------------------------------------------------------------

-- One table for each analytic. A row is one key of the result store; its value is the row as a JSON object:
--   key         the columns in braces are replaced; with `window_end`, a repeated write has the same key, so that
--               nothing counts twice when events are read again
--   ttl         seconds until the key expires (30 days)
--   channel     after a batch: PUBLISH {"type": the table's name, "timestamp": window_end, "count": rows}
--   latest-key  after a batch: SET to the newest window_end

CREATE TABLE faculty (
  faculty            STRING,
  query_count        BIGINT,
  unique_users       BIGINT,
  avg_response_time  DOUBLE,
  avg_contexts_found DOUBLE,
  rewritten_queries  BIGINT,
  history_used_count BIGINT,
  window_start       STRING,
  window_end         STRING,
  created_at         STRING
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:faculty:{faculty}:{window_end}',
  'ttl' = '${REDIS_TTL:2592000}',
  'channel' = 'analytics:updates',
  'latest-key' = 'analytics:latest'
);

CREATE TABLE `year` (
  `year`             INT,
  query_count        BIGINT,
  unique_users       BIGINT,
  avg_response_time  DOUBLE,
  avg_contexts_found DOUBLE,
  window_start       STRING,
  window_end         STRING,
  created_at         STRING
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:year:{year}:{window_end}',
  'ttl' = '${REDIS_TTL:2592000}',
  'channel' = 'analytics:updates',
  'latest-key' = 'analytics:latest'
);

CREATE TABLE heatmap (
  faculty           STRING,
  `year`            INT,
  query_count       BIGINT,
  avg_response_time DOUBLE,
  window_start      STRING,
  window_end        STRING,
  created_at        STRING
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:heatmap:{faculty}:{year}:{window_end}',
  'ttl' = '${REDIS_TTL:2592000}',
  'channel' = 'analytics:updates',
  'latest-key' = 'analytics:latest'
);

CREATE TABLE popular_queries (
  query_text   STRING,
  query_hash   STRING,
  query_count  BIGINT,
  unique_users BIGINT,
  window_start STRING,
  window_end   STRING,
  created_at   STRING
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:popular_queries:{query_hash}:{window_end}',
  'ttl' = '${REDIS_TTL:2592000}',
  'channel' = 'analytics:updates',
  'latest-key' = 'analytics:latest'
);

CREATE TABLE student_year (
  `years`            INT,
  `year`             INT,
  query_count        BIGINT,
  unique_users       BIGINT,
  avg_response_time  DOUBLE,
  avg_contexts_found DOUBLE,
  window_start       STRING,
  window_end         STRING,
  created_at         STRING
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:student_year:{years}:{window_end}',
  'ttl' = '${REDIS_TTL:2592000}',
  'channel' = 'analytics:updates',
  'latest-key' = 'analytics:latest'
);

CREATE TABLE popular_by_year (
  `years`      INT,
  `year`       INT,
  query_text   STRING,
  query_hash   STRING,
  query_count  BIGINT,
  unique_users BIGINT,
  window_start STRING,
  window_end   STRING,
  created_at   STRING
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:popular_by_year:{years}:{query_hash}:{window_end}',
  'ttl' = '${REDIS_TTL:2592000}',
  'channel' = 'analytics:updates',
  'latest-key' = 'analytics:latest'
);

CREATE TABLE department (
  department_id     INT,
  department_name   STRING,
  query_count       BIGINT,
  unique_users      BIGINT,
  success_count     BIGINT,
  avg_response_time DOUBLE,
  window_start      STRING,
  window_end        STRING,
  created_at        STRING
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:department:{department_id}:{window_end}',
  'ttl' = '${REDIS_TTL:2592000}',
  'channel' = 'analytics:updates',
  'latest-key' = 'analytics:latest'
);

CREATE TABLE user_type (
  user_type    STRING,
  query_count  BIGINT,
  unique_users BIGINT,
  window_start STRING,
  window_end   STRING,
  created_at   STRING
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:user_type:{user_type}:{window_end}',
  'ttl' = '${REDIS_TTL:2592000}',
  'channel' = 'analytics:updates',
  'latest-key' = 'analytics:latest'
);

CREATE TABLE success_rate (
  total_queries    BIGINT,
  success_count    BIGINT,
  failure_count    BIGINT,
  success_rate_pct DOUBLE,
  window_start     STRING,
  window_end       STRING,
  created_at       STRING
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:success_rate:{window_end}',
  'ttl' = '${REDIS_TTL:2592000}',
  'channel' = 'analytics:updates',
  'latest-key' = 'analytics:latest'
);

CREATE TABLE response_time (
  user_type    STRING,
  avg_time     DOUBLE,
  median_time  DOUBLE,
  p95_time     DOUBLE,
  query_count  BIGINT,
  window_start STRING,
  window_end   STRING,
  created_at   STRING
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:response_time:{user_type}:{window_end}',
  'ttl' = '${REDIS_TTL:2592000}',
  'channel' = 'analytics:updates',
  'latest-key' = 'analytics:latest'
);

CREATE TABLE overall (
  total_queries     BIGINT,
  success_count     BIGINT,
  failure_count     BIGINT,
  success_rate      DOUBLE,
  unique_users      BIGINT,
  avg_response_time DOUBLE,
  window_start      STRING,
  window_end        STRING,
  created_at        STRING
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:overall:{window_end}',
  'ttl' = '${REDIS_TTL:2592000}',
  'channel' = 'analytics:updates',
  'latest-key' = 'analytics:latest'
);

CREATE TABLE timeseries_minute (
  query_count  BIGINT,
  window_start STRING,
  window_end   STRING,
  created_at   STRING
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:timeseries:minute:{window_end}',
  'ttl' = '${REDIS_TTL:2592000}',
  'channel' = 'analytics:updates',
  'latest-key' = 'analytics:latest'
);

CREATE TABLE timeseries_hour (
  query_count  BIGINT,
  window_start STRING,
  window_end   STRING,
  created_at   STRING
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:timeseries:hour:{window_end}',
  'ttl' = '${REDIS_TTL:2592000}',
  'channel' = 'analytics:updates',
  'latest-key' = 'analytics:latest'
);

CREATE TABLE timeseries_day (
  query_count  BIGINT,
  window_start STRING,
  window_end   STRING,
  created_at   STRING
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:timeseries:day:{window_end}',
  'ttl' = '${REDIS_TTL:2592000}',
  'channel' = 'analytics:updates',
  'latest-key' = 'analytics:latest'
);

CREATE TABLE heatmap_hourly (
  hour_of_day  BIGINT,
  query_count  BIGINT,
  window_start STRING,
  window_end   STRING,
  created_at   STRING
) WITH (
  'connector' = 'redis',
  'key' = 'analytics:heatmap:hourly:{hour_of_day}:{window_end}',
  'ttl' = '${REDIS_TTL:2592000}',
  'channel' = 'analytics:updates',
  'latest-key' = 'analytics:latest'
);


-- ---------------------------------------------------------------------------------------------------------------------
-- 3. The analytics
-- ---------------------------------------------------------------------------------------------------------------------

-- All fifteen are one job: events are read and decoded once, and common parts of the queries are computed once.
-- Each query divides event time into windows that do not overlap (TUMBLE), and gives one row for each window and
-- group. Averages skip nulls, and are 0 if there are no values.

EXECUTE STATEMENT SET
BEGIN

-- 1. By user type, every 20 seconds. (AVG of an INT is an integer, so the CAST is needed.)
INSERT INTO faculty
SELECT user_type,
       COUNT(*),
       COUNT(DISTINCT user_id),
       COALESCE(AVG(response_time_ms), 0),
       COALESCE(AVG(CAST(context_found AS DOUBLE)), 0),
       COUNT(*) FILTER (WHERE query_rewritten),
       COUNT(*) FILTER (WHERE history_used),
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '20' SECOND))
WHERE user_type IS NOT NULL
GROUP BY window_start, window_end, user_type;

-- 2. By year of study.
INSERT INTO `year`
SELECT `years`,
       COUNT(*),
       COUNT(DISTINCT user_id),
       COALESCE(AVG(response_time_ms), 0),
       COALESCE(AVG(CAST(context_found AS DOUBLE)), 0),
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '20' SECOND))
WHERE `years` IS NOT NULL
GROUP BY window_start, window_end, `years`;

-- 3. By user type and year of study. An unknown user type is a separate group.
INSERT INTO heatmap
SELECT user_type,
       `years`,
       COUNT(*),
       COALESCE(AVG(response_time_ms), 0),
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '30' SECOND))
WHERE `years` IS NOT NULL
GROUP BY window_start, window_end, user_type, `years`;

-- 4. Number of times each question was asked, ignoring case and surrounding blanks.
INSERT INTO popular_queries
SELECT query_text,
       MD5(query_text),
       COUNT(*),
       COUNT(DISTINCT user_id),
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '30' SECOND))
WHERE query_text IS NOT NULL
GROUP BY window_start, window_end, query_text;

-- 5. Only students, by year of study; students with an unknown year are a group too.
INSERT INTO student_year
SELECT `years`,
       `years`,
       COUNT(*),
       COUNT(DISTINCT user_id),
       COALESCE(AVG(response_time_ms), 0),
       COALESCE(AVG(CAST(context_found AS DOUBLE)), 0),
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
WHERE is_student
GROUP BY window_start, window_end, `years`;

-- 6. Questions of the students of each year.
INSERT INTO popular_by_year
SELECT `years`,
       `years`,
       query_text,
       MD5(query_text),
       COUNT(*),
       COUNT(DISTINCT user_id),
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '2' MINUTE))
WHERE is_student AND query_text IS NOT NULL
GROUP BY window_start, window_end, `years`, query_text;

-- 7. By department. Any of its names is valid, so the query takes the greatest.
INSERT INTO department
SELECT department_id,
       MAX(department_name),
       COUNT(*),
       COUNT(DISTINCT user_id),
       COUNT(*) FILTER (WHERE success),
       COALESCE(AVG(response_time_ms), 0),
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
WHERE department_id IS NOT NULL
GROUP BY window_start, window_end, department_id;

-- 8. Distribution of user types.
INSERT INTO user_type
SELECT user_type,
       COUNT(*),
       COUNT(DISTINCT user_id),
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
WHERE user_type IS NOT NULL
GROUP BY window_start, window_end, user_type;

-- 9. Success rate. A question with unknown success counts in the total, but neither as a success nor as a
-- failure.
INSERT INTO success_rate
SELECT COUNT(*),
       COUNT(*) FILTER (WHERE success),
       COUNT(*) FILTER (WHERE NOT success),
       CAST(COUNT(*) FILTER (WHERE success) AS DOUBLE) / COUNT(*) * 100,
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;

-- 10. Response times: mean, median and 95th percentile.
INSERT INTO response_time
SELECT user_type,
       COALESCE(AVG(response_time_ms), 0),
       COALESCE(PERCENTILE(response_time_ms, 0.5), 0),
       COALESCE(PERCENTILE(response_time_ms, 0.95), 0),
       COUNT(*),
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
WHERE user_type IS NOT NULL
GROUP BY window_start, window_end, user_type;

-- 11. Totals over all questions.
INSERT INTO overall
SELECT COUNT(*),
       COUNT(*) FILTER (WHERE success),
       COUNT(*) FILTER (WHERE NOT success),
       CAST(COUNT(*) FILTER (WHERE success) AS DOUBLE) / COUNT(*) * 100,
       COUNT(DISTINCT user_id),
       COALESCE(AVG(response_time_ms), 0),
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '20' SECOND))
GROUP BY window_start, window_end;

-- 12-14. Number of questions per minute, per hour and per local day.
INSERT INTO timeseries_minute
SELECT COUNT(*),
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end;

INSERT INTO timeseries_hour
SELECT COUNT(*),
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' HOUR))
GROUP BY window_start, window_end;

INSERT INTO timeseries_day
SELECT COUNT(*),
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' DAY))
GROUP BY window_start, window_end;

-- 15. By hour of the day, in local time.
INSERT INTO heatmap_hourly
SELECT HOUR(window_start),
       COUNT(*),
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' HOUR))
GROUP BY window_start, window_end;

END;
