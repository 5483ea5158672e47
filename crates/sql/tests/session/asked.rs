//! Statements that clients of Flink send besides Flink's own: columns, jars and modules, replaced views, both
//! forms of limits.

use super::*;

#[test]
fn what_flink_shows_is_shown() {
    let mut session = session(&[ORDERS]);
    let names = |answer: &Answer| answer.rows.iter().map(|row| row[0].clone()).collect::<Vec<_>>();
    let text = |text: &str| Value::Text(text.to_owned());
    let columns = answer(&mut session, "SHOW COLUMNS FROM default_database.orders");
    assert_eq!(columns, answer(&mut session, "DESCRIBE orders"));
    let some = answer(&mut session, "SHOW COLUMNS IN orders LIKE 't%'");
    assert_eq!(names(&some), [text("ts"), text("twice")]);
    let others = answer(&mut session, "SHOW COLUMNS FROM orders NOT ILIKE 'T%'");
    assert_eq!(names(&others), [text("id"), text("user"), text("part")]);
    assert_eq!(
        fails(&mut session, "SHOW COLUMNS FROM nosuch").kind,
        DiagnosticKind::NoSuchTable("nosuch".to_owned())
    );
    assert!(fails(&mut session, "SHOW COLUMNS orders").message.contains("`FROM`"));

    let jars = answer(&mut session, "SHOW JARS");
    assert_eq!((jars.columns[0].0.as_str(), jars.rows.len()), ("jars", 0));
    let modules = answer(&mut session, "SHOW FULL MODULES");
    assert_eq!(modules.rows, [[text("core"), Value::Bool(true)]]);
    assert_eq!((modules.columns[0].0.as_str(), modules.columns[1].0.as_str()), ("module name", "used"));

    run(&mut session, "SET 'weir.early-fire' = '2 s'");
    let settings = answer(&mut session, "SET;").rows;
    assert!(settings.contains(&vec![text("weir.early-fire"), text("2 s")]), "{settings:?}");
    assert!(settings.contains(&vec![text("parallelism.default"), text("")]), "{settings:?}");
}

#[test]
fn a_view_is_replaced_where_it_stands() {
    let mut session = session(&[
        ORDERS,
        "CREATE OR REPLACE VIEW v AS SELECT id AS a FROM orders",
        "CREATE VIEW w AS SELECT a FROM v",
        "CREATE OR REPLACE TEMPORARY VIEW v AS SELECT twice AS a FROM orders",
    ]);
    assert_eq!(texts(&answer(&mut session, "SHOW TABLES")), ["orders", "v", "w"]);
    assert!(texts(&answer(&mut session, "SHOW CREATE VIEW v"))[0].contains("twice"));
    assert!(matches!(run(&mut session, "SELECT a FROM w"), Outcome::Query(_)));
    // A view that reads an object declared later is moved behind it.
    run(&mut session, COUNTS);
    run(&mut session, "CREATE OR REPLACE VIEW w AS SELECT n FROM counts");
    assert!(matches!(run(&mut session, "SELECT n FROM w"), Outcome::Query(_)));

    let error = fails(&mut session, "CREATE OR REPLACE VIEW v AS SELECT nosuch FROM orders");
    assert!(error.message.contains("nosuch"), "{error:?}");
    assert!(texts(&answer(&mut session, "SHOW CREATE VIEW v"))[0].contains("twice"), "nothing has changed");
    let error = fails(&mut session, "CREATE OR REPLACE VIEW orders AS SELECT 1 AS a");
    assert_eq!(error.kind, DiagnosticKind::ObjectExists("orders".to_owned()));
    assert!(
        fails(&mut session, "CREATE OR REPLACE TABLE t (n INT)").message.contains("only supported for views")
    );
}

#[test]
fn rows_are_limited_in_either_way() {
    let mut session = session(&[ORDERS]);
    for (end, limit) in [
        ("LIMIT 3", Some(3)),
        ("FETCH FIRST 3 ROWS ONLY", Some(3)),
        ("FETCH NEXT ROW ONLY;", Some(1)),
        ("", None),
    ] {
        let Outcome::Query(selection) = run(&mut session, &format!("SELECT id FROM orders {end}")) else {
            panic!("{end}: no query")
        };
        assert_eq!(selection.query.limit, limit, "{end}");
    }
    for wrong in ["FETCH 3 ROWS ONLY", "FETCH FIRST x ROWS ONLY", "FETCH FIRST 3 ROWS", "FETCH FIRST 3 ONLY"]
    {
        fails(&mut session, &format!("SELECT id FROM orders {wrong}"));
    }
}

#[test]
fn a_query_goes_by_its_text() {
    let mut session = session(&[ORDERS]);
    let mut name = |statement: &str| match run(&mut session, statement) {
        Outcome::Query(selection) => selection.name,
        other => panic!("{statement}: {other:?}"),
    };
    assert_eq!(name("SELECT id\n  FROM orders ;"), "SELECT id FROM orders");
    let long = name(&format!("SELECT id FROM orders WHERE id IN ({})", "1, ".repeat(99) + "2"));
    assert!(long.ends_with('…') && long.chars().count() == 101, "{long}");
    assert!(matches!(run(&mut session, "SELECT CURRENT_DATABASE()"), Outcome::Query(_)));
}

#[test]
fn what_only_asks_is_told_from_what_acts() {
    let asks = |statement: &str| sql::session::only_asks(statement, &none);
    for statement in ["SHOW JOBS;", "SELECT 1", "VALUES (1)", "DESCRIBE t", "EXPLAIN SELECT 1", "SET"] {
        assert!(asks(statement), "{statement}");
    }
    for statement in [INSERT, ORDERS, "STOP JOB 'ab'", "SET 'a' = 'b'", "DROP TABLE t", "nonsense"] {
        assert!(!asks(statement), "{statement}");
    }
}
