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
  credits INT,
  PRIMARY KEY (student) NOT ENFORCED
) WITH ('connector' = 'print');
INSERT INTO res
SELECT student, UPPER(name), credits FROM FROM_CHANGELOG(TABLE changes) AS c WHERE credits > 0 OR name IS NULL;
