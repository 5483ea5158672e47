-- What the clock says: the same for a whole batch.

SET 'table.local-time-zone' = 'Asia/Ho_Chi_Minh';

CREATE TABLE t (n INT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');

CREATE TABLE answers (n INT, expression STRING, answer STRING)
  WITH ('connector' = 'redis', 'key' = '{expression}:{n}', 'ttl' = '60');

EXECUTE STATEMENT SET BEGIN
INSERT INTO answers SELECT n, 'CURRENT_TIMESTAMP', CAST(CURRENT_TIMESTAMP AS STRING) FROM t;
INSERT INTO answers SELECT n, 'NOW()', CAST(NOW() AS STRING) FROM t;
INSERT INTO answers SELECT n, 'CURRENT_ROW_TIMESTAMP()', CAST(CURRENT_ROW_TIMESTAMP() AS STRING) FROM t;
INSERT INTO answers SELECT n, 'PROCTIME()', CAST(PROCTIME() AS STRING) FROM t;
INSERT INTO answers SELECT n, 'LOCALTIMESTAMP', CAST(LOCALTIMESTAMP AS STRING) FROM t;
INSERT INTO answers SELECT n, 'CURRENT_DATE', CAST(CURRENT_DATE AS STRING) FROM t;
INSERT INTO answers SELECT n, 'CURRENT_TIME', CAST(CURRENT_TIME AS STRING) FROM t;
INSERT INTO answers SELECT n, 'LOCALTIME', CAST(LOCALTIME AS STRING) FROM t;
INSERT INTO answers SELECT n, 'UNIX_TIMESTAMP()', CAST(UNIX_TIMESTAMP() AS STRING) FROM t;
END;
