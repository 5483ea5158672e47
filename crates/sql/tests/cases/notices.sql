-- Settings of Flink that mean nothing here are said, not swallowed; those that mean something are not.
SET 'table.exec.mini-batch.size' = '5000';
SET 'table.exec.emit.early-fire.enabled' = 'true';
SET 'no.such.key' = '1';
SET 'execution.checkpointing.interval' = '10 s';
SET 'restart-strategy.type' = 'fixed-delay';
SET 'weir.allowed-lateness' = '1 min';
CREATE TEMPORARY TABLE IF NOT EXISTS t (a INT) WITH ('connector' = 'file');
CREATE TABLE IF NOT EXISTS t (b INT) WITH ('connector' = 'file');
CREATE TABLE o (a INT NOT NULL, PRIMARY KEY (a) NOT ENFORCED) WITH ('connector' = 'file');
/* an EXPLAIN is checked
   and not run */
EXPLAIN PLAN FOR INSERT INTO o SELECT a FROM t;
INSERT INTO o SELECT a FROM t;
-- A filter leaves no null, so nothing is to be said: the column passes it, or a comparison with it is true.
INSERT INTO o SELECT a FROM t WHERE a IS NOT NULL;
INSERT INTO o SELECT x FROM (SELECT a AS x FROM t WHERE a > 3 AND a < 9);
-- This filter leaves nulls.
INSERT INTO o SELECT a FROM t WHERE a > 3 OR a IS NULL;
