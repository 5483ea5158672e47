-- What depends on no row is computed once; what would fail is left to fail.
CREATE TABLE t (a INT NOT NULL, b BOOLEAN NOT NULL, s STRING, n INT) WITH ('connector' = 'file');
CREATE TABLE o (c1 STRING, c2 BIGINT, c3 INT, c4 INT, c5 STRING, c6 BOOLEAN, c7 INT) WITH ('connector' = 'file');
INSERT INTO o
SELECT UPPER('a' || 'b'), 2 * 3 + a, 1 / 0, CASE WHEN 1 > 2 THEN n WHEN TRUE THEN a ELSE 7 END,
       COALESCE('x', s), s IN ('a', 'b', 'a', NULL), IF(NULL, 1, n)
FROM t
WHERE a IS NOT NULL AND (b IS TRUE OR FALSE) AND NOT (NOT (n > 1)) AND n BETWEEN SYMMETRIC 5 AND 2
  AND s NOT LIKE 'a!%%' ESCAPE '!' AND n IN (1, 2.5) AND a IS DISTINCT FROM n;
