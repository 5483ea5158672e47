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
CREATE VIEW counts AS
SELECT department, COUNT(*) AS n, MAX(score) AS best FROM questions GROUP BY department;
CREATE TABLE res (
  op STRING,
  department STRING,
  n BIGINT,
  best INT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT * FROM TO_CHANGELOG(input => TABLE counts);
