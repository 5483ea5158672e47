-- Pass through: what reading and decoding takes.
CREATE TABLE taken (auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), extra STRING)
WITH ('connector' = 'blackhole');
INSERT INTO taken SELECT auction, bidder, price, `dateTime`, extra FROM bid;
