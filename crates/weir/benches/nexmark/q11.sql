-- How many bids a bidder made in each session.
CREATE TABLE taken (bidder BIGINT, num BIGINT, started TIMESTAMP(3), ended TIMESTAMP(3)) WITH ('connector' = 'blackhole');
INSERT INTO taken
SELECT bidder, COUNT(*), SESSION_START(`dateTime`, INTERVAL '10' SECOND), SESSION_END(`dateTime`, INTERVAL '10' SECOND)
FROM bid GROUP BY bidder, SESSION(`dateTime`, INTERVAL '10' SECOND);
