-- Lists the ten most frequent words in questions, updated with every event: each question is split into an array of words, and
-- each word becomes a row.
--
--   weir run examples/words.sql            prints each change of the list on the standard output of a running Weir
--   weir local examples/words.sql --input user_queries=FILE    prints the final list for a file of events

SET 'pipeline.name' = 'words of questions';

CREATE TABLE user_queries (
  query_id   STRING,
  query_text STRING
) WITH (
  'connector' = 'kafka',
  'topic' = '${KAFKA_TOPIC_QUERIES:user-queries}',
  'properties.bootstrap.servers' = '${KAFKA_BROKER_URL:embedded}',
  'scan.startup.mode' = 'latest-offset',
  'format' = 'json',
  'json.ignore-parse-errors' = 'true'
);

CREATE TABLE words (
  word  STRING,
  times BIGINT
) WITH ('connector' = 'print');

INSERT INTO words
SELECT word, COUNT(*) AS times
FROM user_queries
CROSS JOIN UNNEST(SPLIT(LOWER(query_text), ' ')) AS of_question (word)
WHERE CHAR_LENGTH(word) > 2
GROUP BY word
ORDER BY times DESC, word
LIMIT 10;
