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
  a STRING,
  c STRING,
  part STRING,
  has_b BOOLEAN,
  is_doc BOOLEAN,
  made STRING
) WITH ('connector' = 'print');
INSERT INTO res
SELECT id, JSON_VALUE(doc, '$.a'), JSON_VALUE(doc, 'lax $.b.c[1]' DEFAULT 'none' ON EMPTY), JSON_QUERY(doc, '$.b.c'),
  JSON_EXISTS(doc, '$.b'), doc IS JSON, JSON_OBJECT('id' VALUE id, 'tên' VALUE who.name NULL ON NULL) FROM carts;
