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
  h BIGINT,
  s BIGINT,
  as_text STRING,
  minute_start TIMESTAMP(3),
  later TIMESTAMP(3),
  apart INT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT id, HOUR(asked), EXTRACT(SECOND FROM asked), DATE_FORMAT(asked, 'yyyy-MM-dd HH:mm'), FLOOR(asked TO MINUTE),
  asked + INTERVAL '1' DAY, TIMESTAMPDIFF(SECOND, TIMESTAMP '2025-12-09 08:00:00', asked) FROM questions;
