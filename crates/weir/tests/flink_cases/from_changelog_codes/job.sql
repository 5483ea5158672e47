CREATE TABLE changes (
  kind STRING,
  student STRING,
  name STRING,
  credits INT
) WITH (
  'connector' = 'kafka', 'topic' = 'changes', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE res (
  name STRING,
  n BIGINT,
  total INT,
  least INT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT name, COUNT(*), SUM(credits), MIN(credits)
FROM FROM_CHANGELOG(
  input => TABLE changes,
  op => DESCRIPTOR(kind),
  op_mapping => MAP['c, r', 'INSERT', 'ub', 'UPDATE_BEFORE', 'ua', 'UPDATE_AFTER', 'd', 'DELETE']
)
GROUP BY name;
