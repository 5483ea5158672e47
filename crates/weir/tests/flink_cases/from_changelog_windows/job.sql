CREATE TABLE changes (
  op STRING,
  student STRING,
  name STRING,
  credits INT,
  `at` TIMESTAMP(3),
  WATERMARK FOR `at` AS `at` - INTERVAL '1' HOUR
) WITH (
  'connector' = 'kafka', 'topic' = 'changes', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE res (
  window_start TIMESTAMP(3),
  name STRING,
  n BIGINT,
  total INT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT window_start, name, COUNT(*), SUM(credits)
FROM TABLE(TUMBLE(
  (SELECT * FROM FROM_CHANGELOG(input => TABLE changes)),
  DESCRIPTOR(`at`), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, name;
