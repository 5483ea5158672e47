//! Chains of operators, conditions, set operations and joins may have thousands of terms. Their length is no
//! nesting: it is limited by itself, and uses no stack.

use sql::expr::Expr;
use sql::plan::Plan;
use sql::plan::operator::OperatorKind;

use super::{TERMS, compile};

/// Compiles a statement, and visits every expression of its plan on the stack of the test's thread.
fn planned(statement: &str) -> Plan {
    let plan = compile(statement).unwrap_or_else(|message| panic!("{message}: {}", &statement[..60]));
    sql::explain::explain(&plan);
    for exprs in plan.pipelines.iter().map(|pipeline| &pipeline.exprs) {
        if let Some((last, _)) = exprs.iter().last() {
            assert!(!exprs.digest(last).is_empty());
        }
    }
    plan
}

#[test]
fn chains_of_thousands_of_terms_are_planned() {
    for (term, operator) in
        [("n", "+"), ("n", "-"), ("n", "*"), ("n", "/"), ("n", "%"), ("x", "+"), ("m", "-"), ("n * 2", "+")]
    {
        let chain = vec![term; 5_000].join(&format!(" {operator} "));
        planned(&format!("INSERT INTO numbers SELECT CAST({chain} AS INT) FROM t"));
    }

    let chain = vec!["n"; 5_000].join(" + ");
    for query in [
        format!("SELECT n FROM t WHERE {chain} > 7"),
        format!("SELECT MAX({chain}) FROM t"),
        format!("SELECT MAX(n) FROM t GROUP BY {chain}"),
        format!("SELECT {chain} FROM t GROUP BY n"),
        format!("SELECT MAX(n) FROM t HAVING MAX({chain}) > {}", chain.replace('n', "MAX(n)")),
        format!("SELECT MAX({chain}) OVER (PARTITION BY {chain} ORDER BY ts) FROM t"),
        format!("SELECT t.n FROM t JOIN t AS u ON {} = u.n", chain.replace('n', "t.n")),
        format!("SELECT n FROM t WHERE {chain} IN (SELECT {chain} FROM t)"),
        format!("SELECT n FROM (SELECT {chain} AS n FROM t) WHERE n > 7"),
        format!("SELECT n FROM t ORDER BY {chain} LIMIT 3"),
        format!(
            "SELECT x FROM t MATCH_RECOGNIZE (ORDER BY ts MEASURES LAST(a.n) AS x PATTERN (a b)
             DEFINE a AS {} > 7)",
            chain.replace('n', "a.n")
        ),
    ] {
        planned(&format!("INSERT INTO numbers {query}"));
    }
    let hours = " + INTERVAL '1' HOUR".repeat(5_000);
    planned(&format!(
        "INSERT INTO numbers SELECT t.n FROM t JOIN t AS u ON t.n = u.n AND t.ts{hours} > u.ts"
    ));
}

#[test]
fn a_long_chain_of_texts_is_one_call() {
    let chain = vec!["s"; 5_000].join(" || ");
    let plan = planned(&format!("INSERT INTO o SELECT {chain} FROM t"));
    let calls = plan.pipelines[0].exprs.iter().filter(|(_, node)| matches!(node.expr, Expr::Call { .. }));
    assert_eq!(calls.count(), 1);
}

#[test]
fn thousands_of_conditions_are_planned() {
    for word in ["AND", "OR"] {
        let chain = (0..5_000).map(|n| format!("n <> {n}")).collect::<Vec<_>>().join(&format!(" {word} "));
        for query in [
            format!("SELECT s FROM t WHERE {chain}"),
            format!("SELECT s FROM t GROUP BY s HAVING {}", chain.replace('n', "MAX(n)")),
            format!("SELECT t.s FROM t JOIN t AS u ON {}", chain.replace('n', "t.n")),
            format!("SELECT CASE WHEN {chain} THEN s END FROM t"),
        ] {
            planned(&format!("INSERT INTO changes {query}"));
        }
    }
}

#[test]
fn thousands_of_unions_are_one_operator() {
    for (union, operators) in [("UNION ALL", 2), ("UNION", 3)] {
        let branches: Vec<String> = (0..4_000).map(|n| format!("SELECT s FROM t WHERE n = {n}")).collect();
        let plan = planned(&format!("INSERT INTO changes {}", branches.join(&format!(" {union} "))));
        let of_union = plan.operators.iter().find(|operator| matches!(operator.kind, OperatorKind::Union));
        assert_eq!(of_union.map(|operator| operator.inputs.len()), Some(4_000), "{union}");
        assert_eq!(plan.operators.len(), operators, "{union}");
    }

    // Rows are distinct up to the last UNION without ALL, and are counted behind it.
    let all = vec!["SELECT s FROM t"; 120].join(" UNION ALL ");
    let plan = planned(&format!("INSERT INTO changes {all} UNION {all}"));
    let inputs = plan.operators.iter().filter(|operator| matches!(operator.kind, OperatorKind::Union));
    assert_eq!(inputs.map(|operator| operator.inputs.len()).collect::<Vec<_>>(), [121, 120]);
}

#[test]
fn the_types_of_a_long_union_are_combined() {
    let small = vec!["SELECT CAST(1 AS TINYINT)"; 120].join(" UNION ALL ");
    let plan = planned(&format!("INSERT INTO numbers {small} UNION ALL SELECT n FROM t"));
    let union = plan.operators.iter().find(|operator| matches!(operator.kind, OperatorKind::Union));
    assert_eq!(union.unwrap().fields[0].column_type.to_string(), "INT");

    let wrong = compile(&format!("INSERT INTO numbers {small} UNION ALL SELECT s FROM t")).unwrap_err();
    assert_eq!(wrong, "column 1 of UNION is TINYINT NOT NULL and STRING".replace(" NOT NULL", ""));
    let wrong = compile(&format!("INSERT INTO numbers {small} UNION ALL SELECT 1, 2")).unwrap_err();
    assert_eq!(wrong, "the sides of UNION have 1 and 2 columns");
}

#[test]
fn chains_of_a_hundred_thousand_terms_are_refused() {
    let chain = |term: &str, operator: &str| vec![term; TERMS].join(&format!(" {operator} "));
    for (statement, refused) in [
        (format!("INSERT INTO flags SELECT {}", chain("1=1", "OR")), "these are more than 10000 conditions"),
        (format!("INSERT INTO o SELECT s FROM t WHERE {}", chain("1=1", "AND")), "10000 conditions"),
        (format!("INSERT INTO o SELECT {} FROM t", chain("1", "+")), "these are more than 10000 terms"),
        (format!("INSERT INTO o SELECT {} FROM t", chain("'1'", "||")), "these are more than 10000 terms"),
        (format!("INSERT INTO o {}", chain("SELECT s FROM t", "UNION ALL")), "10000 queries"),
        (format!("INSERT INTO o {}", chain("SELECT s FROM t", "EXCEPT")), "10000 queries"),
        (format!("INSERT INTO o SELECT s FROM {}", chain("t", ",")), "these are more than 10000 tables"),
        (format!("INSERT INTO o SELECT s FROM {}", chain("t", "CROSS JOIN")), "10000 tables"),
        (format!("INSERT INTO o SELECT {} FROM t", chain("n", "= ")), "nested more than 100 levels deep"),
        (format!("INSERT INTO o SELECT {} FROM t", chain("n", "IS NULL =")), "more than 100 levels deep"),
    ] {
        let message = compile(&statement).unwrap_err();
        assert!(message.contains(refused), "{message}: {}", &statement[..60]);
    }
}

/// Returns scripts whose queries have about `many` steps, or a multiple, one after another.
fn deep_scripts(many: usize) -> Vec<String> {
    let numbered =
        |f: &dyn Fn(usize) -> String, between: &str| (0..many).map(f).collect::<Vec<_>>().join(between);
    let stacked = |query: &dyn Fn(usize) -> String| {
        let view = |n: usize| format!("CREATE VIEW v{} AS {};", n + 1, query(n));
        let views = numbered(&view, "");
        format!("CREATE VIEW v0 AS SELECT * FROM t; {views} INSERT INTO changes SELECT s FROM v{many}")
    };
    let sum = |term: &dyn Fn(usize) -> String| {
        format!("INSERT INTO numbers SELECT {} FROM t", numbered(term, " + "))
    };
    vec![
        stacked(&|n| format!("SELECT * FROM v{n}")),
        stacked(&|n| format!("SELECT * FROM v{n} LIMIT 9")),
        stacked(&|n| format!("SELECT n, MAX(s) AS s FROM v{n} GROUP BY n")),
        stacked(&|n| format!("SELECT * FROM v{n} UNION ALL SELECT * FROM t")),
        format!("INSERT INTO changes SELECT t0.a FROM {}", numbered(&|n| format!("o AS t{n}"), ", ")),
        format!("INSERT INTO changes {}", numbered(&|_| "SELECT s FROM t".to_owned(), " EXCEPT ")),
        format!(
            "INSERT INTO changes SELECT s FROM t WHERE {}",
            numbered(&|n| format!("EXISTS (SELECT 1 FROM t AS u WHERE u.n = t.n + {n})"), " AND ")
        ),
        sum(&|n| format!("(SELECT MAX(n) FROM t WHERE n > {n})")),
        sum(&|n| format!("MAX(n) OVER (PARTITION BY n + {n} ORDER BY ts)")),
    ]
}

#[test]
fn steps_one_after_another_have_a_bound() {
    for script in deep_scripts(100) {
        planned(&script);
    }
    for script in deep_scripts(2_000) {
        let message = compile(&script).unwrap_err();
        assert_eq!(message, "this query has more than 500 steps, one after another");
    }
}

#[test]
fn wide_tables_joined_many_times_are_refused() {
    let columns: Vec<String> = (0..5_000).map(|n| format!("c{n} INT")).collect();
    let wide = format!("CREATE TABLE w ({}) WITH ('connector' = 'x');", columns.join(", "));
    let tables: Vec<String> = (0..40).map(|n| format!("w AS w{n}")).collect();
    let message = compile(&format!("{wide} INSERT INTO numbers SELECT w0.c0 FROM {}", tables.join(", ")));
    assert_eq!(message.unwrap_err(), "the steps of this statement have more than 500000 columns in total");
    let few = tables[..3].join(", ");
    planned(&format!("{wide} INSERT INTO numbers SELECT w0.c0 FROM {few}"));
}
