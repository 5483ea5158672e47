//! Every script gives a plan or findings, never a panic or a stack overflow.

mod queries;

use std::fs;
use std::path::Path;

/// Xorshift generator that gives the same texts on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides.max(1) as u64) as usize
    }
}

fn built_in() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../jobs/analytics.sql"))
        .expect("the built-in job is there")
}

/// Compiles a script and formats its findings and plan.
fn survive(script: &str) {
    match sql::compile(script, &|_| None) {
        Ok(plan) => {
            sql::error::render(&plan.notices, script, "x.sql", false);
            sql::explain::explain(&plan);
            for pipeline in &plan.pipelines {
                pipeline.common_filter.iter().for_each(|id| drop(pipeline.exprs.digest(*id)));
            }
        }
        Err(found) => {
            assert!(found.iter().any(|d| d.severity == sql::error::Severity::Error));
            for finding in &found {
                assert!(
                    finding.span.start <= finding.span.end && finding.span.end <= script.len(),
                    "{finding:?}"
                );
            }
            sql::error::render(&found, script, "x.sql", false);
        }
    }
}

/// Executes a text as a session's statement after a declaration, even if it is no statement.
fn survive_typed(statement: &str) {
    let mut session = sql::session::Session::default();
    let none = |_: &str| None;
    let _ = session.execute("CREATE TABLE t (a INT, r ROW<b STRING>) WITH ('c' = 'x')", &none);
    if let Err(found) = session.execute(statement, &none) {
        assert!(found.iter().any(sql::error::Diagnostic::is_error), "{statement}");
        for finding in &found {
            assert!(finding.span.start <= finding.span.end, "{finding:?}");
        }
        sql::error::render(&found, statement, "x.sql", false);
    }
    for position in [0, statement.len() / 2, statement.len()] {
        session.complete(statement, position, &none);
    }
}

const WORDS: &[&str] = &[
    "SELECT",
    "SHOW",
    "DESCRIBE",
    "EXPLAIN",
    "DROP",
    "STOP JOB",
    "RESET",
    "LIMIT",
    "FROM",
    "WHERE",
    "GROUP",
    "BY",
    "HAVING",
    "INSERT",
    "INTO",
    "CREATE",
    "TABLE",
    "VIEW",
    "AS",
    "(",
    ")",
    ",",
    ";",
    ".",
    "*",
    "+",
    "-",
    "/",
    "||",
    "=",
    "<>",
    "<",
    ">",
    ">>",
    "'x'",
    "''",
    "`user`",
    "t",
    "a",
    "b",
    "1",
    "1.5",
    "1E0",
    "99999999999999999999",
    "INTERVAL",
    "'5'",
    "SECOND",
    "DAY",
    "TO",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "CAST",
    "TRY_CAST",
    "INT",
    "STRING",
    "ROW",
    "<",
    "TIMESTAMP",
    "(3)",
    "NOT",
    "NULL",
    "IS",
    "IN",
    "BETWEEN",
    "AND",
    "OR",
    "LIKE",
    "TUMBLE",
    "HOP",
    "DESCRIPTOR",
    "COUNT",
    "SUM",
    "DISTINCT",
    "FILTER",
    "PERCENTILE",
    "ARRAY",
    "[",
    "]",
    "WATERMARK",
    "FOR",
    "METADATA",
    "SET",
    "'k'",
    "EXECUTE",
    "STATEMENT",
    "BEGIN",
    "WITH",
    "'connector'",
    "window_start",
    "window_end",
    "EXTRACT",
    "TRIM",
    "FLOOR",
    "COALESCE",
    "ê",
    "🙂",
    "${X}",
    "${X:1}",
    "\"",
    "::",
    "=>",
    "PRIMARY",
    "KEY",
    "ENFORCED",
    "EXPLAIN",
    "UNION",
    "JOIN",
    "OVER",
    "VALUES",
    "--",
    "/*",
    "*/",
    "\n",
    "DATE",
    "TRUE",
    "LEFT",
    "CROSS",
    "NATURAL",
    "USING",
    "ON",
    "LATERAL",
    "UNNEST",
    "FOR SYSTEM_TIME AS OF",
    "INTERSECT",
    "EXCEPT",
    "ORDER BY",
    "OFFSET",
    "FETCH FIRST",
    "ROWS ONLY",
    "QUALIFY",
    "WINDOW",
    "PARTITION BY",
    "ROWS BETWEEN",
    "UNBOUNDED PRECEDING",
    "CURRENT ROW",
    "GROUPING SETS",
    "ROLLUP",
    "EXISTS",
    "ANY",
    "MAP",
    "MATCH_RECOGNIZE",
    "PATTERN",
    "DEFINE",
    "MEASURES",
    "{",
    "}",
    "|",
    "?",
    "JSON_OBJECT",
    "KEY",
    "VALUE",
    "ON CONFLICT DO NOTHING",
    "/*+ BROADCAST(t) */",
];

#[test]
fn token_soup_is_answered() {
    let mut dice = Dice(0x5EED);
    for _ in 0..3_000 {
        let length = 1 + dice.roll(40);
        let words: Vec<&str> = (0..length).map(|_| WORDS[dice.roll(WORDS.len())]).collect();
        survive_typed(&words.join(" "));
        survive(&words.join(" "));
    }
}

#[test]
fn expression_soup_is_answered() {
    let mut dice = Dice(0xBEEF);
    let prelude = "CREATE TABLE t (a INT, b STRING, `user` ROW<a INT>, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('c' = 'x');
        CREATE TABLE o (a INT) WITH ('c' = 'x'); INSERT INTO o SELECT ";
    for _ in 0..3_000 {
        let length = 1 + dice.roll(12);
        let words: Vec<&str> = (0..length).map(|_| WORDS[dice.roll(WORDS.len())]).collect();
        survive(&format!("{prelude}{} FROM t", words.join(" ")));
    }
}

#[test]
fn the_built_in_job_damaged_anywhere_is_answered() {
    let script = built_in();
    let mut dice = Dice(0xDA3A6E);
    for _ in 0..80 {
        let mut damaged = script.clone();
        for _ in 0..1 + dice.roll(4) {
            let at = damaged.floor_char_boundary(dice.roll(damaged.len()));
            let end = damaged.ceil_char_boundary((at + dice.roll(30)).min(damaged.len()));
            let put = if dice.roll(2) == 0 { "" } else { WORDS[dice.roll(WORDS.len())] };
            damaged.replace_range(at..end, put);
        }
        survive(&damaged);
    }
    for _ in 0..30 {
        survive(&script[..script.floor_char_boundary(dice.roll(script.len()))]);
    }
}

#[test]
fn nesting_within_the_bound_is_answered() {
    for (open, middle, close) in [
        ("SELECT a FROM (", "SELECT a FROM t", ") AS t"),
        ("SELECT t.a FROM t JOIN (", "SELECT a FROM t", ") u ON TRUE"),
        ("SELECT a FROM t WHERE a IN (", "SELECT a FROM t", ")"),
        ("SELECT ABS((", "SELECT a FROM t", ")) FROM t"),
        ("WITH t AS (", "SELECT a FROM t", ") SELECT a FROM t"),
        ("SELECT a FROM t UNION ALL (", "SELECT a FROM t", ")"),
        ("SELECT SUM(a) OVER (ORDER BY (", "SELECT a FROM t", ")) FROM t"),
    ] {
        for many in [20, 45, 99] {
            let nested = format!("{}{middle}{}", open.repeat(many), close.repeat(many));
            survive(&format!("CREATE TABLE t (a INT) WITH ('c' = 'x'); INSERT INTO t {nested}"));
            survive_typed(&nested);
        }
    }
    let chains = [" UNION ALL SELECT a FROM t", " JOIN t ON TRUE", ", t"];
    for many in [95, 1_000] {
        for chain in chains.map(|next| next.repeat(many)) {
            survive(&format!(
                "CREATE TABLE t (a INT) WITH ('c' = 'x'); INSERT INTO t SELECT a FROM t{chain}"
            ));
            survive_typed(&format!("SELECT a FROM t{chain}"));
        }
    }
}

#[test]
fn nesting_without_end_is_an_error() {
    let deep = |open: &str, close: &str| {
        let middle = format!("{}1{}", open.repeat(20_000), close.repeat(20_000));
        format!("CREATE TABLE t (a INT) WITH ('c' = 'x'); INSERT INTO t SELECT {middle} FROM t")
    };

    for (open, close) in [
        ("(", ")"),
        ("NOT ", ""),
        ("- ", ""),
        ("CASE WHEN ", " THEN 1 END"),
        ("ABS(", ")"),
        ("1 + (", ")"),
        ("1 IN (", ")"),
    ] {
        let script = deep(open, close);
        let found = sql::compile(&script, &|_| None).unwrap_err();
        assert!(found.iter().any(|d| d.message.contains("levels deep")), "{open}: {:?}", found[0].message);
    }

    survive(&format!(
        "CREATE TABLE t (a {}INT{}) WITH ('c' = 'x')",
        "ROW<a ".repeat(20_000),
        ">".repeat(20_000)
    ));
    survive(&format!("INSERT INTO t {}1", "SELECT a FROM (".repeat(20_000)));

    let chain = |word: &str| {
        format!(
            "CREATE TABLE t (a INT) WITH ('c' = 'x'); INSERT INTO t SELECT a FROM t WHERE {}",
            vec!["a = 1"; 5_000].join(word)
        )
    };

    survive(&chain(" OR "));
    assert!(sql::compile(&chain(" AND "), &|_| None).is_ok());
}

#[test]
fn views_that_double_each_other_end() {
    let mut script = "CREATE TABLE t (a INT) WITH ('c' = 'x'); CREATE VIEW v0 AS SELECT a FROM t;".to_owned();
    for i in 0..60 {
        script += &format!("CREATE VIEW v{} AS SELECT a * a + a AS a FROM v{i};", i + 1);
    }
    script += "INSERT INTO t SELECT a FROM v60;";
    // An expression that would be too large is computed in steps by several operators.
    let plan = sql::compile(&script, &|_| None).expect("nothing is wrong with it");
    assert!(!plan.operators.is_empty() && plan.operators.len() < 60);
}
