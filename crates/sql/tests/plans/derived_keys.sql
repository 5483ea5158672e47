-- Keys of a query that are functions of its columns: an expression that equals a column is that column.
CREATE TABLE t (a STRING, b INT, c INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
WITH ('connector' = 'kafka', 'topic' = 't', 'format' = 'json');
CREATE TABLE other (k STRING, m INT) WITH ('connector' = 'kafka', 'topic' = 'o', 'format' = 'json');
CREATE TABLE top (u STRING, b INT, rn BIGINT, PRIMARY KEY (u, rn) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'top');
CREATE TABLE `one` (u STRING, b INT, PRIMARY KEY (u) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'one');
CREATE TABLE numbers (n BIGINT, b INT, PRIMARY KEY (n) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'numbers');
CREATE TABLE names (u STRING, PRIMARY KEY (u) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'names');

CREATE VIEW upper_case AS SELECT a, b, UPPER(a) AS u FROM t;
CREATE VIEW latest AS SELECT a, b FROM (
  SELECT a, b, ROW_NUMBER() OVER (PARTITION BY UPPER(a) ORDER BY b DESC) AS rn FROM t) WHERE rn = 1;
CREATE VIEW most AS SELECT a, MAX(b) AS b FROM t GROUP BY a;
CREATE VIEW most_of_other AS SELECT k, MAX(m) AS m FROM other GROUP BY k;

-- Top-N.
INSERT INTO top SELECT * FROM (
  SELECT UPPER(a) AS u, b, ROW_NUMBER() OVER (PARTITION BY UPPER(a) ORDER BY b DESC) AS rn FROM t)
WHERE rn <= 3;
INSERT INTO top SELECT UPPER(a) AS u, b, ROW_NUMBER() OVER (PARTITION BY UPPER(a) ORDER BY b DESC) AS rn FROM t
QUALIFY rn <= 3;
-- The expression is named in a view, and repeated above or below it.
INSERT INTO top SELECT u, b, rn FROM (
  SELECT u, b, ROW_NUMBER() OVER (PARTITION BY UPPER(a) ORDER BY b DESC) AS rn FROM upper_case) WHERE rn <= 3;
INSERT INTO top SELECT UPPER(a), b, rn FROM (
  SELECT a, b, ROW_NUMBER() OVER (PARTITION BY u ORDER BY b DESC) AS rn FROM upper_case) WHERE rn <= 3;
INSERT INTO top SELECT TRIM(u), b, rn FROM (
  SELECT u, b, ROW_NUMBER() OVER (PARTITION BY TRIM(UPPER(a)) ORDER BY b DESC) AS rn FROM upper_case)
WHERE rn <= 3;

-- Deduplication, by time and by value; a sink's cast keeps the values apart.
INSERT INTO `one` SELECT u, b FROM (
  SELECT UPPER(a) AS u, b, ROW_NUMBER() OVER (PARTITION BY UPPER(a) ORDER BY ts DESC) AS rn FROM t)
WHERE rn = 1;
INSERT INTO numbers SELECT n, b FROM (
  SELECT b + c AS n, b, ROW_NUMBER() OVER (PARTITION BY b + c ORDER BY a) AS rn FROM t) WHERE rn = 1;

-- Groups.
INSERT INTO `one` SELECT UPPER(a), MAX(b) FROM t GROUP BY UPPER(a);
INSERT INTO names SELECT DISTINCT UPPER(a) FROM most;

-- Joins: the other side of an equality, and a side that is unique by an expression.
INSERT INTO `one` SELECT k, b FROM most JOIN most_of_other ON a = k;
INSERT INTO `one` SELECT k, b FROM most_of_other JOIN latest ON k = UPPER(a);
INSERT INTO `one` SELECT UPPER(a), m FROM most_of_other JOIN latest ON k = UPPER(a);

-- Both sides of an equality are in the key. The second table's key has a column that updates change, so the sink
-- needs the rows that updates replace.
CREATE TABLE pairs (k STRING, k2 STRING, m INT, PRIMARY KEY (k, k2) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'pairs');
CREATE TABLE maxima (k STRING, k2 STRING, m INT, PRIMARY KEY (k, m) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'maxima');
CREATE TABLE ids (k STRING NOT NULL, m INT NOT NULL) WITH ('connector' = 'kafka', 'topic' = 'i', 'format' = 'json');
CREATE VIEW same AS SELECT l.k, r.k AS k2, r.m FROM ids l JOIN ids r ON l.k = r.k;
INSERT INTO pairs SELECT k, k2, MIN(m) FROM same GROUP BY k, k2;
INSERT INTO maxima SELECT k, k2, MAX(m) FROM same GROUP BY k, k2;
