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
CREATE TABLE lags (
  id BIGINT,
  before_it INT,
  before_that BIGINT
) WITH ('connector' = 'print');
CREATE TABLE ranks (
  id BIGINT,
  place BIGINT
) WITH ('connector' = 'print');
INSERT INTO lags
SELECT id, LAG(score) OVER (PARTITION BY department ORDER BY asked), LAG(id, 2, CAST(-99 AS BIGINT)) OVER (PARTITION BY department ORDER BY asked) FROM questions;
INSERT INTO ranks
SELECT id, RANK() OVER (PARTITION BY is_student ORDER BY asked) FROM questions;
