CREATE TABLE probes (
  v DOUBLE,
  `at` TIMESTAMP(3),
  WATERMARK FOR `at` AS `at` - INTERVAL '10' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = 'probes', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE res (window_start TIMESTAMP(3), v DOUBLE, n BIGINT) WITH ('connector' = 'print');
INSERT INTO res
SELECT window_start, v, COUNT(*) FROM TABLE(TUMBLE(TABLE probes, DESCRIPTOR(`at`), INTERVAL '1' MINUTE))
GROUP BY window_start, window_end, v;
