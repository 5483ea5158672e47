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
  up STRING,
  cut STRING,
  n INT,
  swapped STRING,
  word STRING,
  `hash` STRING,
  fuzzy BOOLEAN
) WITH ('connector' = 'print');
INSERT INTO res
SELECT id, UPPER(question), SUBSTRING(question, 2, 5), CHAR_LENGTH(question), REPLACE(question, 'thi', 'kiểm tra'),
  SPLIT_INDEX(question, ',', 1), MD5(question), question LIKE '%thi%' FROM questions;
