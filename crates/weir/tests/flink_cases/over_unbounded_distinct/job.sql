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
  id BIGINT,
  departments BIGINT,
  first_text STRING
) WITH ('connector' = 'print');
INSERT INTO res
SELECT id, COUNT(DISTINCT department) OVER (ORDER BY asked), FIRST_VALUE(question) OVER (ORDER BY asked) FROM questions;
