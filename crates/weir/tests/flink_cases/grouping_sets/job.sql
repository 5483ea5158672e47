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
  is_student BOOLEAN,
  g BIGINT,
  n BIGINT,
  total INT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT department, is_student, GROUPING_ID(department, is_student), COUNT(*), SUM(score)
FROM questions GROUP BY GROUPING SETS ((department), (is_student), (department, is_student), ());
