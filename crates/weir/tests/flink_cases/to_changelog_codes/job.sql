CREATE TABLE questions (
  id BIGINT,
  department STRING,
  score INT,
  asked TIMESTAMP(3),
  WATERMARK FOR asked AS asked
) WITH (
  'connector' = 'kafka', 'topic' = 'questions', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE VIEW best AS
SELECT department, id, score FROM (
  SELECT department, id, score, ROW_NUMBER() OVER (PARTITION BY department ORDER BY score DESC NULLS LAST, id) AS place
  FROM questions
) WHERE place <= 2;
CREATE TABLE res (
  kind STRING,
  department STRING,
  id BIGINT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT change, department, id
FROM TO_CHANGELOG(
  input => TABLE best,
  op => DESCRIPTOR(change),
  op_mapping => MAP['INSERT, UPDATE_AFTER', 'there', 'DELETE', 'gone']
)
WHERE id <> 3;
