//! Top-N in windows: the rows emitted when the windows close.

use sql::functions::zone::zone;
use sql::plan::operator::{Changes as Mode, Distribution, Field};
use types::{DataType, Value};

use super::*;
use crate::operator::harness::{Event, Harness, Row, insert, row, watermark};

/// Builds a ranking of rows `[k, window_start, window_end, n, id]`.
fn spec(from: u64, to: u64, with_number: bool) -> WindowRank {
    WindowRank {
        start: 1,
        end: 2,
        is_instant: false,
        partition: vec![1, 2, 0],
        order: vec![SortKey { field: 3, descending: true, nulls_first: false }],
        from,
        to,
        with_number,
    }
}

fn with<T>(spec: &WindowRank, time_zone: &TimeZone, run: impl FnOnce(&Harness<'_>) -> T) -> T {
    let field =
        |name: &str, data_type: DataType| Field { name: name.into(), column_type: data_type.nullable() };
    let fields = vec![
        field("k", DataType::STRING),
        field("window_start", DataType::Timestamp(3)),
        field("window_end", DataType::Timestamp(3)),
        field("n", DataType::BigInt),
        field("id", DataType::BigInt),
    ];
    let distribution = Distribution::Hash(spec.partition.clone());
    let inputs = vec![Input { fields, distribution, changes: Mode::Append }];
    let build = || {
        let operator = WindowRankOperator::new("rank".into(), spec, &inputs, time_zone);
        Box::new(operator.unwrap()) as Box<dyn Operator>
    };
    let reprs = vec![Repr::Text, Repr::Int, Repr::Int, Repr::Int, Repr::Int];
    run(&Harness::new(&build, vec![reprs]).keyed(vec![spec.partition.clone()]))
}

fn values(key: &str, end: i64, n: i64, id: i64) -> Vec<Value> {
    vec![Value::Text(key.into()), Value::Int(end - 10), Value::Int(end), Value::Int(n), Value::Int(id)]
}

fn event(key: &str, end: i64, n: i64, id: i64) -> Event {
    insert(0, values(key, end, n, id))
}

fn given(key: &str, end: i64, n: i64, id: i64, number: Option<i64>) -> Row {
    let mut values = values(key, end, n, id);
    values.extend(number.map(Value::Int));
    row("+I", values)
}

#[test]
fn the_first_rows_of_a_window_come_when_it_closes() {
    let events = [
        event("a", 20, 9, 0),
        event("a", 10, 5, 1),
        event("a", 10, 6, 2),
        // A row comes after equal ones.
        event("a", 10, 5, 3),
        event("b", 10, 1, 4),
        watermark(0, 8),
        event("a", 10, 7, 5),
        watermark(0, 9),
        // Late, also for a partition that has no rows.
        event("a", 10, 8, 6),
        event("c", 10, 8, 7),
        event("a", 20, 10, 8),
    ];
    let expected = [
        given("a", 10, 7, 5, None),
        given("a", 10, 6, 2, None),
        given("b", 10, 1, 4, None),
        given("a", 20, 10, 8, None),
        given("a", 20, 9, 0, None),
    ];
    let top = spec(1, 2, false);
    with(&top, &TimeZone::UTC, |harness| harness.gives(&events, &expected));

    let expected =
        [given("a", 10, 6, 2, Some(2)), given("a", 10, 5, 1, Some(3)), given("a", 20, 9, 0, Some(2))];
    let second_and_third = spec(2, 3, true);
    with(&second_and_third, &TimeZone::UTC, |harness| harness.gives(&events, &expected));
}

#[test]
fn late_rows_are_counted() {
    let mut operator = operator(&spec(1, 1, false), &TimeZone::UTC);
    take(&mut operator, &[("a", 10, 8), ("a", 10, 9), ("b", 10, 10), ("b", 20, 18)]);
    assert_eq!((operator.take_late(), operator.take_late()), (2, 0));
}

#[test]
fn the_end_is_on_the_wall_clock_where_the_watermark_is_an_instant() {
    const HOUR: i64 = 3_600_000;
    let spec = WindowRank { is_instant: true, ..spec(1, 1, false) };

    // Seven o'clock in the session's zone is midnight in UTC.
    let mut operator = operator(&spec, &zone("+07:00").unwrap());
    take(&mut operator, &[("a", 7 * HOUR, -2), ("a", 7 * HOUR, -1)]);
    assert_eq!(operator.take_late(), 1);
    assert_eq!(operator.timers.next(), Some(-1));
}

fn operator(spec: &WindowRank, time_zone: &TimeZone) -> WindowRankOperator {
    let fields = ["k", "window_start", "window_end", "n", "id"]
        .map(|name| Field { name: name.into(), column_type: DataType::BigInt.nullable() });
    let input = Input { fields: fields.to_vec(), distribution: Distribution::Single, changes: Mode::Append };
    WindowRankOperator::new("rank".into(), spec, &[input], time_zone).unwrap()
}

/// Processes rows given by key, end and watermark.
fn take(operator: &mut WindowRankOperator, rows: &[(&str, i64, i64)]) {
    let mut buffer = ChangeBuffer::new(&[Repr::Text, Repr::Int, Repr::Int, Repr::Int, Repr::Int]);
    for &(key, end, watermark) in rows {
        let values = values(key, end, 0, 0);
        buffer.push(RowKind::Insert, watermark, values.iter().map(Value::as_scalar));
    }
    buffer.lend(|rows| rows.places().for_each(|row| operator.take(rows, row, 0)));
}

#[test]
fn a_partition_without_the_window_is_refused() {
    let spec = WindowRank { partition: vec![0, 1], ..spec(1, 1, false) };
    assert!(WindowRankOperator::new("rank".into(), &spec, &[], &TimeZone::UTC).is_err());
}
