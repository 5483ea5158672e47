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
  city STRING,
  zip INT,
  first_tag STRING,
  a INT,
  size INT,
  has_exam BOOLEAN,
  code STRING,
  as_text STRING
) WITH ('connector' = 'print');
INSERT INTO res
SELECT id, who.address.city, who.address.zip, tags[1], counts['a'], CARDINALITY(tags), ARRAY_CONTAINS(tags, 'thi'),
  lines[1].code, CAST(tags AS STRING) FROM carts;
