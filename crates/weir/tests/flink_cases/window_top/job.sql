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
  n BIGINT,
  place BIGINT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT window_end, department, n, place FROM (
  SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY n DESC, department) AS place FROM (
    SELECT window_start, window_end, department, COUNT(*) AS n
    FROM TABLE(TUMBLE(TABLE questions, DESCRIPTOR(asked), INTERVAL '15' SECOND)) GROUP BY window_start, window_end, department)
) WHERE place <= 2;
