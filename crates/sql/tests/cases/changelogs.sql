-- Changes that are written out become changes; changes become rows with codes; each reads no more than it needs.
CREATE TABLE changes (code STRING, k STRING, v INT, more STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'kafka', 'topic' = 'changes', 'format' = 'json');
CREATE TABLE counts (k STRING, n BIGINT) WITH ('connector' = 'redis', 'key' = 'counts:{k}');
CREATE TABLE written (op STRING, k STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'written', 'format' = 'json');
CREATE TABLE kinds (op STRING, k STRING) WITH ('connector' = 'print');

CREATE VIEW stands AS SELECT * FROM FROM_CHANGELOG(
  input => TABLE changes, op => DESCRIPTOR(code),
  op_mapping => MAP['c, r', 'INSERT', 'ub', 'UPDATE_BEFORE', 'ua', 'UPDATE_AFTER', 'd', 'DELETE']);
CREATE VIEW grouped AS SELECT k, COUNT(*) AS n FROM stands GROUP BY k;
INSERT INTO counts SELECT k, n FROM grouped;
INSERT INTO written SELECT * FROM TO_CHANGELOG(input => TABLE grouped);
INSERT INTO kinds SELECT kind, k FROM TO_CHANGELOG(
  input => TABLE grouped, op => DESCRIPTOR(kind), op_mapping => MAP['INSERT, UPDATE_AFTER', 'there', 'DELETE', 'gone']);
