CREATE TABLE steps (
  id BIGINT,
  k STRING,
  n BIGINT,
  `at` TIMESTAMP(3),
  WATERMARK FOR `at` AS `at` - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = 'steps', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE res (k STRING, opened BIGINT, closed BIGINT, c BIGINT) WITH ('connector' = 'print');
INSERT INTO res
SELECT k, opened, closed, c FROM steps MATCH_RECOGNIZE (
  PARTITION BY k
  ORDER BY `at`
  MEASURES FIRST(id) AS opened, LAST(id) AS closed, COUNT(*) AS c
  ONE ROW PER MATCH
  AFTER MATCH SKIP TO NEXT ROW
  PATTERN (a* b+?) WITHIN INTERVAL '0.032' SECOND
  DEFINE a AS n >= FIRST(n), b AS TRUE
);
