-- Rows without a window: filters and projections of a view over a view, into two tables.
SET 'pipeline.name' = 'pass through';
CREATE TABLE events (
  id STRING NOT NULL,
  `user` ROW<id INT, kind STRING NOT NULL, address ROW<city STRING>>,
  amount DECIMAL(10, 2),
  at_ms BIGINT METADATA FROM 'timestamp' VIRTUAL,
  tags ARRAY<STRING> COMMENT 'declared, never read',
  event_time AS TO_TIMESTAMP_LTZ(at_ms, 3),
  WATERMARK FOR event_time AS event_time - INTERVAL '1' SECOND
) COMMENT 'things that happen' WITH ('connector' = 'kafka', 'topic' = '${TOPIC}');

CREATE VIEW flat (id, kind, city, cents) AS
SELECT e.id, e.`user`.kind, `user`.address.city, amount * 100 FROM events AS e WHERE amount > 0;
CREATE VIEW named AS SELECT *, UPPER(city) AS town FROM flat WHERE id IS NOT NULL AND city IS NOT NULL;

CREATE TABLE rows_out (id STRING, town VARCHAR(10), cents DECIMAL(20, 2), kind STRING, note STRING) WITH ('connector' = 'file');
CREATE TABLE users_out (town STRING NOT NULL) WITH ('connector' = 'file');

INSERT INTO rows_out (town, id, kind, cents) SELECT town, id, kind, cents FROM named WHERE kind <> 'guest';
INSERT INTO users_out SELECT town FROM (SELECT town FROM named WHERE cents >= 10 AND 1 < 2);
INSERT INTO users_out WITH big AS (SELECT * FROM named WHERE cents > 100000) SELECT town FROM big;
