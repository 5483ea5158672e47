-- Hints change the options of one use of a table.
CREATE TABLE t (a STRING, b INT) WITH ('connector' = 'kafka', 'scan.startup.mode' = 'latest-offset');
CREATE TABLE o (a STRING) WITH ('connector' = 'kafka', 'topic' = 'o');
CREATE VIEW early AS SELECT a FROM t /*+ OPTIONS('scan.startup.mode'='earliest-offset') */ AS x WHERE x.b > 1;
INSERT INTO o SELECT a FROM t;
INSERT INTO o SELECT a FROM early;
INSERT INTO o /*+ OPTIONS('topic' = 'it''s ${TOPIC:another}', 'sink.parallelism' = '1') */ (a)
SELECT /*+ STATE_TTL('t' = '1d'), OPTIONS(k = 'v') */ a
FROM t /*+ BROADCAST(t) OPTIONS('scan.startup.mode' = 'earliest-offset') */ /* a comment, /*+ no hint */;
