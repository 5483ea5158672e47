CREATE TABLE changes (
  op STRING,
  student STRING,
  name STRING,
  credits INT
) WITH (
  'connector' = 'kafka', 'topic' = 'changes', 'properties.bootstrap.servers' = 'localhost:9092',
  'scan.startup.mode' = 'earliest-offset', 'format' = 'json'
);
CREATE VIEW students AS
SELECT * FROM FROM_CHANGELOG(input => TABLE changes);
CREATE VIEW counts AS
SELECT name, COUNT(*) AS n FROM students GROUP BY name;
CREATE VIEW written AS
SELECT * FROM TO_CHANGELOG(input => TABLE counts, op => DESCRIPTOR(kind), op_mapping => MAP[
  'INSERT', '+', 'UPDATE_BEFORE', '-u', 'UPDATE_AFTER', '+u', 'DELETE', '-']);
CREATE TABLE res (
  name STRING,
  n BIGINT
) WITH ('connector' = 'print');
INSERT INTO res
SELECT * FROM FROM_CHANGELOG(input => TABLE written, op => DESCRIPTOR(kind), op_mapping => MAP[
  '+', 'INSERT', '-u', 'UPDATE_BEFORE', '+u', 'UPDATE_AFTER', '-', 'DELETE']);
