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
CREATE TABLE prices (
  department STRING,
  price DECIMAL(10, 2),
  since TIMESTAMP(3),
  WATERMARK FOR since AS since - INTERVAL '1' SECOND,
  PRIMARY KEY (department) NOT ENFORCED
) WITH (
  'connector' = 'kafka', 'topic' = 'prices', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'debezium-json'
);
CREATE TABLE res (
  id BIGINT,
  department STRING,
  asked TIMESTAMP(3),
  price DECIMAL(10, 2)
) WITH ('connector' = 'print');
INSERT INTO res
SELECT q.id, q.department, q.asked, p.price FROM questions q
LEFT JOIN prices FOR SYSTEM_TIME AS OF q.asked AS p ON q.department = p.department;
