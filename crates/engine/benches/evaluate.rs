//! Measures the expressions of the built-in analytics: nanoseconds of CPU time per row.
//!
//! `cargo bench -p engine --bench evaluate [-- ROWS…]`, where ROWS are the sizes of batches.

mod cpu_time;

use std::hint::black_box;

use engine::column::{Coded, Column};
use engine::evaluate::{Evaluator, Inputs};
use sql::expr::ExprId;
use sql::functions::Env;
use sql::plan::{Pipeline, Plan};
use types::Scalar;

use self::cpu_time::thread_cpu_ns;

const RUNS: usize = 7;
const ROWS: usize = 1 << 16;
const BATCHES: [usize; 4] = [4096, 1000, 32, 1];

/// The texts that may follow the seconds of an event's time.
const FORMS: [(&str, &[&str]); 5] = [
    ("micros, no zone", &[".123456"]),
    ("no fraction", &[""]),
    ("millis, Z", &[".123Z"]),
    ("micros, +07:00", &[".123456+07:00"]),
    ("all four mixed", &[".123456", "", ".123Z", ".123456+07:00"]),
];

/// The pattern of the built-in job, which the planner shortens, and a pattern that it does not know.
const PATTERNS: [(&str, &str); 2] = [
    ("event time, shortened", r"(Z|[+-]\d\d:\d\d)$"),
    ("event time, by regular expressions", r"(Z|[+\-]\d\d:\d\d)$"),
];

fn main() {
    for (title, pattern) in PATTERNS {
        report(title, "");
        let plan = compile(&event_time(pattern));
        let pipeline = &plan.pipelines[0];
        let time = pipeline.rowtime.as_ref().expect("the table has a watermark").time;
        for (form, ends) in FORMS {
            let columns = times(pipeline, ends);
            measure(form, &plan, &[time], &columns);
        }
    }

    report("others", "");
    let plan = compile(OTHERS);
    let pipeline = &plan.pipelines[0];
    for query in &pipeline.queries {
        let sql::plan::Shape::Rows { columns: exprs } = &query.shape else { continue };
        measure(&query.name, &plan, exprs, &texts(pipeline));
    }

    report("bids, texts plain", "");
    let plan = compile(BIDS);
    let pipeline = &plan.pipelines[0];
    for query in &pipeline.queries {
        let sql::plan::Shape::Rows { columns: exprs } = &query.shape else { continue };
        measure(&query.name, &plan, exprs, &bids(pipeline));
    }
}

fn compile(script: &str) -> Plan {
    sql::compile(script, &|_| None).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn event_time(pattern: &str) -> String {
    format!(
        "CREATE TABLE events (
           `timestamp` STRING,
           ts STRING,
           event_time AS CASE
             WHEN CHAR_LENGTH(COALESCE(`timestamp`, ts)) > 19 AND (RIGHT(COALESCE(`timestamp`, ts), 1) = 'Z'
                  OR SUBSTRING(COALESCE(`timestamp`, ts), CHAR_LENGTH(COALESCE(`timestamp`, ts)) - 5, 1) IN ('+', '-'))
             THEN TO_TIMESTAMP_LTZ(
                    CAST(TRY_CAST(REPLACE(REGEXP_REPLACE(COALESCE(`timestamp`, ts), '{pattern}', ''), 'T', ' ')
                         AS TIMESTAMP(3)) AS STRING),
                    'yyyy-MM-dd HH:mm:ss[.SSS]',
                    REGEXP_EXTRACT(COALESCE(`timestamp`, ts), '{pattern}', 1))
             ELSE TRY_CAST(REPLACE(COALESCE(`timestamp`, ts), 'T', ' ') AS TIMESTAMP_LTZ(3))
           END,
           WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
         ) WITH ('connector' = 'any');
         CREATE TABLE results (n BIGINT) WITH ('connector' = 'any');
         INSERT INTO results SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
         GROUP BY window_start, window_end;"
    )
}

const OTHERS: &str = "
    CREATE TABLE events (kind STRING, body STRING, years INT, contexts INT, millis DOUBLE) WITH ('connector' = 'any');
    CREATE TABLE one_code (a STRING) WITH ('connector' = 'any');
    CREATE TABLE membership (a BOOLEAN) WITH ('connector' = 'any');
    CREATE TABLE null_test (a BOOLEAN) WITH ('connector' = 'any');
    CREATE TABLE null_tests_and (a BOOLEAN) WITH ('connector' = 'any');
    CREATE TABLE int_to_double (a DOUBLE) WITH ('connector' = 'any');
    CREATE TABLE int_sum (a INT) WITH ('connector' = 'any');
    CREATE TABLE int_case (a INT) WITH ('connector' = 'any');
    CREATE TABLE double_compare (a BOOLEAN) WITH ('connector' = 'any');
    EXECUTE STATEMENT SET BEGIN
    INSERT INTO one_code SELECT LOWER(TRIM(body)) FROM events;
    INSERT INTO membership SELECT kind IN ('Sinh viên', 'Học sinh') FROM events;
    INSERT INTO null_test SELECT years IS NOT NULL FROM events;
    INSERT INTO null_tests_and SELECT years IS NOT NULL AND kind IS NOT NULL FROM events;
    INSERT INTO int_to_double SELECT CAST(contexts AS DOUBLE) FROM events;
    INSERT INTO int_sum SELECT contexts + years FROM events;
    INSERT INTO int_case SELECT CASE WHEN years > 2 THEN contexts ELSE 0 END FROM events;
    INSERT INTO double_compare SELECT millis > 100 FROM events;
    END;";

/// The expressions of Nexmark's queries over bids.
const BIDS: &str = "
    CREATE TABLE bids (price BIGINT, channel STRING, url STRING, made TIMESTAMP(3), extra STRING) WITH ('connector' = 'any');
    CREATE TABLE split_index (a STRING, b STRING, c STRING) WITH ('connector' = 'any');
    CREATE TABLE regexp_extract (a STRING) WITH ('connector' = 'any');
    CREATE TABLE lower_case (a STRING) WITH ('connector' = 'any');
    CREATE TABLE count_of_letters (a INT) WITH ('connector' = 'any');
    CREATE TABLE like_contains (a BOOLEAN) WITH ('connector' = 'any');
    CREATE TABLE decimal_product (a DECIMAL(23, 3)) WITH ('connector' = 'any');
    CREATE TABLE decimal_range (a BOOLEAN) WITH ('connector' = 'any');
    CREATE TABLE hour_of (a BIGINT) WITH ('connector' = 'any');
    CREATE TABLE day_text (a STRING) WITH ('connector' = 'any');
    CREATE TABLE remainder (a INT) WITH ('connector' = 'any');
    CREATE TABLE joined (a STRING) WITH ('connector' = 'any');
    EXECUTE STATEMENT SET BEGIN
    INSERT INTO split_index SELECT SPLIT_INDEX(url, '/', 3), SPLIT_INDEX(url, '/', 4), SPLIT_INDEX(url, '/', 5) FROM bids;
    INSERT INTO regexp_extract SELECT REGEXP_EXTRACT(url, '(&|^)channel_id=([^&]*)', 2) FROM bids;
    INSERT INTO lower_case SELECT LOWER(channel) FROM bids;
    INSERT INTO count_of_letters SELECT CHAR_LENGTH(extra) - CHAR_LENGTH(REPLACE(extra, 'c', '')) FROM bids;
    INSERT INTO like_contains SELECT extra LIKE '%item%' FROM bids;
    INSERT INTO decimal_product SELECT 0.908 * price FROM bids;
    INSERT INTO decimal_range SELECT 0.908 * price > 1000000 AND 0.908 * price < 50000000 FROM bids;
    INSERT INTO hour_of SELECT HOUR(made) FROM bids;
    INSERT INTO day_text SELECT DATE_FORMAT(made, 'yyyy-MM-dd') FROM bids;
    INSERT INTO remainder SELECT MOD(price, 123) FROM bids;
    INSERT INTO joined SELECT channel || '-' || extra FROM bids;
    END;";

/// Generates bids a millisecond apart; all texts are unique.
fn bids(pipeline: &Pipeline) -> impl Fn(usize) -> Vec<Column> {
    let leaves = pipeline.source.leaves.clone();
    move |rows| {
        let column = |leaf: &sql::plan::Leaf| {
            let mut column = Column::new(leaf.column_type.data_type.repr().expect("scalar"));
            column.reset(rows);
            for row in 0..rows {
                let n = row.wrapping_mul(0x9e37_79b9) >> 5;
                let id = if row % 2 == 0 { String::new() } else { format!("&channel_id={n}") };
                let text = match leaf.path[0].as_str() {
                    "channel" => format!("Channel-{n}"),
                    "url" => format!(
                        "https://www.nexmark.com/{:05x}/{:05x}/abcde/item.htm?query=1{id}",
                        n % 999_983,
                        n % 99_991
                    ),
                    _ => format!("{n:015}ztbkxmrnmlawnfcmfygesstdpxsczofseoevfdiiytctg"),
                };

                let value = match leaf.path[0].as_str() {
                    "price" => Scalar::Int((100 + n % 100_000_000) as i64),
                    "made" => Scalar::Int(1_765_267_200_000 + row as i64),
                    _ => Scalar::Text(&text),
                };
                column.set(row, value);
            }
            column
        };
        leaves.iter().map(column).collect()
    }
}

/// Generates columns with the times in all rows, a new minute every 500 rows.
fn times(pipeline: &Pipeline, ends: &[&str]) -> impl Fn(usize) -> Vec<Column> {
    let leaves = pipeline.source.leaves.clone();
    move |rows| {
        let mut columns: Vec<Column> =
            leaves.iter().map(|leaf| Column::new(leaf.column_type.data_type.repr().expect("text"))).collect();
        for (column, leaf) in columns.iter_mut().zip(&leaves) {
            column.reset(rows);
            if leaf.path != ["timestamp"] {
                continue;
            }
            for row in 0..rows {
                let (minute, second) = (row / 500 % 60, row * 60 / 500 % 60);
                let end = ends[row.wrapping_mul(0x9e37_79b9) >> 7 & 0xff & (ends.len() - 1)];
                column.set(row, Scalar::Text(&format!("2025-12-09T11:{minute:02}:{second:02}{end}")));
            }
        }
        columns
    }
}

/// Generates columns of few distinct values, one row in eight null; texts as codes.
fn texts(pipeline: &Pipeline) -> impl Fn(usize) -> Vec<Column> {
    let leaves = pipeline.source.leaves.clone();
    move |rows| {
        let column = |leaf: &sql::plan::Leaf| {
            let repr = leaf.column_type.data_type.repr().expect("scalar");
            let mut column = match repr {
                types::Repr::Text => Column::Coded(Coded::default()),
                repr => Column::new(repr),
            };
            column.reset(rows);

            for row in 0..rows {
                let value = row.wrapping_mul(0x9e37_79b9) >> 9;
                let text = format!(" Câu hỏi {} ", value % 200);
                column.set(
                    row,
                    match repr {
                        _ if value.is_multiple_of(8) => Scalar::Null,
                        types::Repr::Text => Scalar::Text(&text),
                        types::Repr::Double => Scalar::Double((value % 1000) as f64),
                        _ => Scalar::Int((value % 7) as i64),
                    },
                );
            }
            column
        };
        leaves.iter().map(column).collect()
    }
}

/// Returns the sizes on the command line, or all.
fn batches() -> Vec<usize> {
    let asked: Vec<usize> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    if asked.is_empty() { BATCHES.to_vec() } else { asked }
}

/// Evaluates some expressions over all rows, in batches of several sizes.
fn measure(what: &str, plan: &Plan, exprs: &[ExprId], columns: &impl Fn(usize) -> Vec<Column>) {
    let mut figures = String::new();
    for rows in batches() {
        let pipeline = &plan.pipelines[0];
        let mut evaluator =
            Evaluator::new(&pipeline.exprs, exprs, &plan.settings.time_zone).expect("the plan is valid");
        let columns = columns(rows);
        let env = Env { now_ms: 0 };
        let mut runs: Vec<f64> = (0..RUNS)
            .map(|_| {
                let start = thread_cpu_ns();
                for _ in 0..ROWS / rows {
                    let inputs = Inputs::Columns(black_box(&columns));
                    evaluator.evaluate(inputs, rows, None, &env).expect("nothing fails");
                    black_box(evaluator.column(inputs, exprs[0]));
                }
                (thread_cpu_ns() - start) as f64 / (ROWS / rows * rows) as f64
            })
            .collect();
        runs.sort_by(f64::total_cmp);
        figures += &format!("  {rows}: {:.1} ({:.1})", runs[RUNS / 2], runs[0]);
    }

    report(&format!("  {what}"), &figures);
}

#[expect(clippy::print_stdout, reason = "a benchmark reports to people")]
fn report(what: &str, figures: &str) {
    println!("{what:36} {figures}");
}
