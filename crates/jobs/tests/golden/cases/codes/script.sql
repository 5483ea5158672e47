-- Hashes, digits and encodings.

CREATE TABLE t (n INT, s STRING, i INT, b BIGINT)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');

CREATE TABLE answers (n INT, expression STRING, answer STRING)
  WITH ('connector' = 'redis', 'key' = '{expression}:{n}', 'ttl' = '60');

EXECUTE STATEMENT SET BEGIN
INSERT INTO answers SELECT n, 'MD5(s)', MD5(s) FROM t;
INSERT INTO answers SELECT n, 'SHA1(s)', SHA1(s) FROM t;
INSERT INTO answers SELECT n, 'SHA224(s)', SHA224(s) FROM t;
INSERT INTO answers SELECT n, 'SHA256(s)', SHA256(s) FROM t;
INSERT INTO answers SELECT n, 'SHA384(s)', SHA384(s) FROM t;
INSERT INTO answers SELECT n, 'SHA512(s)', SHA512(s) FROM t;
INSERT INTO answers SELECT n, 'SHA2(s, 256)', SHA2(s, 256) FROM t;
INSERT INTO answers SELECT n, 'SHA2(s, i)', SHA2(s, i) FROM t;
INSERT INTO answers SELECT n, 'TO_BASE64(s)', TO_BASE64(s) FROM t;
INSERT INTO answers SELECT n, 'FROM_BASE64(TO_BASE64(s))', FROM_BASE64(TO_BASE64(s)) FROM t;
INSERT INTO answers SELECT n, 'CHR(i)', CHR(i) FROM t;
INSERT INTO answers SELECT n, 'HEX(s)', HEX(s) FROM t;
INSERT INTO answers SELECT n, 'HEX(b)', HEX(b) FROM t;
INSERT INTO answers SELECT n, 'BIN(b)', BIN(b) FROM t;
INSERT INTO answers SELECT n, 'BIN(i)', BIN(i) FROM t;
INSERT INTO answers SELECT n, 'URL_ENCODE(s)', URL_ENCODE(s) FROM t;
INSERT INTO answers SELECT n, 'URL_DECODE(URL_ENCODE(s))', URL_DECODE(URL_ENCODE(s)) FROM t;
INSERT INTO answers SELECT n, 'URL_DECODE(s || ''%'')', URL_DECODE(s || '%') FROM t;
INSERT INTO answers SELECT n, 'ASCII(s)', CAST(ASCII(s) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'IS_DECIMAL(s)', CAST(IS_DECIMAL(s) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'IS_DECIMAL(CAST(b AS STRING))', CAST(IS_DECIMAL(CAST(b AS STRING)) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'IS_DIGIT(s)', CAST(IS_DIGIT(s) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'IS_DIGIT(CAST(i AS STRING))', CAST(IS_DIGIT(CAST(i AS STRING)) AS STRING) FROM t;
END;
