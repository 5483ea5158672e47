SET 'table.local-time-zone' = 'Asia/Ho_Chi_Minh';
CREATE TABLE questions (
  id BIGINT,
  department STRING,
  score INT,
  cost DECIMAL(10, 2),
  ms DOUBLE,
  question STRING,
  is_student BOOLEAN,
  asked TIMESTAMP(3),
  moment AS CAST(asked AS TIMESTAMP_LTZ(3)),
  WATERMARK FOR moment AS moment - INTERVAL '2' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = 'questions', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE res (
  started TIMESTAMP(3),
  n BIGINT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT window_start, COUNT(*) FROM TABLE(TUMBLE(TABLE questions, DESCRIPTOR(moment), INTERVAL '30' SECOND)) GROUP BY window_start, window_end;
