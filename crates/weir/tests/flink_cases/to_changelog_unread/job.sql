CREATE TABLE questions (
  id BIGINT,
  department STRING,
  score INT,
  asked TIMESTAMP(3),
  WATERMARK FOR asked AS asked
) WITH (
  'connector' = 'kafka', 'topic' = 'questions', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE VIEW means AS
SELECT department, SUM(score) AS total FROM questions GROUP BY department;
CREATE TABLE res (
  op STRING,
  n BIGINT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT op, COUNT(*) FROM TO_CHANGELOG(input => TABLE means) GROUP BY op;
