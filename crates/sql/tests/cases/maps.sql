-- Values of a record's headers: leaves of their own, through views too, and only those that are read.
CREATE TABLE q (
  v INT,
  headers MAP<STRING, BYTES> NOT NULL METADATA VIRTUAL,
  others MAP<STRING NOT NULL, BYTES NOT NULL> METADATA FROM 'headers' VIRTUAL,
  tenant AS CAST(headers['tenant''s name'] AS STRING),
  ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp',
  WATERMARK FOR ts AS ts - INTERVAL '1' SECOND
) WITH ('connector' = 'kafka', 'topic' = 't');
CREATE VIEW passed AS SELECT headers AS h, others, v, ts, tenant FROM q;
CREATE VIEW again AS SELECT * FROM passed;
CREATE TABLE o (trace STRING, n BIGINT) WITH ('connector' = 'x');
CREATE TABLE plain (tenant STRING, `raw` BYTES) WITH ('connector' = 'x');

INSERT INTO o SELECT CAST(a.h['trace'] AS STRING), COUNT(a.others['trace'])
FROM TABLE(TUMBLE(TABLE again, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) AS a
GROUP BY window_start, window_end, CAST(a.h['trace'] AS STRING);
INSERT INTO plain SELECT tenant, h['x'] FROM again WHERE h['trace'] IS NOT NULL;
