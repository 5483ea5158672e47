-- How many bids a bidder made in each ten seconds of the clock.
CREATE TABLE taken (bidder BIGINT, num BIGINT, started TIMESTAMP(3), ended TIMESTAMP(3)) WITH ('connector' = 'blackhole');
CREATE VIEW now_bid AS SELECT bidder, PROCTIME() AS moment FROM bid;
INSERT INTO taken
SELECT bidder, COUNT(*), window_start, window_end
FROM TABLE(TUMBLE(TABLE now_bid, DESCRIPTOR(moment), INTERVAL '10' SECOND)) GROUP BY bidder, window_start, window_end;
