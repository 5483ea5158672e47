//! `MATCH_RECOGNIZE`: errors in its clauses, and similar forms that are valid.

use super::{check, compiles};

/// Returns a statement with a `MATCH_RECOGNIZE` of these clauses.
fn matching(clauses: &str) -> String {
    format!("INSERT INTO one SELECT CAST(a AS BIGINT) FROM uq MATCH_RECOGNIZE ({clauses})")
}

/// Checks clauses in the form of [`check`].
fn check_clauses(cases: &[(&str, &str, &str)]) {
    let statements: Vec<String> = cases.iter().map(|(clauses, ..)| matching(clauses)).collect();
    let cases: Vec<(&str, &str, &str)> =
        cases.iter().zip(&statements).map(|(case, statement)| (statement.as_str(), case.1, case.2)).collect();
    check(&cases);
}

#[test]
fn patterns_that_no_stream_can_match() {
    let of = |pattern: &str| format!("ORDER BY ts MEASURES A.n AS a PATTERN ({pattern}) DEFINE A AS n > 1");

    let cases = [
        ("A «B+»", "does not end with a greedy", "B+?"),
        ("A «B*»", "does not end with a greedy", "B*?"),
        ("A «B{2,3}»", "does not end with a greedy", "B{2,3}?"),
        ("A «B??»", "a reluctant `?` is not", "write B?"),
        ("A «B{0,1}?»", "a reluctant `?` is not", ""),
        ("A «B{,3}» C", "needs its lower bound", "B{0,3} or B{1,3}"),
        ("A «B{0}» C", "`B` never matches", "B?"),
        ("A («B | C»)", "no alternatives", "OR in its condition"),
        ("A «(B C)+» D", "a group of a pattern takes no", "A B+"),
        ("A «((B)+)+» D", "a group of a pattern takes no", ""),
        ("A «{- B -}» C", "no exclusions", ""),
        ("A «PERMUTE(B, C)»", "PERMUTE is not", "UNION ALL"),
        ("«A*?»", "matches no rows", "A+"),
        ("«A? B*?»", "matches no rows", ""),
        ("A B «A»", "the variable `A` twice", "its own name"),
        ("A+ «B*» C", "`B` may match no rows behind the greedy `A`", "B{0,9}"),
        ("A+ «B?»", "`B` may match no rows behind the greedy `A`", ""),
        ("A* «B*?» C", "`B` may match no rows behind the greedy `A`", ""),
    ];

    let clauses: Vec<String> = cases.iter().map(|(pattern, ..)| of(pattern)).collect();
    let cases: Vec<(&str, &str, &str)> =
        cases.iter().zip(&clauses).map(|(case, clauses)| (clauses.as_str(), case.1, case.2)).collect();
    check_clauses(&cases);
}

#[test]
fn clauses_that_a_stream_does_not_have() {
    let rest = "PATTERN (A B) DEFINE A AS n > 1";

    check_clauses(&[
        (
            &format!("ORDER BY ts MEASURES A.n AS a «ALL ROWS PER MATCH» {rest}"),
            "ALL ROWS PER MATCH is not",
            "ONE ROW PER MATCH",
        ),
        (
            "ORDER BY ts MEASURES A.n AS a PATTERN (A B) SUBSET «u» = (A, B) DEFINE A AS n > 1",
            "SUBSET is not",
            "A, B",
        ),
        (&format!("ORDER BY «n» MEASURES A.n AS a {rest}"), "`n` is neither an event time", "WATERMARK"),
        (&format!("ORDER BY «ts» DESC MEASURES A.n AS a {rest}"), "in order of time, ascending", "DESC"),
        (
            &format!("ORDER BY «ts + INTERVAL '1' DAY» MEASURES A.n AS a {rest}"),
            "names columns here",
            "subquery",
        ),
        (
            &format!("PARTITION BY «UPPER(s)» ORDER BY ts MEASURES A.n AS a {rest}"),
            "PARTITION BY names columns",
            "subquery",
        ),
        (
            "ORDER BY ts MEASURES A.n AS a PATTERN (A B) WITHIN «INTERVAL '1' MONTH» DEFINE A AS n > 1",
            "a constant length of time",
            "MINUTE",
        ),
        (
            &format!("ORDER BY ts MEASURES A.n AS a AFTER MATCH SKIP TO LAST «Z» {rest}"),
            "no variable `Z`",
            "",
        ),
        ("ORDER BY ts MEASURES A.n AS a PATTERN (A B) DEFINE A AS «n»", "must be BOOLEAN", ""),
        (
            "ORDER BY ts MEASURES A.n AS a PATTERN (A B) DEFINE A AS n > 1, «A» AS n > 2",
            "`A` is defined twice",
            "AND",
        ),
        (&format!("ORDER BY ts MEASURES A.n AS a, B.n AS «a» {rest}"), "two columns have the name `a`", ""),
    ]);

    check(&[
        (
            "INSERT INTO one SELECT big FROM uq «MATCH_RECOGNIZE (MEASURES n AS big PATTERN (A) DEFINE A AS n > 1)»",
            "MATCH_RECOGNIZE needs ORDER BY",
            "WATERMARK",
        ),
        (
            "INSERT INTO one SELECT big FROM uq \
             «MATCH_RECOGNIZE (PARTITION BY big ORDER BY ts PATTERN (A) DEFINE A AS n > 1)»",
            "MATCH_RECOGNIZE needs MEASURES",
            "COUNT(*)",
        ),
    ]);
}

#[test]
fn expressions_over_the_rows_of_a_match() {
    let measure =
        |measure: &str| format!("ORDER BY ts MEASURES {measure} AS a PATTERN (A B) DEFINE A AS n > 1");
    let cases = [
        ("«PREV(A.n)»", "PREV is not", "LAST(A.x, 1)"),
        ("«NEXT(A.n)»", "NEXT is not", ""),
        ("«COUNT(DISTINCT A.n)»", "DISTINCT is not supported in MATCH", ""),
        ("«SUM(A.n) FILTER (WHERE A.b)»", "FILTER is not supported in MATCH", ""),
        ("«SUM(A.n + B.n)»", "SUM is over the rows of one variable", "SUM(A.x) + SUM(B.x)"),
        ("«SUM(n + B.n)»", "columns of all rows and of `B`", ""),
        ("«FIRST(A.n + B.n)»", "FIRST is over the rows of one variable", ""),
        ("FIRST(«LAST(A.n)»)", "cannot be nested", ""),
        ("LAST(«SUM(A.n)»)", "not allowed in FIRST and LAST", ""),
        ("SUM(«SUM(A.n)»)", "inside another aggregate", ""),
        ("«LAST(1)»", "LAST takes a column", ""),
        ("LAST(A.n, «A.n»)", "the offset of LAST is a whole number", "LAST(A.x, 1)"),
        ("«CLASSIFIER()»", "CLASSIFIER() is not", ""),
        ("MATCH_ROWTIME(«n»)", "takes the event time", "MATCH_ROWTIME()"),
        ("«nosuch»", "no column `nosuch`", ""),
        ("A.«nosuch»", "no `nosuch` in `A`", ""),
        ("«Z».n", "no column `Z`", ""),
        ("«(SELECT 1)»", "a query is not allowed in MEASURES", "in FROM"),
    ];
    let clauses: Vec<String> = cases.iter().map(|(of, ..)| measure(of)).collect();
    let cases: Vec<(&str, &str, &str)> =
        cases.iter().zip(&clauses).map(|(case, clauses)| (clauses.as_str(), case.1, case.2)).collect();
    check_clauses(&cases);

    check(&[
        ("INSERT INTO one SELECT «FIRST»(n) FROM uq", "the function FIRST is not", "FIRST_VALUE"),
        ("INSERT INTO one SELECT «MATCH_ROWTIME»() FROM uq", "MATCH_ROWTIME is not", "MATCH_RECOGNIZE"),
    ]);
}

#[test]
fn rows_that_are_updated_are_not_matched() {
    check(&[(
        "CREATE TABLE cdc (n INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = 'kafka', \
         'format' = 'debezium-json'); INSERT INTO one SELECT a FROM cdc \
         «MATCH_RECOGNIZE (ORDER BY ts MEASURES A.n AS a PATTERN (A) DEFINE A AS n > 1)» AS m",
        "MATCH_RECOGNIZE takes new rows only",
        "",
    )]);
}

#[test]
fn what_flink_takes_is_taken() {
    let of = |clauses: &str| compiles(&matching(clauses));
    for pattern in ["A (B C)", "(A)+ B", "A B?", "A B+?", "A B{3}", "A B{0,2}?", "A+ B{0,2} C", "A{2,} B"] {
        of(&format!("ORDER BY ts MEASURES A.n AS a PATTERN ({pattern}) DEFINE A AS n > 1"));
    }
    for measure in [
        "FINAL LAST(A.n, 1)",
        "SUM(A.n * 2) + COUNT(*)",
        "FIRST(n + big)",
        "LAST(n)",
        "COUNT(B.`user`.kind)",
        "CHAR_LENGTH(CAST(MATCH_ROWTIME(ts) AS STRING))",
        "Z.n",
    ] {
        of(&format!("ORDER BY ts MEASURES {measure} AS a PATTERN (A B) DEFINE Z AS n > 1, A AS A.n > 1"));
    }
    of(
        "PARTITION BY s, uq.n ORDER BY uq.ts, n DESC MEASURES A.n AS a AFTER MATCH SKIP TO B PATTERN (A B C) \
        WITHIN INTERVAL '1' HOUR DEFINE C AS C.n > LAST(B.n) AND SUM(n) < 10",
    );

    // The time of a match is an event time.
    compiles(
        "CREATE VIEW m AS SELECT * FROM uq MATCH_RECOGNIZE (ORDER BY ts MEASURES MATCH_ROWTIME() AS rt \
         PATTERN (A) DEFINE A AS n > 1); INSERT INTO one SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE m, DESCRIPTOR(rt), INTERVAL '1' MINUTE)) \
         GROUP BY window_start, window_end",
    );
}
