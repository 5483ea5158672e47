CREATE TABLE students (
  student STRING,
  name STRING,
  credits INT,
  PRIMARY KEY (student) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka', 'topic' = 'students', 'properties.bootstrap.servers' = 'localhost:9092',
  'key.format' = 'json', 'value.format' = 'json'
);
CREATE TABLE res (
  op STRING,
  student STRING,
  name STRING
) WITH ('connector' = 'print');
INSERT INTO res
SELECT op, student, name FROM TO_CHANGELOG(input => TABLE students);
