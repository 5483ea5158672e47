//! Once it has seen its largest batch, the evaluator allocates nothing more.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use engine::column::{Coded, Column};
use engine::evaluate::{Evaluator, Inputs};
use sql::functions::Env;
use types::{Repr, Scalar};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SCRIPT: &str = r"
    CREATE TABLE events (
      made STRING, kind STRING, body STRING, years INT, millis DOUBLE,
      event_time AS CASE
        WHEN CHAR_LENGTH(made) > 19 AND (RIGHT(made, 1) = 'Z' OR SUBSTRING(made, CHAR_LENGTH(made) - 5, 1) IN ('+', '-'))
        THEN TO_TIMESTAMP_LTZ(
          CAST(TRY_CAST(REPLACE(REGEXP_REPLACE(made, '(Z|[+-]\d\d:\d\d)$', ''), 'T', ' ') AS TIMESTAMP(3)) AS STRING),
          'yyyy-MM-dd HH:mm:ss[.SSS]', REGEXP_EXTRACT(made, '(Z|[+-]\d\d:\d\d)$', 1))
        ELSE TRY_CAST(REPLACE(made, 'T', ' ') AS TIMESTAMP_LTZ(3)) END
    ) WITH ('connector' = 'any');
    CREATE TABLE results (t TIMESTAMP_LTZ(3), a STRING, b BOOLEAN, c INT, d DOUBLE) WITH ('connector' = 'any');
    INSERT INTO results
    SELECT event_time, LOWER(TRIM(body)), kind IN ('a', 'b') AND years > 2, COALESCE(years, 0) + 1, millis * 2
    FROM events WHERE event_time IS NOT NULL AND kind IS NOT NULL;";

fn fill(columns: &mut [Column], rows: usize, seed: usize) {
    let ends = ["", ".123456", ".5Z", "+07:00"];
    for column in columns.iter_mut() {
        column.reset(rows);
    }
    for row in 0..rows {
        let n = row * 7 + seed;
        let made = format!("2025-12-09T11:30:{:02}{}", n % 60, ends[n % 4]);
        let (kind, body) = (["a", "b", "c"][n % 3], format!(" Body {} ", n % 50));
        let values = [
            Scalar::Text(&made),
            if n.is_multiple_of(11) { Scalar::Null } else { Scalar::Text(kind) },
            Scalar::Text(&body),
            if n.is_multiple_of(5) { Scalar::Null } else { Scalar::Int((n % 6) as i64) },
            Scalar::Double(n as f64),
        ];
        for (column, value) in columns.iter_mut().zip(values) {
            column.set(row, value);
        }
    }
}

#[test]
fn batches_need_no_allocation_once_buffers_have_grown() {
    let plan = sql::compile(SCRIPT, &|_| None).expect("the script is valid");
    let pipeline = &plan.pipelines[0];
    let sql::plan::Shape::Rows { columns: exprs } = &pipeline.queries[0].shape else {
        panic!("a query without windows")
    };
    let conditions = [&pipeline.common_filter[..], &pipeline.queries[0].filter].concat();
    let roots = [&conditions[..], exprs].concat();
    let mut evaluator = Evaluator::new(&pipeline.exprs, &roots, &plan.settings.time_zone).unwrap();
    let order = ["made", "kind", "body", "years", "millis"];
    let mut columns: Vec<Column> = order
        .iter()
        .map(|name| match *name {
            "kind" | "body" => Column::Coded(Coded::default()),
            "years" => Column::new(Repr::Int),
            "millis" => Column::new(Repr::Double),
            _ => Column::new(Repr::Text),
        })
        .collect();
    let leaves: Vec<&str> = pipeline.source.leaves.iter().map(|leaf| leaf.path[0].as_str()).collect();
    assert_eq!(leaves, order);

    let (mut passed, mut seen) = (Vec::new(), 0);
    let sizes = [1000, 1000, 1000, 7, 1000, 1000, 7, 1000, 1, 500, 1000];
    for (batch, rows) in sizes.into_iter().enumerate() {
        fill(&mut columns, rows, batch);
        let inputs = Inputs::Columns(&columns);
        let before = ALLOCATIONS.get();
        evaluator.begin(rows, &Env { now_ms: 0 });
        evaluator.filter(inputs, &conditions, None, &mut passed).unwrap();
        evaluator.compute(inputs, exprs, Some(&passed)).unwrap();
        if batch >= 6 {
            assert_eq!(ALLOCATIONS.get() - before, 0, "batch {batch} of {rows} rows");
        }
        seen += passed.len();
    }
    assert!(seen > 2000, "most rows pass: {seen}");
}
