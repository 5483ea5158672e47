CREATE TABLE carts (
  id BIGINT,
  tags ARRAY<STRING>,
  counts MAP<STRING, INT>,
  lines ARRAY<ROW<code STRING, n INT>>,
  who ROW<name STRING, address ROW<city STRING, zip INT>>,
  doc STRING
) WITH (
  'connector' = 'kafka', 'topic' = 'carts', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE res (
  who ROW<name STRING, address ROW<city STRING, zip INT>>,
  n BIGINT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT who, COUNT(*) FROM carts GROUP BY who;
