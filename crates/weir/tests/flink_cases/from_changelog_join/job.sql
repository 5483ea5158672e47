CREATE TABLE changes (
  op STRING,
  student STRING,
  name STRING,
  credits INT
) WITH (
  'connector' = 'kafka', 'topic' = 'changes', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE answers (
  student STRING,
  answer STRING
) WITH (
  'connector' = 'kafka', 'topic' = 'answers', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE res (
  student STRING,
  name STRING,
  answer STRING
) WITH ('connector' = 'print');
INSERT INTO res
SELECT s.student, s.name, a.answer
FROM FROM_CHANGELOG(input => (SELECT op, student, name FROM changes)) AS s
LEFT JOIN answers AS a ON a.student = s.student;
