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
CREATE TABLE tags (
  id BIGINT,
  tag STRING
) WITH ('connector' = 'print');
CREATE TABLE numbered (
  id BIGINT,
  tag STRING,
  place INT
) WITH ('connector' = 'print');
CREATE TABLE lefts (
  id BIGINT,
  tag STRING
) WITH ('connector' = 'print');
CREATE TABLE pairs (
  id BIGINT,
  k STRING,
  v INT
) WITH ('connector' = 'print');
CREATE TABLE parts (
  id BIGINT,
  code STRING,
  n INT
) WITH ('connector' = 'print');
INSERT INTO tags
SELECT id, tag FROM carts CROSS JOIN UNNEST(tags) AS t (tag);
INSERT INTO numbered
SELECT id, tag, place FROM carts CROSS JOIN UNNEST(tags) WITH ORDINALITY AS t (tag, place);
INSERT INTO lefts
SELECT id, tag FROM carts LEFT JOIN UNNEST(tags) AS t (tag) ON TRUE;
INSERT INTO pairs
SELECT id, k, v FROM carts CROSS JOIN UNNEST(counts) AS t (k, v);
INSERT INTO parts
SELECT id, code, n FROM carts CROSS JOIN UNNEST(lines) AS t (code, n);
