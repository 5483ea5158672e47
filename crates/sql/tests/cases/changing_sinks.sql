-- Rows that change, into tables that take them by their key: what stands between, and where `-U` is left out.
CREATE TABLE e (k STRING, v INT) WITH ('connector' = 'kafka', 'topic' = 'e', 'format' = 'json');
CREATE TABLE by_key (k STRING, n BIGINT) WITH ('connector' = 'redis', 'key' = 'c:{k}');
CREATE TABLE by_both (k STRING, n BIGINT) WITH ('connector' = 'redis', 'key' = 'c:{k}:{n}');
CREATE TABLE by_count (n BIGINT, k STRING) WITH ('connector' = 'redis', 'key' = 'n:{n}');
CREATE TABLE `one` (n BIGINT) WITH ('connector' = 'redis', 'key' = 'all');
CREATE TABLE upserts (k STRING, n BIGINT, PRIMARY KEY (k) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'u', 'key.format' = 'json', 'value.format' = 'json');
CREATE TABLE changes (k STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = 'd', 'format' = 'debezium-json');
CREATE TABLE read_changes (k STRING, n INT, PRIMARY KEY (k) NOT ENFORCED)
WITH ('connector' = 'kafka', 'topic' = 'r', 'format' = 'debezium-json');
CREATE TABLE read_upserts (id INT, n BIGINT, PRIMARY KEY (id) NOT ENFORCED)
WITH ('connector' = 'upsert-kafka', 'topic' = 'w', 'key.format' = 'json', 'value.format' = 'json');

INSERT INTO by_key SELECT k, COUNT(*) FROM e GROUP BY k;
INSERT INTO by_both SELECT k, COUNT(*) FROM e GROUP BY k;
INSERT INTO by_count SELECT COUNT(*), k FROM e GROUP BY k ON CONFLICT DO DEDUPLICATE;
INSERT INTO `one` SELECT COUNT(*) FROM e;
INSERT INTO upserts SELECT k, COUNT(*) FROM e GROUP BY k HAVING COUNT(*) > 1;
INSERT INTO changes SELECT k, COUNT(*) FROM e GROUP BY k;
INSERT INTO upserts SELECT k, n FROM read_changes;
INSERT INTO upserts SELECT CAST(id AS STRING), n FROM read_upserts;
