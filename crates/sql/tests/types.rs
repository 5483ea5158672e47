//! Types of expressions equal Flink's. Each expression is written to a column of a type that accepts nothing,
//! so the finding names the expression's type.

const PRELUDE: &str = "
CREATE TABLE t (
  n INT, m INT NOT NULL, big BIGINT, f FLOAT, d DOUBLE, s STRING, c CHAR(3), v VARCHAR(5), b BOOLEAN, q DECIMAL(10, 2),
  day1 DATE, ts TIMESTAMP(3), ltz TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts
) WITH ('connector' = 'x');
CREATE TABLE keyed (
  a STRING NULL, PRIMARY KEY (a, b) NOT ENFORCED, b INT COMMENT 'the second', c INT
) WITH ('connector' = 'x');
CREATE TABLE keyed_by_one (a STRING PRIMARY KEY NOT ENFORCED, b INT) WITH ('connector' = 'x');
CREATE TABLE nothing (a ARRAY<INT>) WITH ('connector' = 'x');
INSERT INTO nothing SELECT ";

fn type_of(select: &str) -> String {
    let script = format!("{PRELUDE}{select}");
    match sql::compile(&script, &|_| None) {
        Ok(_) => "compiled".to_owned(),
        Err(found) => match found.iter().filter(|d| d.is_error()).collect::<Vec<_>>().as_slice() {
            [only] if only.message.contains("but the value is") => {
                only.detail.as_deref().unwrap_or_default().trim_start_matches("this is ").to_owned()
            }
            _ => sql::error::render(&found, &script, "case.sql", false),
        },
    }
}

fn check(cases: &[(&str, &str)], behind: &str) {
    let wrong: Vec<String> = cases
        .iter()
        .map(|(expr, wanted)| (expr, wanted, type_of(&format!("{expr} FROM {behind}"))))
        .filter(|(_, wanted, got)| *wanted != got)
        .map(|(expr, wanted, got)| format!("{expr}: wanted {wanted}, got {got}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn literals() {
    check(
        &[
            ("7", "INT NOT NULL"),
            ("-2147483648", "INT NOT NULL"),
            ("2147483648", "BIGINT NOT NULL"),
            ("-9223372036854775808", "BIGINT NOT NULL"),
            ("9223372036854775808", "DECIMAL(19, 0) NOT NULL"),
            ("1.5", "DECIMAL(2, 1) NOT NULL"),
            ("1E0", "DOUBLE NOT NULL"),
            ("'học'", "CHAR(3) NOT NULL"),
            ("X'CAFE'", "BINARY(2) NOT NULL"),
            ("TRUE", "BOOLEAN NOT NULL"),
            ("DATE '2025-12-09'", "DATE NOT NULL"),
            ("TIME '11:30:00'", "TIME(0) NOT NULL"),
            ("TIMESTAMP '2025-12-09 11:30:00.12'", "TIMESTAMP(2) NOT NULL"),
            ("INTERVAL -'5' SECOND", "INTERVAL DAY TO SECOND NOT NULL"),
            ("INTERVAL '1-2' YEAR TO MONTH", "INTERVAL YEAR TO MONTH NOT NULL"),
        ],
        "t",
    );
}

#[test]
fn a_primary_key_holds_no_nulls() {
    check(&[("a", "STRING NOT NULL"), ("b", "INT NOT NULL"), ("c", "INT")], "keyed");
    check(&[("a", "STRING NOT NULL"), ("b", "INT")], "keyed_by_one");
}

#[test]
fn choices_and_conversions() {
    check(
        &[
            ("COALESCE(n, 0)", "INT NOT NULL"),
            ("COALESCE(n, big)", "BIGINT"),
            ("COALESCE(m, big)", "BIGINT NOT NULL"),
            ("COALESCE(d, 0)", "DOUBLE NOT NULL"),
            ("COALESCE(n, 0.5)", "DECIMAL(11, 1) NOT NULL"),
            ("IFNULL(s, 'x')", "STRING NOT NULL"),
            ("IF(b, 1, 2)", "INT NOT NULL"),
            ("IF(b, 'a', 'bcd')", "VARCHAR(3) NOT NULL"),
            ("NULLIF(m, 1)", "INT"),
            ("CASE WHEN b THEN 1 END", "INT"),
            ("CASE n WHEN 1 THEN 'a' WHEN 2 THEN s ELSE NULL END", "STRING"),
            ("CASE WHEN b THEN f ELSE n END", "FLOAT"),
            // Between FLOAT and DOUBLE the first type is used, except by COALESCE and similar functions.
            ("CASE WHEN b THEN f ELSE d END", "FLOAT"),
            ("CASE WHEN b THEN d ELSE f END", "DOUBLE"),
            ("CASE WHEN b THEN n WHEN n = 2 THEN f ELSE d END", "FLOAT"),
            ("IF(b, f, d)", "FLOAT"),
            ("COALESCE(f, d)", "DOUBLE"),
            ("IFNULL(f, d)", "DOUBLE"),
            ("GREATEST(f, d)", "DOUBLE"),
            ("NULLIF(f, d)", "FLOAT"),
            ("f + d", "FLOAT"),
            ("d + f", "DOUBLE"),
            ("f / d", "FLOAT"),
            ("f * 1.5", "DOUBLE"),
            ("q * q", "DECIMAL(21, 4)"),
            ("CAST(q AS DECIMAL(38, 18)) * n", "DECIMAL(38, 7)"),
            ("day1 + INTERVAL '1' HOUR", "DATE"),
            ("day1 - INTERVAL '1' SECOND", "DATE"),
            ("TIMESTAMPADD(HOUR, 1, day1)", "TIMESTAMP(6)"),
            ("TIMESTAMPADD(DAY, 1, day1)", "DATE"),
            ("TO_TIMESTAMP_LTZ(big, 6)", "TIMESTAMP_LTZ(6)"),
            ("TO_TIMESTAMP_LTZ(big, 0)", "TIMESTAMP_LTZ(3)"),
            ("TO_TIMESTAMP_LTZ(s, 'yyyy-MM-dd HH:mm:ss.SSSSSS')", "TIMESTAMP_LTZ(6)"),
            // Without a length there is no limit.
            ("CAST(n AS VARCHAR)", "STRING"),
            ("TRY_CAST(n AS VARCHAR)", "STRING"),
            ("CAST(s AS CHARACTER VARYING)", "STRING"),
            ("CAST(s AS VARBINARY)", "BYTES"),
            ("CAST(s AS BINARY VARYING)", "BYTES"),
            ("CAST(s AS CHAR)", "CHAR(1)"),
            ("CAST(s AS VARCHAR(3))", "VARCHAR(3)"),
            ("CAST(s AS INT)", "INT"),
            ("CAST(m AS STRING)", "STRING NOT NULL"),
            ("TRY_CAST(m AS STRING)", "STRING"),
            ("CAST(NULL AS DECIMAL(5, 1))", "DECIMAL(5, 1)"),
            ("m + n", "INT"),
            ("m + 1", "INT NOT NULL"),
            ("n * 1E0", "DOUBLE"),
            ("big % 2", "INT"),
            ("- d", "DOUBLE"),
            ("ts - INTERVAL '5' SECOND", "TIMESTAMP(3)"),
        ],
        "t",
    );
}

#[test]
fn conditions() {
    check(
        &[
            ("n = 1", "BOOLEAN"),
            ("m <> big", "BOOLEAN"),
            ("m > 1", "BOOLEAN NOT NULL"),
            ("n IS NULL", "BOOLEAN NOT NULL"),
            ("b IS NOT UNKNOWN", "BOOLEAN NOT NULL"),
            ("m IN (1, 2)", "BOOLEAN NOT NULL"),
            ("m IN (1, NULL)", "BOOLEAN"),
            ("n NOT IN (m, 2)", "BOOLEAN"),
            ("m BETWEEN SYMMETRIC 9 AND 1.5", "BOOLEAN NOT NULL"),
            ("n IS NOT DISTINCT FROM big", "BOOLEAN NOT NULL"),
            ("s LIKE 'a!%' ESCAPE '!'", "BOOLEAN"),
            ("s NOT SIMILAR TO 'a|b'", "BOOLEAN"),
            ("ts > '2025-01-01 00:00:00'", "BOOLEAN"),
            ("day1 < ts", "BOOLEAN"),
            ("q >= 10", "BOOLEAN"),
            ("NOT b AND n > 1 OR m = 2", "BOOLEAN"),
        ],
        "t",
    );
}

#[test]
fn forms_with_a_grammar_of_their_own() {
    check(
        &[
            ("EXTRACT(HOUR FROM ts)", "BIGINT"),
            ("FLOOR(ts TO DAY)", "TIMESTAMP(3)"),
            ("CEIL(ts TO MONTH)", "TIMESTAMP(3)"),
            ("FLOOR(q)", "DECIMAL(10, 0)"),
            ("TIMESTAMPDIFF(MINUTE, ts, ts)", "INT"),
            ("TIMESTAMPADD(DAY, 1, ts)", "TIMESTAMP(3)"),
            ("SUBSTRING(s FROM 2 FOR 3)", "STRING"),
            ("SUBSTRING(s, 2)", "STRING"),
            ("POSITION('a' IN s)", "INT"),
            ("TRIM(s)", "STRING"),
            ("TRIM(BOTH 'x' FROM s)", "STRING"),
            ("TRIM(LEADING FROM s)", "STRING"),
            ("OVERLAY(s PLACING 'x' FROM 1 FOR 2)", "STRING"),
            ("JSON_VALUE(s, '$.a')", "STRING"),
            ("JSON_VALUE(s, '$.a' DEFAULT 'x' ON EMPTY NULL ON ERROR)", "STRING"),
            ("JSON_VALUE(s, '$.a' ERROR ON ERROR)", "STRING"),
            ("CURRENT_TIMESTAMP", "TIMESTAMP_LTZ(3) NOT NULL"),
            ("CURRENT_DATE", "DATE NOT NULL"),
            ("LOCALTIMESTAMP", "TIMESTAMP(3) NOT NULL"),
            ("s || 'x'", "STRING"),
        ],
        "t",
    );
}

#[test]
fn aggregates() {
    let window = "TABLE(TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, window_time, s";
    check(
        &[
            ("COUNT(*)", "BIGINT NOT NULL"),
            ("COUNT(n)", "BIGINT NOT NULL"),
            ("COUNT(DISTINCT s)", "BIGINT NOT NULL"),
            ("SUM(n)", "INT"),
            ("SUM(big)", "BIGINT"),
            ("SUM(q)", "DECIMAL(38, 2)"),
            ("SUM(f)", "FLOAT"),
            ("AVG(n)", "INT"),
            ("AVG(f)", "FLOAT"),
            ("AVG(d)", "DOUBLE"),
            ("AVG(q)", "DECIMAL(38, 6)"),
            ("AVG(CAST(q AS DECIMAL(20, 9)))", "DECIMAL(38, 9)"),
            ("MIN(b)", "BOOLEAN"),
            ("MAX(s)", "STRING"),
            ("FIRST_VALUE(q)", "DECIMAL(10, 2)"),
            ("PERCENTILE(n, 0.5)", "DOUBLE"),
            ("PERCENTILE(q, ARRAY[0.5, 0.95])[1]", "DOUBLE"),
            ("SUM(CASE WHEN b THEN 1 ELSE 0 END)", "INT"),
            ("COUNT(*) FILTER (WHERE b)", "BIGINT NOT NULL"),
            ("COALESCE(AVG(d), 0)", "DOUBLE NOT NULL"),
            ("window_start", "TIMESTAMP(3) NOT NULL"),
            ("window_time", "TIMESTAMP(3) NOT NULL"),
            ("HOUR(window_end) + COUNT(*)", "BIGINT NOT NULL"),
            ("s", "STRING"),
        ],
        window,
    );
}
