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
  is_student BOOLEAN,
  departments BIGINT,
  scores BIGINT,
  asked_late BIGINT,
  total INT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT is_student, COUNT(DISTINCT department), COUNT(DISTINCT score) FILTER (WHERE score > 0),
  COUNT(*) FILTER (WHERE department IS NULL), SUM(DISTINCT score)
FROM questions GROUP BY is_student;
