-- Conditions in WHERE are keys, bounds of time and filters of the joins below them.
CREATE TABLE a (id BIGINT, k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'a', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE b (id BIGINT, k STRING, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 'b', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset');
CREATE TABLE pairs (x BIGINT, y BIGINT) WITH ('connector' = 'print');
CREATE TABLE keyed (k STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED) WITH ('connector' = 'print');
INSERT INTO pairs SELECT a.id, b.id FROM a, b, b AS c WHERE a.k = b.k AND b.id = c.id AND a.id > 2 AND a.id < c.id;
INSERT INTO pairs SELECT a.id, b.id FROM a, b WHERE a.k = b.k AND a.ts BETWEEN b.ts - INTERVAL '5' SECOND AND b.ts;
-- The key of a table is NOT NULL, and still the key of the groups.
INSERT INTO keyed SELECT k, COUNT(*) FROM a GROUP BY k;
