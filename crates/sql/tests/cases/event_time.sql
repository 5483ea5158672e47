-- The long way from text to time becomes three calls; a watermark that is no constant delay is kept as it is.
CREATE TABLE t (x STRING, y TIMESTAMP(3), n INT,
  plain AS TRY_CAST(REPLACE(x, 'T', ' ') AS TIMESTAMP(3)),
  instant AS TRY_CAST(REPLACE(x, 'T', ' ') AS TIMESTAMP_LTZ(3)),
  zoned AS TO_TIMESTAMP_LTZ(CAST(TRY_CAST(REPLACE(REGEXP_REPLACE(x, '(Z|[+-]\d\d:\d\d)$', ''), 'T', ' ') AS TIMESTAMP(3)) AS STRING),
    'yyyy-MM-dd HH:mm:ss[.SSS]', REGEXP_EXTRACT(x, '(Z|[+-]\d\d:\d\d)$', 1)),
  strict AS CAST(REPLACE(x, 'T', ' ') AS TIMESTAMP(3)),
  WATERMARK FOR y AS y - INTERVAL '1' SECOND - INTERVAL '0.5' SECOND
) WITH ('connector' = 'file');
CREATE TABLE o (a TIMESTAMP(3), b TIMESTAMP_LTZ(3), c TIMESTAMP_LTZ(3), d TIMESTAMP(3)) WITH ('connector' = 'file');
INSERT INTO o SELECT plain, instant, zoned, strict FROM t;
