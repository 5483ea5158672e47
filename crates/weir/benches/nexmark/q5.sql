-- Which auctions had the most bids in the last ten seconds, told every two.
CREATE TABLE taken (auction BIGINT, num BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO taken
SELECT counted.auction, counted.num FROM (
  SELECT auction, COUNT(*) AS num, window_start AS started, window_end AS ended
  FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
  GROUP BY auction, window_start, window_end
) AS counted JOIN (
  SELECT MAX(num) AS most, started, ended FROM (
    SELECT COUNT(*) AS num, window_start AS started, window_end AS ended
    FROM TABLE(HOP(TABLE bid, DESCRIPTOR(`dateTime`), INTERVAL '2' SECOND, INTERVAL '10' SECOND))
    GROUP BY auction, window_start, window_end
  ) GROUP BY started, ended
) AS top ON counted.started = top.started AND counted.ended = top.ended AND counted.num >= top.most;
