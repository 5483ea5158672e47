-- The fifteen live analytics of the assistant: who asks what, how fast and how well it is answered.
--
-- Plain Flink SQL. Weir runs it as it is. Apache Flink 2.x runs it too, once three things are changed in a copy: each
-- ${NAME:default} by a value, `embedded` by the brokers of a Kafka, and the 'redis' of the result tables in part 2 by a
-- connector that Flink has, with that connector's options. Check a change with `weir check`, look at the plan with
-- `weir explain`, try it on a file of events with `weir local`.
--
-- ${NAME:default} is filled from Weir's settings and environment before the script is read.


-- ---------------------------------------------------------------------------------------------------------------------
-- 0. Settings
-- ---------------------------------------------------------------------------------------------------------------------

SET 'pipeline.name' = 'Query Analytics Streaming';

-- The zone of time stamps without an offset, of the times in results, and of "a day".
SET 'table.local-time-zone' = '${WEIR_TIME_ZONE:UTC}';

-- What Weir adds; Flink ignores these. While a window is open its result so far is written every second, marked
-- is_final = false; and for a minute after a window has closed, late events still correct its result.
SET 'weir.early-fire' = '1 s';
SET 'weir.allowed-lateness' = '1 min';


-- ---------------------------------------------------------------------------------------------------------------------
-- 1. What comes in
-- ---------------------------------------------------------------------------------------------------------------------

-- One row for each question asked. Only the fields that are used are declared: all others, like the long answer_text,
-- are skipped without being decoded. A field that is missing or of the wrong type is null.
CREATE TABLE user_queries (
  query_id    STRING,
  `timestamp` STRING,                                   -- names that SQL reserves stand in back-quotes
  ts          STRING,                                   -- used where `timestamp` is missing
  `user`      ROW<user_id INT, user_type STRING, department_id INT, department_name STRING, `years` INT>,
  query_text  STRING,
  rag_params  ROW<context_found INT>,
  rag_metrics ROW<response_time_ms DOUBLE, success BOOLEAN>,
  metadata    ROW<history_used BOOLEAN, query_rewritten BOOLEAN>,

  -- The moment of the question. Every form of ISO 8601 is read: with `Z` or an offset (+07:00) it is that instant,
  -- without one it is local time of the zone above. What cannot be read is null, and such an event is not counted.
  -- (A computed column cannot use another one, hence the COALESCE again and again. It is computed once all the same.)
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

  -- Events may arrive up to five seconds out of order: a window closes five seconds (of event time) after its end.
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = '${KAFKA_TOPIC_QUERIES:user-queries}',
  'properties.bootstrap.servers' = '${KAFKA_BROKER_URL:embedded}',  -- `embedded` is Weir's own log: no Kafka needed
  'properties.group.id' = '${KAFKA_GROUP_ID:weir-analytics}',
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);

-- The events as the analytics want them: flat, with the question normalised, and only the valid ones.
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
-- 2. What goes out
-- ---------------------------------------------------------------------------------------------------------------------

-- One table for each analytic. A row becomes one key of the result store, its value the row as a JSON object:
--   key         the columns in braces are put in; `window_end` makes the key the same however often it is written, so
--               that nothing counts twice when events are read again
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

-- All fifteen are one job: events are read and decoded once, and what the queries have in common is computed once.
-- Each cuts the stream into windows of event time that do not overlap (TUMBLE) and gives one row for each window and
-- group. Averages skip nulls, and are 0 where there is nothing to average.

EXECUTE STATEMENT SET
BEGIN

-- 1. By kind of user, every 20 seconds. (AVG of an INT would be a whole number, hence the CAST.)
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

-- 3. Kind of user by year of study. A kind of user that is not known is a group of its own.
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

-- 4. How often each question was asked, in whatever case, and with or without blanks around it.
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

-- 5. Students only, by year of study; students whose year is not known are a group too.
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

-- 6. What students of each year ask.
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

-- 7. By department. Any of its names will do, so the greatest is taken.
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

-- 8. The distribution of users.
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

-- 9. How many questions were answered. One whose success is not known is in the total, but neither success nor
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

-- 10. How long answers take: mean, median, and what 95 of 100 stay below.
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

-- 11. Everything at a glance.
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

-- 12-14. How many questions, by the minute, the hour and the local day.
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

-- 15. By the hour of the day, local time.
INSERT INTO heatmap_hourly
SELECT HOUR(window_start),
       COUNT(*),
       DATE_FORMAT(window_start, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(window_end, 'yyyy-MM-dd''T''HH:mm:ss'),
       DATE_FORMAT(CURRENT_TIMESTAMP, 'yyyy-MM-dd''T''HH:mm:ss')
FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' HOUR))
GROUP BY window_start, window_end;

END;
