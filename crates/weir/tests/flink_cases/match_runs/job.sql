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
  opened BIGINT,
  sent BIGINT,
  seen BIGINT,
  points INT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT student, opened, sent, seen, points FROM steps MATCH_RECOGNIZE (
  PARTITION BY student
  ORDER BY `at`
  MEASURES a.id AS opened, c.id AS sent, COUNT(b.id) AS seen, SUM(b.points) AS points
  ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW
  PATTERN (a b* c)
  DEFINE a AS a.step = 'mở', b AS b.step = 'xem', c AS c.step <> 'xem'
);
