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
  window_start TIMESTAMP(3),
  window_time TIMESTAMP(3)
) WITH ('connector' = 'print');
INSERT INTO res
SELECT id, window_start, window_time FROM TABLE(HOP(TABLE questions, DESCRIPTOR(asked), INTERVAL '5' SECOND, INTERVAL '10' SECOND)) WHERE score > 1;
