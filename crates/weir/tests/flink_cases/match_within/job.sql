CREATE TABLE steps (
  id BIGINT,
  student STRING,
  step STRING,
  points INT,
  `at` TIMESTAMP(3),
  WATERMARK FOR `at` AS `at` - INTERVAL '2' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = 'steps', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE res (
  student STRING,
  first_id BIGINT,
  last_id BIGINT,
  ended TIMESTAMP(3)
) WITH ('connector' = 'print');
INSERT INTO res
SELECT student, first_id, last_id, ended FROM steps MATCH_RECOGNIZE (
  PARTITION BY student
  ORDER BY `at`
  MEASURES FIRST(a.id) AS first_id, b.id AS last_id, MATCH_ROWTIME() AS ended
  AFTER MATCH SKIP TO NEXT ROW
  PATTERN (a{2,4}? b) WITHIN INTERVAL '8' SECOND
  DEFINE a AS a.points > 1, b AS b.points < LAST(a.points) OR b.points IS NULL
);
