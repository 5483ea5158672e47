CREATE TABLE students (
  student STRING,
  name STRING,
  credits INT,
  PRIMARY KEY (student) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka', 'topic' = 'students', 'properties.bootstrap.servers' = 'localhost:9092',
  'key.format' = 'json', 'value.format' = 'json'
);
CREATE TABLE answers (
  question_id BIGINT,
  department STRING,
  rating INT,
  answered TIMESTAMP(3),
  WATERMARK FOR answered AS answered - INTERVAL '2' SECOND
) WITH (
  'connector' = 'kafka', 'topic' = 'answers', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE TABLE res (
  student STRING,
  name STRING,
  rating INT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT s.student, s.name, a.rating FROM students s LEFT JOIN answers a ON s.credits = a.rating * 3;
