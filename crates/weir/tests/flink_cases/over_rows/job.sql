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
  n BIGINT,
  mean DOUBLE,
  least STRING
) WITH ('connector' = 'print');
INSERT INTO res
SELECT id, COUNT(score) OVER w, AVG(ms) OVER w, MIN(question) OVER w FROM questions
WINDOW w AS (PARTITION BY department ORDER BY asked ROWS BETWEEN 2 PRECEDING AND CURRENT ROW);
