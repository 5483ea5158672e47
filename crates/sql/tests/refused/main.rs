//! Findings about wrong scripts: for each case that Flink refuses (and some that only Weir refuses), the text
//! that must be marked, and words that the finding must contain.

mod changelogs;
mod declarations;
mod flinks_own;
mod lookups;
#[path = "../support/marked.rs"]
mod marked;
mod matching;
mod queries;
mod state_ttl;

use marked::Marked;
use sql::error::{Diagnostic, Severity};

const PRELUDE: &str = "
CREATE TABLE uq (
  n INT, big BIGINT, d DOUBLE, s STRING, b BOOLEAN, q DECIMAL(10, 2),
  `user` ROW<id INT, kind STRING>, tags ARRAY<STRING>,
  ts TIMESTAMP(3), ltz TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts - INTERVAL '5' SECOND
) WITH ('connector' = 'x');
CREATE TABLE carried (n INT, h MAP<STRING, BYTES> METADATA VIRTUAL, p INT METADATA VIRTUAL) WITH ('connector' = 'x');
CREATE TABLE no_time (n INT, s STRING, t TIMESTAMP(3)) WITH ('connector' = 'x');
CREATE TABLE out1 (a STRING, c BIGINT) WITH ('connector' = 'x');
CREATE TABLE `one` (a BIGINT) WITH ('connector' = 'kafka');
CREATE TABLE text_out (a STRING) WITH ('connector' = 'x');
";

fn findings(script: &str) -> Vec<Diagnostic> {
    match sql::compile(script, &|_| None) {
        Ok(plan) => plan.notices,
        Err(found) => found,
    }
}

/// Checks statements with the place to be marked in «…», with words of the message and words of the hint.
fn check(cases: &[(&str, &str, &str)]) {
    let mut wrong = vec![];
    for (marked, message, hint) in cases {
        let Marked { text: script, place } = Marked::read(&format!("{PRELUDE}{marked}"));

        let found = findings(&script);
        let ok = found.iter().any(|d| {
            let whole = format!("{} {}", d.message, d.detail.as_deref().unwrap_or_default());
            (d.span.start..d.span.end) == place
                && whole.contains(message)
                && d.hint.as_deref().unwrap_or_default().contains(hint)
        });

        let errors = found.iter().filter(|d| d.severity == Severity::Error).count();
        if !ok || errors != 1 {
            let drawn = sql::error::render(&found, &script, "case.sql", false);
            wrong.push(format!("{marked}\n  wants: {message} | {hint}\n{drawn}"));
        }
    }

    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Checks that statements after the prelude have no errors.
fn compiles(statements: &str) {
    let script = format!("{PRELUDE}{statements}");
    let errors: Vec<Diagnostic> = findings(&script).into_iter().filter(Diagnostic::is_error).collect();
    assert!(errors.is_empty(), "{}", sql::error::render(&errors, &script, "case.sql", false));
}

#[test]
fn names_that_are_not_there() {
    check(&[
        ("INSERT INTO one SELECT «bigg» FROM uq", "no column `bigg`", "did you mean `big`"),
        ("INSERT INTO one SELECT `user`.«idd» FROM uq", "no `idd` in `user`", "did you mean `id`"),
        ("INSERT INTO text_out SELECT «kind» FROM uq", "no column `kind`", "did you mean `user`.`kind`"),
        ("INSERT INTO one SELECT x.big FROM «nosuch» x", "no table or view `nosuch`", ""),
        ("INSERT INTO «nosuch» SELECT n FROM uq", "no table `nosuch`", ""),
        ("INSERT INTO «onee» SELECT big FROM uq", "no table `onee`", "did you mean `one`"),
        ("INSERT INTO one SELECT «NOSUCHFN»(n) FROM uq", "no function `NOSUCHFN`", ""),
        ("INSERT INTO text_out SELECT «LOWR»(s) FROM uq", "no function `LOWR`", "did you mean `LOWER`"),
        (
            "INSERT INTO text_out SELECT «TRANSLATE»(s, 'a', 'b') FROM uq",
            "TRANSLATE of Flink is not",
            "weir functions",
        ),
        ("INSERT INTO one SELECT «RAND»() FROM uq", "RAND of Flink is not", "weir functions"),
        (
            "INSERT INTO one SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE uq, DESCRIPTOR(«nosuch»), INTERVAL '1' HOUR)) \
             GROUP BY window_start, window_end",
            "no column `nosuch`",
            "",
        ),
        ("INSERT INTO one SELECT «window_start» FROM uq", "no column `window_start`", "TUMBLE"),
    ]);
}

#[test]
fn types_that_do_not_fit() {
    check(&[
        ("INSERT INTO one SELECT «n + b» FROM uq", "+ cannot be applied to INT, BOOLEAN", "it takes"),
        ("INSERT INTO text_out SELECT «LOWER(n)» FROM uq", "LOWER cannot be applied to INT", "it takes"),
        (
            "INSERT INTO one SELECT big FROM uq WHERE «n = 'x'»",
            "INT and CHAR(1) cannot be compared",
            "CAST(… AS INT)",
        ),
        ("INSERT INTO one SELECT big FROM uq WHERE «ts < ltz»", "cannot be compared", "wall clock"),
        (
            "INSERT INTO out1 SELECT «n», big FROM uq",
            "`a` is STRING, but the value is INT",
            "CAST(… AS STRING)",
        ),
        ("INSERT INTO one SELECT «d» FROM uq", "`a` is BIGINT, but the value is DOUBLE", "CAST"),
        ("INSERT INTO out1 SELECT «s» FROM uq", "1 column is written, and `out1` takes 2", "a, c"),
        ("INSERT INTO one SELECT big FROM uq WHERE «n»", "must be BOOLEAN this is INT", ""),
        ("INSERT INTO one SELECT big FROM uq WHERE NOT «s»", "must be BOOLEAN", ""),
        ("INSERT INTO one SELECT big FROM uq WHERE b AND «n»", "must be BOOLEAN", ""),
        (
            "INSERT INTO one SELECT «CASE WHEN b THEN n ELSE s END» FROM uq",
            "no type in common they are INT, STRING",
            "",
        ),
        ("INSERT INTO one SELECT CAST(n AS «NOSUCHTYPE») FROM uq", "`NOSUCHTYPE` is not a data type", ""),
        ("INSERT INTO one SELECT CAST(n AS «BIGIN») FROM uq", "not a data type", "did you mean `BIGINT`"),
        (
            "INSERT INTO one SELECT «CAST(b AS TIMESTAMP)» FROM uq",
            "BOOLEAN cannot be cast to TIMESTAMP(6)",
            "",
        ),
        ("INSERT INTO one SELECT «`user`» FROM uq", "the value is ROW<`id` INT, `kind` STRING>", "CAST"),
        ("INSERT INTO text_out SELECT «UPPER(tags)» FROM uq", "cannot be applied to ARRAY<STRING>", "<text>"),
    ]);
}

#[test]
fn windows_that_are_none() {
    let window = |args: &str| -> &'static str {
        format!("INSERT INTO one SELECT COUNT(*) FROM TABLE({args}) GROUP BY window_start, window_end").leak()
    };

    check(&[
        (
            window("TUMBLE(TABLE uq, DESCRIPTOR(«s»), INTERVAL '1' HOUR)"),
            "needs a TIMESTAMP or TIMESTAMP_LTZ, `s` is STRING",
            "`ts`",
        ),
        (window("TUMBLE(TABLE uq, DESCRIPTOR(«ltz»), INTERVAL '1' HOUR)"), "not an event time", "`ts`"),
        (
            window("TUMBLE(TABLE no_time, DESCRIPTOR(«t»), INTERVAL '1' HOUR)"),
            "not an event time",
            "WATERMARK FOR t",
        ),
        (
            window("TUMBLE(TABLE uq, DESCRIPTOR(ts), «INTERVAL '0' SECOND»)"),
            "must be positive, but is 0 s",
            "",
        ),
        (
            "INSERT INTO one SELECT COUNT(*) FROM «TABLE(TUMBLE(TABLE uq, DESCRIPTOR(ts)))» GROUP BY window_start, window_end",
            "needs a length",
            "TUMBLE(TABLE t",
        ),
        (
            window("HOP(TABLE uq, DESCRIPTOR(ts), «INTERVAL '7' SECOND», INTERVAL '20' SECOND)"),
            "not a whole multiple of 7 s",
            "slide, size",
        ),
        (
            window("CUMULATE(TABLE uq, DESCRIPTOR(ts), «INTERVAL '7' SECOND», INTERVAL '20' SECOND)"),
            "not a whole multiple",
            "step, size",
        ),
        (
            window("TUMBLE(TABLE uq, DESCRIPTOR(ts), INTERVAL '1' HOUR, «INTERVAL '1' HOUR»)"),
            "offset 1 h is not smaller",
            "",
        ),
        (window("TUMBLE(TABLE uq, DESCRIPTOR(ts), «n»)"), "literals", "INTERVAL '1' MINUTE"),
        (window("TUMBLE(TABLE uq, DESCRIPTOR(ts), «INTERVAL '1' MONTH»)"), "months", "days"),
        (window("TUMBLE(«n», DESCRIPTOR(ts), INTERVAL '1' HOUR)"), "first argument of TUMBLE is a table", ""),
        (
            window("TUMBLE(TABLE uq, DESCRIPTOR(ts), INTERVAL '1' HOUR, INTERVAL '1' MINUTE, «n»)"),
            "does not take 5 arguments",
            "",
        ),
        (window("TUMBLE(TABLE uq, DESCRIPTOR(ts), «SIZ => INTERVAL '1' HOUR»)"), "SIZ", ""),
    ]);
}

#[test]
fn groups_that_are_none() {
    let grouped = |items: &str, rest: &str| -> &'static str {
        format!("INSERT INTO one SELECT {items} FROM TABLE(TUMBLE(TABLE uq, DESCRIPTOR(ts), INTERVAL '1' HOUR)) {rest}").leak()
    };

    let both = "GROUP BY window_start, window_end";
    check(&[
        (grouped("«big»", &format!("{both}, n")), "`big` is not grouped", "GROUP BY"),
        (grouped("SUM(big) + «big»", both), "`big` is not grouped", ""),
        (grouped("SUM(«MAX(big)»)", both), "MAX is not allowed inside another aggregate", ""),
        (
            grouped(
                "COUNT(*)",
                &format!("WHERE «COUNT(*) > 1» {both}").replace("«COUNT(*) > 1»", "«COUNT(*)» > 1"),
            ),
            "COUNT is not allowed in WHERE",
            "",
        ),
        (grouped("COUNT(*)", &format!("{both}, «1»")), "not a column's number", ""),
        (grouped("PERCENTILE(d, «1.5»)", both), "literal from 0 to 1", ""),
        (grouped("PERCENTILE(d, «d»)", both), "literal from 0 to 1", ""),
        (grouped("«PERCENTILE(d, ARRAY[0.5, 0.9])»", both), "the value is ARRAY<DOUBLE>", ""),
        (grouped("SUM(«s»)", both), "SUM takes a number this is STRING", ""),
        (grouped("«SUM(*)»", both), "SUM(*) does not exist", "COUNT"),
        (grouped("«APPROX_COUNT_DISTINCT»(d)", both), "not supported", "COUNT(DISTINCT"),
    ]);
}

#[test]
fn clauses_that_are_not_there() {
    check(&[
        ("INSERT INTO one VALUES (1), («2, 3»)", "2 values, but the first row has 1", ""),
        ("INSERT INTO one SELECT a FROM (VALUES («1»), ('x')) AS t (a)", "no type in common", "CAST"),
        ("INSERT INTO one SELECT a FROM (VALUES («NULL»)) AS t (a)", "has no type", "CAST(NULL AS STRING)"),
        ("INSERT INTO one VALUES («UNIX_TIMESTAMP()»)", "only contain constants", "constants"),
        ("INSERT INTO one SELECT * FROM «VALUES» (1)", "in parentheses", "AS t (a)"),
        ("INSERT «OVERWRITE» one SELECT big FROM uq", "OVERWRITE", ""),
        ("«SELECT» big FROM uq", "SELECT is not supported as a statement", "INSERT INTO"),
        ("«DROP» TABLE one", "DROP is not supported", ""),
        ("«RESET» 'pipeline.name'", "RESET is not supported", ""),
        ("CREATE «FUNCTION» f AS 'x'", "CREATE FUNCTION", ""),
    ]);
}

#[test]
fn words_in_the_wrong_place() {
    check(&[
        ("INSERT INTO one SELECT «FROM» uq", "expected an expression, found `FROM`", ""),
        ("«SELEC» 1", "does not begin a statement", "did you mean `SELECT`"),
        ("INSERT INTO one «SELEC» big FROM uq", "expected `SELECT`", "did you mean `SELECT`"),
        (
            "INSERT INTO one SELECT big «year» FROM uq".replace("«year»", "AS «year»").leak(),
            "`year` is a reserved word",
            "`year`",
        ),
        ("INSERT INTO one SELECT «user».id FROM uq", "`user` is a reserved word", "`user`"),
        ("INSERT INTO one SELECT big FROM uq WHERE s = «\"x\"»", "expected an expression", "single quotes"),
        ("INSERT INTO one SELECT (n + 1 «FROM» uq", "expected `)`", ""),
        ("«EXECUTE STATEMENT SET BEGIN END»;", "the statement set is empty", "INSERT"),
        (
            "INSERT INTO one SELECT big FROM uq WHERE ts > TIMESTAMP «'2025-02-29 00:00:00'»",
            "not a TIMESTAMP",
            "TIMESTAMP '",
        ),
        (
            "INSERT INTO one SELECT big FROM uq WHERE ts > ts + INTERVAL «'5 SECONDS'» SECOND",
            "not the length",
            "INTERVAL '5' SECOND",
        ),
        (
            "INSERT INTO one SELECT big FROM uq WHERE ts > ts + INTERVAL '5' «SECONDS»",
            "a unit of time",
            "SECOND",
        ),
        (
            "INSERT INTO one SELECT big FROM uq WHERE ts > ts + INTERVAL «5» SECOND",
            "in quotes",
            "INTERVAL '5' SECOND",
        ),
        ("INSERT INTO one SELECT n«::»BIGINT FROM uq", "`::`", "CAST"),
    ]);
}

#[test]
fn settings_that_mean_nothing() {
    check(&[
        ("SET «'weir.early-fir'» = '1 s'", "no setting `weir.early-fir`", "did you mean `weir.early-fire`"),
        ("SET 'weir.early-fire' = «'soon'»", "not a duration", "'5 s'"),
        ("SET 'parallelism.default' = «'x'»", "not a parallelism", ""),
        ("SET 'table.local-time-zone' = «'Asia/Nowhere'»", "no time zone", "Asia/Ho_Chi_Minh"),
        ("SET 'execution.runtime-mode' = «'batch'»", "streaming", ""),
        (
            "SET 'x' = '${«NOPE»}'".replace("'${«NOPE»}'", "'«${NOPE}»'").leak(),
            "`NOPE` is not set",
            "${NOPE:default}",
        ),
    ]);
}

#[test]
fn several_mistakes_are_found_at_once() {
    let script = format!(
        "{PRELUDE}
         INSERT INTO one SELECT nope FROM uq;
         INSERT INTO one SELECT big FORM uq;
         EXECUTE STATEMENT SET BEGIN
           INSERT INTO one SELECT big, FROM uq;
           INSERT INTO out1 SELECT n, d FROM uq WHERE nope = 1;
           INSERT INTO one SELECT big FROM uq;
         END;"
    );
    let found = findings(&script);
    assert_eq!(found.len(), 6, "{}", sql::error::render(&found, &script, "case.sql", false));
}

#[test]
fn a_broken_view_is_reported_once() {
    let script = format!(
        "{PRELUDE}
         CREATE VIEW v AS SELECT nope AS a FROM uq;
         INSERT INTO one SELECT a FROM v;
         INSERT INTO one SELECT a FROM v WHERE a > 1;"
    );
    assert_eq!(findings(&script).len(), 1);
}
