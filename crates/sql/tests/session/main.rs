//! Sessions: each statement is compiled after the earlier ones, and jobs are complete scripts.

mod asked;

use std::collections::BTreeMap;

use sql::error::{Diagnostic, DiagnosticKind};
use sql::session::{Answer, Outcome, Selection, Session, StopJob};
use types::{DataType, Value};

const ORDERS: &str = "CREATE TABLE orders (
  id BIGINT, `user` ROW<name STRING, age INT>, ts TIMESTAMP(3), twice AS id * 2, part INT METADATA FROM 'partition' VIRTUAL,
  WATERMARK FOR ts AS ts - INTERVAL '5' SECOND, PRIMARY KEY (id) NOT ENFORCED
) WITH ('connector' = 'x') -- a comment";
const COUNTS: &str = "CREATE TABLE counts (n BIGINT) WITH ('connector' = 'y');";
const INSERT: &str =
    "INSERT INTO counts SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE))
  GROUP BY window_start, window_end";

fn none(_: &str) -> Option<String> {
    None
}

fn session(statements: &[&str]) -> Session {
    let mut session = Session::new(BTreeMap::new());
    for statement in statements {
        run(&mut session, statement);
    }
    session
}

fn run(session: &mut Session, statement: &str) -> Outcome {
    session.execute(statement, &none).unwrap_or_else(|found| panic!("{statement}: {found:?}"))
}

fn fails(session: &mut Session, statement: &str) -> Diagnostic {
    let mut found = session.execute(statement, &none).expect_err(statement);
    assert_eq!(found.len(), 1, "{statement}: {found:?}");
    found.remove(0)
}

fn answer(session: &mut Session, statement: &str) -> Answer {
    match run(session, statement) {
        Outcome::Rows(answer) => answer,
        other => panic!("{statement}: {other:?}"),
    }
}

/// Returns the texts of an answer, with nulls as `-`.
fn texts(answer: &Answer) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Null => "-".to_owned(),
        other => panic!("{other:?}"),
    };
    answer.rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join(" | ")).collect()
}

fn selection(session: &mut Session, statement: &str) -> Selection {
    match run(session, statement) {
        Outcome::Query(query) => *query,
        other => panic!("{statement}: {other:?}"),
    }
}

#[test]
fn declarations_are_kept_shown_and_dropped() {
    let mut session = session(&[ORDERS, COUNTS, "CREATE TEMPORARY VIEW v AS SELECT id FROM orders;"]);

    assert_eq!(texts(&answer(&mut session, "SHOW TABLES;")), ["counts", "orders", "v"]);
    assert_eq!(texts(&answer(&mut session, "SHOW VIEWS")), ["v"]);
    assert_eq!(texts(&answer(&mut session, "SHOW TABLES LIKE 'o%'")), ["orders"]);
    assert_eq!(
        texts(&answer(&mut session, "SHOW TABLES IN default_database NOT ILIKE 'O%'")),
        ["counts", "v"]
    );

    assert_eq!(
        texts(&answer(&mut session, "SHOW CREATE TABLE counts")),
        ["CREATE TABLE counts (n BIGINT) WITH ('connector' = 'y')"]
    );

    run(&mut session, "CREATE TABLE IF NOT EXISTS counts (other STRING) WITH ('connector' = 'z')");
    let error = fails(&mut session, "CREATE TABLE counts (n BIGINT) WITH ('connector' = 'y')");
    assert_eq!(error.kind, DiagnosticKind::ObjectExists("counts".to_owned()));
    assert_eq!((error.span.start, error.span.end), (13, 19), "places are those of the statement");

    run(&mut session, "DROP VIEW v");
    run(&mut session, "DROP VIEW IF EXISTS v");
    assert_eq!(fails(&mut session, "DROP VIEW v").kind, DiagnosticKind::NoSuchTable("v".to_owned()));
    assert!(fails(&mut session, "DROP VIEW counts").hint.expect("a hint").contains("DROP TABLE"));
    assert_eq!(texts(&answer(&mut session, "SHOW TABLES")), ["counts", "orders"]);
}

#[test]
fn a_table_is_described_as_flink_describes_it() {
    let mut session =
        session(&[ORDERS, "CREATE VIEW v AS SELECT id + 1 AS following_id, `user` FROM orders"]);

    let described = answer(&mut session, "DESCRIBE orders");
    let names: Vec<&str> = described.columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["name", "type", "null", "key", "extras", "watermark"]);
    assert_eq!(
        texts(&described),
        [
            "id | BIGINT | false | PRI(id) | - | -",
            "user | ROW<`name` STRING, `age` INT> | true | - | - | -",
            "ts | TIMESTAMP(3) *ROWTIME* | true | - | - | ts - INTERVAL '5' SECOND",
            "twice | BIGINT | false | - | AS id * 2 | -",
            "part | INT | true | - | METADATA FROM 'partition' VIRTUAL | -",
        ]
    );

    let of_view = [
        "following_id | BIGINT | false | - | - | -",
        "user | ROW<`name` STRING, `age` INT> | true | - | - | -",
    ];
    assert_eq!(texts(&answer(&mut session, "DESC v;")), of_view);
    assert_eq!(fails(&mut session, "DESCRIBE nosuch").kind, DiagnosticKind::NoSuchTable("nosuch".to_owned()));
}

#[test]
fn an_insert_is_a_script_of_its_own() {
    let mut session = session(&[
        ORDERS,
        COUNTS,
        "SET 'pipeline.name' = 'it''s counting'",
        "SET 'sql-client.execution.result-mode' = 'tableau'",
    ]);
    let Outcome::Insert(insertion) = run(&mut session, INSERT) else { panic!("an insertion") };
    assert_eq!(insertion.name, "insert-into_default_catalog.default_database.counts");
    assert_eq!(&insertion.script[insertion.statement_at..], INSERT);
    let plan = sql::compile(&insertion.script, &none).expect("the script stands alone");
    assert_eq!(plan.settings.name.as_deref(), Some("it's counting"));
    assert!(!insertion.script.contains("sql-client"), "what means nothing here is left out");
}

#[test]
fn a_view_whose_table_was_dropped_harms_only_who_reads_it() {
    let mut session =
        session(&[ORDERS, COUNTS, "CREATE VIEW v AS SELECT id FROM orders", "DROP TABLE orders"]);
    assert_eq!(texts(&answer(&mut session, "SHOW TABLES")), ["counts", "v"]);
    run(&mut session, "INSERT INTO counts VALUES (1), (2)");
    let error = fails(&mut session, "SELECT * FROM v");
    assert!(error.message.contains("`v`") && error.message.contains("orders"), "{error:?}");
    assert!(fails(&mut session, "DESCRIBE v").message.contains("orders"));
    run(&mut session, ORDERS);
}

#[test]
fn settings_are_set_listed_and_reset() {
    let mut session = Session::new(BTreeMap::from([("a".to_owned(), "1".to_owned())]));
    // Keys that are not set are listed without a value.
    let set = |session: &mut Session| {
        let mut listed = texts(&answer(session, "SET;"));
        listed.retain(|line| !line.ends_with("| "));
        listed
    };

    run(&mut session, "SET 'a' = '2';");
    run(&mut session, "SET 'b' = '3'");
    assert_eq!(set(&mut session), ["a | 2", "b | 3"]);

    assert_eq!(texts(&answer(&mut session, "SET 'b'")), ["b | 3"]);
    run(&mut session, "RESET 'a'");
    run(&mut session, "RESET 'b'");
    assert_eq!(set(&mut session), ["a | 1"]);

    run(&mut session, "SET 'a' = '4'");
    run(&mut session, "RESET;");
    assert_eq!(set(&mut session), ["a | 1"]);

    let error = fails(&mut session, "SET 'table.local-time-zone' = 'Asia/Nowhere'");
    assert!(error.message.contains("Asia/Nowhere"), "{error:?}");
    assert_eq!(set(&mut session), ["a | 1"]);
}

#[test]
fn a_query_says_what_its_rows_are_made_of() {
    let mut session = session(&[ORDERS]);
    let Selection { query, .. } = selection(&mut session, "SELECT * FROM orders WHERE id > 1 LIMIT 7;");
    assert_eq!(query.limit, Some(7));
    let names: Vec<&str> = query.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "user", "ts", "twice", "part"]);
    let sink: Vec<&str> = query.plan.sinks[0].columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(sink, names);
    assert_eq!(query.columns[1].column_type.to_string(), "ROW<`name` STRING, `age` INT>");
}

#[test]
fn rows_that_are_written_out_are_a_table() {
    let mut session = session(&[]);
    let query =
        selection(&mut session, "SELECT a + 1 AS b, c FROM (VALUES (1, 'x'), (2.5, NULL)) AS t (a, c)").query;
    let source = &query.plan.pipelines[0].source;
    let rows = source.rows.as_deref().expect("rows");
    assert_eq!(rows[0], [Value::Wide(10), Value::Text("x".to_owned())]);
    assert_eq!(rows[1], [Value::Wide(25), Value::Null]);
    assert_eq!(query.columns[0].name, "b");
    let one = selection(&mut session, "SELECT 1").query;
    assert_eq!(one.plan.pipelines[0].source.rows.as_deref(), Some(&vec![vec![]]));
    assert_eq!(one.columns[0].column_type, DataType::Int.not_null());
    let bare = selection(&mut session, "VALUES (1), (2) LIMIT 1").query;
    assert_eq!((bare.columns[0].name.as_str(), bare.limit), ("EXPR$0", Some(1)));
}

#[test]
fn a_statement_that_ends_too_early_is_told_from_one_that_is_wrong() {
    let mut session = session(&[ORDERS, COUNTS]);

    for unfinished in [
        "EXECUTE STATEMENT SET BEGIN",
        "EXECUTE STATEMENT SET BEGIN INSERT INTO counts SELECT 1;",
        "SELECT",
        "CREATE TABLE t (",
    ] {
        assert_eq!(fails(&mut session, unfinished).kind, DiagnosticKind::EndOfInput, "{unfinished}");
    }

    assert_eq!(fails(&mut session, "SELECT FROM orders").kind, DiagnosticKind::Syntax);
    assert_eq!(fails(&mut session, "SELEC 1").kind, DiagnosticKind::Syntax);
    assert_eq!(fails(&mut session, "SELECT 1; SELECT 2").message, "one statement at a time");
    assert_eq!(
        fails(&mut session, "SELECT * FROM nosuch").kind,
        DiagnosticKind::NoSuchObject("nosuch".to_owned())
    );

    assert_eq!(
        fails(&mut session, "INSERT INTO nosuch SELECT 1").kind,
        DiagnosticKind::NoSuchTable("nosuch".to_owned())
    );
    assert_eq!(fails(&mut session, "SELECT * FROM ordes").hint.as_deref(), Some("did you mean `orders`?"));

    let found = session.execute("EXECUTE STATEMENT SET BEGIN INSERT INTO counts SELECT 1; END;", &none);
    assert!(matches!(found, Ok(Outcome::Insert(_))), "{found:?}");
}

#[test]
fn a_statement_set_may_come_piece_by_piece() {
    let mut session =
        session(&[ORDERS, COUNTS, "BEGIN STATEMENT SET;", "INSERT INTO counts SELECT id FROM orders;"]);
    assert!(fails(&mut session, "SHOW TABLES").message.contains("only contain INSERT"));
    run(&mut session, INSERT);
    let Outcome::Insert(insertion) = run(&mut session, "END;") else { panic!("an insertion") };
    let plan = sql::compile(&insertion.script, &none).expect("a script");
    assert_eq!(plan.pipelines[0].queries.len(), 2);
    assert!(fails(&mut session, "END").message.contains("no statement set"));
}

#[test]
fn plans_are_explained() {
    let mut session = session(&[ORDERS, COUNTS]);

    for statement in [
        format!("EXPLAIN {INSERT}"),
        format!("EXPLAIN PLAN FOR {INSERT};"),
        format!("EXPLAIN STATEMENT SET BEGIN {INSERT}; END"),
        "EXPLAIN SELECT id FROM orders LIMIT 3".to_owned(),
    ] {
        let text = texts(&answer(&mut session, &statement)).remove(0);
        assert!(text.starts_with("== Optimized Execution Plan ==\nsource orders"), "{statement}: {text}");
        assert!(text.contains("into"), "{statement}: {text}");
    }

    for kind in ["PLAN_ADVICE", "JSON_EXECUTION_PLAN", "ESTIMATED_COST", "CHANGELOG_MODE"] {
        let error = fails(&mut session, &format!("EXPLAIN {kind} SELECT id FROM orders"));
        assert_eq!(error.message, format!("EXPLAIN {kind} is not supported"));
        assert_eq!((error.span.start, error.span.end), (8, 8 + kind.len()), "{error:?}");
    }

    let error = fails(&mut session, "EXPLAIN SELECT nosuch FROM orders");
    assert_eq!((error.span.start, error.span.end), (15, 21), "{error:?}");
    let error = fails(&mut session, "EXPLAIN STATEMENT SET BEGIN INSERT INTO nosuch SELECT 1; END");
    assert_eq!((error.span.start, error.span.end), (40, 46), "{error:?}");
}

#[test]
fn jobs_catalogs_and_databases_go_by_flinks_statements() {
    let mut session = session(&["USE CATALOG default_catalog", "USE default_catalog.default_database"]);

    assert!(matches!(run(&mut session, "SHOW JOBS"), Outcome::ShowJobs));
    assert!(matches!(run(&mut session, "DESCRIBE JOB 'ab'"), Outcome::DescribeJob(id) if id == "ab"));

    let stop = |with_savepoint, with_drain| StopJob { id: "ab".to_owned(), with_savepoint, with_drain };
    for (statement, wanted) in [
        ("STOP JOB 'ab'", stop(false, false)),
        ("STOP JOB 'ab' WITH SAVEPOINT;", stop(true, false)),
        ("STOP JOB 'ab' WITH SAVEPOINT WITH DRAIN", stop(true, true)),
    ] {
        assert!(
            matches!(run(&mut session, statement), Outcome::StopJob(found) if found == wanted),
            "{statement}"
        );
    }

    assert_eq!(texts(&answer(&mut session, "SHOW CURRENT CATALOG")), ["default_catalog"]);
    assert_eq!(texts(&answer(&mut session, "SHOW CURRENT DATABASE")), ["default_database"]);
    assert_eq!(texts(&answer(&mut session, "SHOW DATABASES")), ["default_database"]);
    assert!(fails(&mut session, "USE nosuch").message.contains("[nosuch]"));
    assert!(fails(&mut session, "USE CATALOG nosuch").message.contains("[nosuch]"));

    let functions = texts(&answer(&mut session, "SHOW FUNCTIONS"));
    assert!(
        ["count", "upper", "md5"].iter().all(|name| functions.contains(&(*name).to_owned())),
        "{functions:?}"
    );
    assert!(fails(&mut session, "ALTER TABLE t RENAME TO u").message.contains("ALTER is not supported"));
}

#[test]
fn a_session_is_configured_by_declarations_and_settings_alone() {
    let mut session = session(&[]);
    for (statement, is_taken) in
        [(ORDERS, true), ("SET 'a' = 'b'", true), ("SELECT 1", false), ("SET", false)]
    {
        assert_eq!(session.configure(statement, &none).ok(), Some(is_taken), "{statement}");
    }
    assert_eq!(texts(&answer(&mut session, "SHOW TABLES")), ["orders"]);
    assert!(session.configure("SET x", &none).is_err());
}

#[test]
fn variables_are_filled_where_a_statement_is_taken_in() {
    let mut session = session(&[]);
    let filled = |name: &str| (name == "ZONE").then(|| "Asia/Ho_Chi_Minh".to_owned());
    session.execute("SET 'table.local-time-zone' = '${ZONE}'", &filled).expect("a setting");
    assert_eq!(session.time_zone().iana_name(), Some("Asia/Ho_Chi_Minh"));
}

#[test]
fn words_are_completed() {
    let session = session(&[ORDERS, COUNTS, "CREATE TABLE `select` (n INT) WITH ('connector' = 'x')"]);
    let complete = |text: &str| session.complete(text, text.len(), &none);

    assert_eq!(complete("SELECT * FR"), ["FROM", "FROM_BASE64", "FROM_CHANGELOG", "FROM_UNIXTIME"]);
    assert_eq!(complete("SELECT * FROM ord"), ["orders"]);
    assert_eq!(complete("SELECT * FROM se"), ["`select`"]);
    assert!(complete("SH").contains(&"SHOW JOBS".to_owned()));
    assert!(complete("SHOW T").contains(&"TABLES".to_owned()));
    assert_eq!(complete("SELECT twi"), ["twice"]);

    assert_eq!(
        complete("SHOW C"),
        ["CATALOGS", "COLUMNS FROM", "CREATE TABLE", "CREATE VIEW", "CURRENT CATALOG", "CURRENT DATABASE"]
    );
    assert_eq!(complete("show create "), ["TABLE", "VIEW"]);
    assert_eq!(complete("SHOW COLUMNS FROM o"), ["orders"]);

    assert_eq!(complete("DROP "), ["TABLE", "TEMPORARY TABLE", "TEMPORARY VIEW", "VIEW"]);
    assert_eq!(complete("DROP TABLE IF EXISTS c"), ["counts"]);
    assert_eq!(complete("DROP VIEW "), Vec::<String>::new());
    assert_eq!(
        complete("CREATE "),
        ["OR REPLACE VIEW", "TABLE", "TEMPORARY TABLE", "TEMPORARY VIEW", "VIEW"]
    );

    assert_eq!(complete("USE "), ["CATALOG", "default_database"]);
    assert_eq!(complete("USE CATALOG "), ["default_catalog"]);
    assert!(complete("SET ").contains(&"'table.local-time-zone'".to_owned()));
    assert_eq!(complete("SET 'weir.e"), ["'weir.early-fire'"]);
    assert_eq!(complete("RESET 'pipe"), ["'pipeline.name'"]);

    assert!(complete("SET 'pipeline.name' = 'x").is_empty());
    assert!(complete("SELECT upp").contains(&"UPPER".to_owned()));
    assert!(complete("SELECT 'FR").is_empty(), "inside of a text");

    assert!(session.complete("SELECT * WHE FROM orders", 12, &none).contains(&"WHERE".to_owned()));
    assert_eq!(session.complete("é WHER", 999, &none), ["WHERE"]);
}

#[test]
fn a_session_holds_so_much_and_no_more() {
    let mut session = session(&[]);
    for n in 0..256 {
        session
            .configure(&format!("CREATE TABLE IF NOT EXISTS t{n} (n INT) WITH ('connector' = 'x')"), &none)
            .expect("room");
        if n % 64 == 63 {
            assert_eq!(answer(&mut session, "SHOW TABLES").rows.len(), n + 1);
        }
    }
    assert!(
        fails(&mut session, "CREATE TABLE u (n INT) WITH ('connector' = 'x')")
            .message
            .contains("too many declarations")
    );
}
