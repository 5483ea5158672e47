-- Where records stand, as columns: of a file, a line has a place and a topic, but no time, no headers and no key. Rows
-- go to a topic by their key, which holds no nulls: the row of those without a name is left out.
SET 'table.exec.sink.not-null-enforcer' = 'DROP';
CREATE TABLE q (
  who STRING,
  v INT,
  ts TIMESTAMP_LTZ(3),
  topic STRING NOT NULL METADATA VIRTUAL,
  file INT METADATA FROM 'partition' VIRTUAL,
  place BIGINT METADATA FROM 'offset' VIRTUAL,
  headers MAP<STRING, BYTES> METADATA VIRTUAL,
  taken TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  kind STRING METADATA FROM 'timestamp-type' VIRTUAL,
  WATERMARK FOR ts AS ts
) WITH (
  'connector' = 'kafka', 'topic' = 'questions', 'value.format' = 'json',
  'value.json.ignore-parse-errors' = 'true', 'value.json.timestamp-format.standard' = 'ISO-8601',
  'key.format' = 'raw', 'key.fields' = 'who'
);

CREATE TABLE copies (
  who STRING, v INT, `from` STRING, place BIGINT, trace STRING, kind STRING,
  made TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'
) WITH (
  'connector' = 'kafka', 'topic' = 'copies', 'format' = 'json', 'key.format' = 'raw', 'key.fields' = 'who',
  'value.fields-include' = 'EXCEPT_KEY', 'json.encode.ignore-null-fields' = 'true'
);
CREATE TABLE totals (
  who STRING, total INT, last_place BIGINT, window_end TIMESTAMP(3),
  PRIMARY KEY (who, window_end) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka', 'topic' = 'totals', 'key.format' = 'json', 'value.format' = 'json',
  'value.json.timestamp-format.standard' = 'ISO-8601'
);

INSERT INTO copies
SELECT who, v, topic || '/' || CAST(file AS STRING), place, CAST(headers['trace'] AS STRING), kind, taken FROM q;

INSERT INTO totals
SELECT who, SUM(v), MAX(place), window_end FROM TABLE(TUMBLE(TABLE q, DESCRIPTOR(ts), INTERVAL '10' SECOND))
WHERE topic = 'questions' AND ts IS NOT NULL AND headers['trace'] IS NULL
GROUP BY window_start, window_end, who;
