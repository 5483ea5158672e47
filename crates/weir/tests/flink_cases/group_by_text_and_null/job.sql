CREATE TABLE questions (
  id BIGINT,
  department STRING,
  score INT,
  cost DECIMAL(10, 2),
  ms DOUBLE,
  question STRING,
  is_student BOOLEAN,
  asked TIMESTAMP(3),
  WATERMARK FOR asked AS asked - INTERVAL '2' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = 'questions', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE res (
  department STRING,
  n BIGINT,
  n_score BIGINT,
  total INT,
  least INT,
  most INT,
  mean INT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT department, COUNT(*), COUNT(score), SUM(score), MIN(score), MAX(score), AVG(score) FROM questions GROUP BY department;
