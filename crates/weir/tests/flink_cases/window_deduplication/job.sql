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
  window_end TIMESTAMP(3),
  department STRING,
  id BIGINT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT window_end, department, id FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end, department ORDER BY asked DESC) AS n
  FROM TABLE(TUMBLE(TABLE questions, DESCRIPTOR(asked), INTERVAL '10' SECOND))
) WHERE n = 1;
