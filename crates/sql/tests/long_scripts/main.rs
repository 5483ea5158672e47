//! Scripts of megabytes end quickly in a plan or an error, and short scripts need little memory.
//!
//! No duration is asserted: quadratic code would take hours here.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod chains;
mod statements;

use sql::expr::{Expr, ExprGraph};
use sql::plan::Plan;
use types::Value;

const TABLES: &str = "
CREATE TABLE t (n INT, s STRING, x DOUBLE, m DECIMAL(10, 2), ts TIMESTAMP(3), WATERMARK FOR ts AS ts)
  WITH ('connector' = 'x');
CREATE TABLE o (a STRING) WITH ('connector' = 'x');
CREATE TABLE flags (a BOOLEAN) WITH ('connector' = 'x');
CREATE TABLE numbers (a INT) WITH ('connector' = 'print');
CREATE TABLE changes (a STRING) WITH ('connector' = 'print');
";

const TERMS: usize = 100_000;

/// Returns the plan or the first error.
fn compile(statement: &str) -> Result<Plan, String> {
    let compiled = sql::compile(&format!("{TABLES}{statement}"), &|_| None);
    compiled.map_err(|found| found.into_iter().find(|d| d.is_error()).unwrap().message)
}

/// Returns the bytes of all literals of a plan.
fn literal_bytes(plan: &Plan) -> usize {
    let of = |graph: &ExprGraph| -> usize {
        let lengths = graph.iter().map(|(_, node)| match &node.expr {
            Expr::Literal(Value::Text(text)) => text.len(),
            Expr::Literal(Value::Bytes(bytes)) => bytes.len(),
            _ => 0,
        });
        lengths.sum()
    };
    plan.pipelines.iter().map(|pipeline| of(&pipeline.exprs)).sum()
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in
        [("(", ")"), ("NOT ", ""), ("- ", ""), ("+ ", ""), ("UPPER(", ")"), ("CASE WHEN ", "")]
    {
        let nested = format!("{}1{}", open.repeat(TERMS), close.repeat(TERMS));
        let message = compile(&format!("INSERT INTO o SELECT {nested} FROM t")).unwrap_err();
        assert_eq!(message, "this is nested more than 100 levels deep", "{open}");
    }
    for nested in [
        format!("CAST(s AS INT{})", " ARRAY".repeat(TERMS)),
        format!("CAST(s AS INT{})", " MULTISET".repeat(TERMS)),
        format!("CAST(s AS {}INT{})", "ARRAY<".repeat(TERMS), ">".repeat(TERMS)),
        format!("s{}", "[1]".repeat(TERMS)),
        format!("s{}", " IS NULL".repeat(TERMS)),
        format!("1 FROM {}t{}", "(SELECT * FROM ".repeat(TERMS), ")".repeat(TERMS)),
    ] {
        let message = compile(&format!("INSERT INTO o SELECT {nested} FROM t")).unwrap_err();
        assert_eq!(message, "this is nested more than 100 levels deep");
    }
}

#[test]
fn views_that_read_one_another_many_times_are_refused() {
    let doubled = |views: usize| {
        let view = |n: usize| {
            let of = if n == 0 { "t".to_owned() } else { format!("v{}", n - 1) };
            format!("CREATE VIEW v{n} AS SELECT * FROM {of} UNION ALL SELECT * FROM {of};")
        };
        let definitions: String = (0..=views).map(view).collect();
        compile(&format!("{definitions} INSERT INTO o SELECT s FROM v{views}"))
    };
    assert!(doubled(8).is_ok());
    for views in [12, 40, 70] {
        assert_eq!(doubled(views).unwrap_err(), "the query reads tables more than 4096 times", "{views}");
    }
}

#[test]
fn long_lists_end_in_a_plan_or_an_error() {
    let numbers = |f: &dyn Fn(usize) -> String| (0..TERMS).map(f).collect::<Vec<_>>().join(", ");
    let whens: String = (0..30_000).map(|n| format!(" WHEN n = {n} THEN '{n}'")).collect();
    for (statement, outcome) in [
        (format!("INSERT INTO o SELECT s FROM t WHERE n IN ({})", numbers(&|n| n.to_string())), ""),
        (format!("INSERT INTO o SELECT s FROM t WHERE s IN ({})", numbers(&|n| format!("'{n}'"))), ""),
        (format!("INSERT INTO o SELECT CASE{whens} END FROM t"), "more than 100000 parts"),
        (format!("INSERT INTO o SELECT CONCAT({}) FROM t", numbers(&|n| format!("'{n}'"))), "100000 parts"),
        (format!("INSERT INTO o SELECT {} FROM t", numbers(&|n| n.to_string())), "more than 10000 columns"),
        (format!("INSERT INTO o SELECT * FROM (VALUES {})", numbers(&|n| format!("('{n}')"))), ""),
        (format!("INSERT INTO o SELECT s FROM t GROUP BY {}", numbers(&|n| n.to_string())), "10000 keys"),
        (
            format!("CREATE TABLE w ({}) WITH ('connector' = 'x')", numbers(&|n| format!("c{n} INT"))),
            "more than 10000 columns",
        ),
        (
            format!("CREATE TABLE w (r ROW<{}>) WITH ('connector' = 'x')", numbers(&|n| format!("c{n} INT"))),
            "more than 10000 fields",
        ),
    ] {
        match compile(&statement) {
            Ok(_) => assert_eq!(outcome, "", "{}", &statement[..60]),
            Err(message) => {
                assert!(!outcome.is_empty() && message.contains(outcome), "{message}: {}", &statement[..60]);
            }
        }
    }
}

#[test]
fn long_names_are_not_compared_with_each_other() {
    let (a, b) = ("a".repeat(1_000_000), "b".repeat(1_000_000));
    let script =
        format!("CREATE TABLE {a} (n INT) WITH ('connector' = 'x'); INSERT INTO o SELECT n FROM {b}");
    assert!(compile(&script).unwrap_err().starts_with("there is no table or view `bbb"));
    assert!(compile(&format!("INSERT INTO o SELECT {a}(s) FROM t")).unwrap_err().contains("no function"));
}

#[test]
fn tables_with_other_options_have_a_bound() {
    let inserts = |n: usize, of: &dyn Fn(usize) -> usize| -> String {
        let insert = |n| format!("INSERT INTO o SELECT s FROM t /*+ OPTIONS('k' = '{}') */;", of(n));
        (0..n).map(insert).collect()
    };
    assert_eq!(compile(&inserts(1_000, &|n| n % 3)).unwrap().pipelines.len(), 3);
    let message = compile(&inserts(101, &|n| n)).unwrap_err();
    assert_eq!(message, "these are more than 100 different OPTIONS of tables");
}

#[test]
fn long_constants_are_left_to_the_run() {
    let joined = vec!["REPEAT('x', 1000000)"; 90].join(" || ");
    for expression in [
        "REPEAT('x', 1000000)",
        "REPLACE(REPEAT('x', 1000000), 'x', REPEAT('y', 10000))",
        "REGEXP_REPLACE(REPEAT('x', 1000000), 'x', REPEAT('y', 10000))",
        "CAST('x' AS CHAR(1000000))",
        "LPAD('x', 1000000, 'y')",
        &joined,
    ] {
        let plan = compile(&format!("INSERT INTO o SELECT {expression} FROM t")).unwrap();
        assert!(literal_bytes(&plan) < 1_000, "{expression}");
    }
    let plan = compile("INSERT INTO o SELECT REPEAT('x', 1000) FROM t").unwrap();
    assert_eq!(literal_bytes(&plan), 1_000);
}

#[test]
fn types_that_no_value_can_fill_are_refused() {
    for (cast, longest) in
        [("CAST('x' AS CHAR(1000000000))", "CHAR"), ("CAST(X'00' AS BINARY(2000000000))", "BINARY")]
    {
        let message = compile(&format!("INSERT INTO o SELECT CAST({cast} AS STRING) FROM t")).unwrap_err();
        assert!(message.contains("longer than a value may be") && message.contains(longest), "{message}");
    }
    // VARCHAR does not pad, so any declared length is allowed.
    assert!(compile("INSERT INTO o SELECT CAST(s AS VARCHAR(1000000000)) FROM t").is_ok());
}
