CREATE TABLE changes (
  op STRING,
  student STRING,
  name STRING,
  credits INT
) WITH (
  'connector' = 'kafka', 'topic' = 'changes', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE res (
  student STRING,
  name STRING,
  credits INT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT * FROM FROM_CHANGELOG(input => TABLE changes);
