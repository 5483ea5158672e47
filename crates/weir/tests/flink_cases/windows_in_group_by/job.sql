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
CREATE TABLE tumbled (
  department STRING,
  started TIMESTAMP(3),
  ended TIMESTAMP(3),
  n BIGINT
) WITH ('connector' = 'print');
CREATE TABLE hopped (
  ended TIMESTAMP(3),
  total INT
) WITH ('connector' = 'print');
CREATE TABLE sessions (
  department STRING,
  started TIMESTAMP(3),
  ended TIMESTAMP(3),
  n BIGINT
) WITH ('connector' = 'print');
INSERT INTO tumbled
SELECT department, TUMBLE_START(asked, INTERVAL '15' SECOND), TUMBLE_END(asked, INTERVAL '15' SECOND), COUNT(*) FROM questions GROUP BY department, TUMBLE(asked, INTERVAL '15' SECOND);
INSERT INTO hopped
SELECT HOP_END(asked, INTERVAL '5' SECOND, INTERVAL '10' SECOND), SUM(score) FROM questions GROUP BY HOP(asked, INTERVAL '5' SECOND, INTERVAL '10' SECOND);
INSERT INTO sessions
SELECT department, SESSION_START(asked, INTERVAL '4' SECOND), SESSION_END(asked, INTERVAL '4' SECOND), COUNT(*) FROM questions GROUP BY department, SESSION(asked, INTERVAL '4' SECOND);
