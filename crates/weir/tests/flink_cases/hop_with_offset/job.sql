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
  window_start TIMESTAMP(3),
  window_end TIMESTAMP(3),
  n BIGINT,
  departments BIGINT,
  middle DOUBLE
) WITH ('connector' = 'print');
INSERT INTO res
SELECT window_start, window_end, COUNT(*), COUNT(DISTINCT department), PERCENTILE(score, 0.5)
FROM TABLE(HOP(TABLE questions, DESCRIPTOR(asked), INTERVAL '4' SECOND, INTERVAL '12' SECOND, INTERVAL '1' SECOND))
GROUP BY window_start, window_end;
