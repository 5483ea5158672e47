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
  half INT,
  share DECIMAL(38, 13),
  rounded DECIMAL(38, 1),
  whole BIGINT,
  kind STRING,
  safe INT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT id, score / 2, cost / 3, ROUND(cost, 1), CAST(ms AS BIGINT),
  CASE WHEN score > 2 THEN 'cao' WHEN score IS NULL THEN 'trống' ELSE 'thấp' END, COALESCE(score, -1) FROM questions;
