-- Mathematical functions, over their whole range.

CREATE TABLE t (n INT, x DOUBLE)
  WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json', 'json.ignore-parse-errors' = 'true');

CREATE TABLE answers (n INT, expression STRING, answer STRING)
  WITH ('connector' = 'redis', 'key' = '{expression}:{n}', 'ttl' = '60');

EXECUTE STATEMENT SET BEGIN
INSERT INTO answers SELECT n, 'SQRT(x)', CAST(SQRT(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'EXP(x)', CAST(EXP(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'LN(x)', CAST(LN(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'LOG10(x)', CAST(LOG10(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'LOG2(x)', CAST(LOG2(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'LOG(x)', CAST(LOG(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'LOG(2, x)', CAST(LOG(2, x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'POWER(x, 3)', CAST(POWER(x, 3) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'SIN(x)', CAST(SIN(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'COS(x)', CAST(COS(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'TAN(x)', CAST(TAN(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'COT(x)', CAST(COT(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'ASIN(x)', CAST(ASIN(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'ACOS(x)', CAST(ACOS(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'ATAN(x)', CAST(ATAN(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'ATAN2(x, 1)', CAST(ATAN2(x, 1) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'SINH(x)', CAST(SINH(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'COSH(x)', CAST(COSH(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'TANH(x)', CAST(TANH(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'DEGREES(x)', CAST(DEGREES(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'RADIANS(x)', CAST(RADIANS(x) AS STRING) FROM t;
INSERT INTO answers SELECT n, 'PI() + x', CAST(PI() + x AS STRING) FROM t;
INSERT INTO answers SELECT n, 'E() * x', CAST(E() * x AS STRING) FROM t;
INSERT INTO answers SELECT n, 'x / 0', CAST(x / 0 AS STRING) FROM t;
END;
