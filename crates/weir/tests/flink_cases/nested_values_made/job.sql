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
  id BIGINT,
  names ARRAY<STRING>,
  pairs MAP<STRING, INT>,
  pair ROW<a BIGINT, b STRING>,
  as_json STRING
) WITH ('connector' = 'print');
INSERT INTO res
SELECT id, ARRAY[who.name, 'x'], MAP['n', CARDINALITY(tags)], CAST(ROW(id, who.name) AS ROW<a BIGINT, b STRING>), JSON_STRING(tags) FROM carts;
