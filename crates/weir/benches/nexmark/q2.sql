-- Bids for some auctions.
CREATE TABLE taken (auction BIGINT, price BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO taken SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0;
