//! Top-N over changes: rows that come and go, with and without numbers.

mod model;

use sql::plan::operator::{Distribution, Field};
use types::{DataType, Value};

use super::*;
use crate::operator::harness::{Event, Harness, Row, change, insert, row, standing};

/// A Top-N query. Rows are `[k STRING, n BIGINT, id BIGINT]`.
#[derive(Clone)]
struct Case {
    spec: Rank,
    changes: Mode,
    ttl: Option<Interval>,
    updates: Updates,
}

fn top(from: u64, to: u64) -> Case {
    let order = vec![SortKey { field: 1, descending: false, nulls_first: true }];
    let to = RankEnd::Constant(to);
    let spec = Rank { partition: vec![0], order, from, to, with_number: false, emits_before: true };
    Case { spec, changes: Mode::Append, ttl: None, updates: Updates::PerBatch }
}

impl Case {
    fn numbered(mut self) -> Case {
        self.spec.with_number = true;
        self
    }

    fn over(self, changes: Mode) -> Case {
        Case { changes, ..self }
    }

    fn with<T>(&self, run: impl FnOnce(&Harness<'_>) -> T) -> T {
        let field =
            |name: &str, data_type: DataType| Field { name: name.into(), column_type: data_type.nullable() };
        let fields =
            vec![field("k", DataType::STRING), field("n", DataType::BigInt), field("id", DataType::BigInt)];
        let input =
            Input { fields, distribution: Distribution::Hash(vec![0]), changes: self.changes.clone() };
        let inputs = vec![input];
        let build = || {
            let operator = RankOperator::new("rank".into(), &self.spec, &inputs, self.ttl, self.updates);
            Box::new(operator.unwrap()) as Box<dyn Operator>
        };
        run(&Harness::new(&build, vec![vec![Repr::Text, Repr::Int, Repr::Int]]).keyed(vec![vec![0]]))
    }

    fn by_row(&self) -> Case {
        Case { updates: Updates::PerRow, ..self.clone() }
    }

    /// Asserts these changes row by row, and equivalent changes by batch.
    fn gives(&self, events: &[Event], expected: &[Row]) {
        self.by_row().with(|harness| harness.gives(events, expected));
        self.with(|harness| harness.ends_with(events, &standing(expected)));
    }

    /// Returns the changes row by row.
    fn run(&self, events: &[Event]) -> Vec<Row> {
        self.by_row().with(|harness| harness.run(events, 10, 1, None)).unwrap()
    }
}

fn values(key: &str, n: i64, id: i64) -> Vec<Value> {
    vec![Value::Text(key.into()), Value::Int(n), Value::Int(id)]
}

fn event(key: &str, n: i64, id: i64) -> Event {
    insert(0, values(key, n, id))
}

fn changed(code: &str, key: &str, n: i64, id: i64) -> Event {
    change(0, code, values(key, n, id))
}

fn given(code: &str, key: &str, n: i64, id: i64) -> Row {
    row(code, values(key, n, id))
}

fn numbered(code: &str, key: &str, n: i64, id: i64, number: i64) -> Row {
    let mut values = values(key, n, id);
    values.push(Value::Int(number));
    row(code, values)
}

#[test]
fn without_numbers_a_row_comes_in_and_one_goes_out() {
    let events = [
        event("a", 5, 1),
        event("b", 1, 2),
        event("a", 5, 3),
        // A row comes after equal ones.
        event("a", 5, 4),
        event("a", 4, 5),
        event("a", 9, 6),
        event("a", 1, 7),
    ];

    let expected = [
        given("+I", "a", 5, 1),
        given("+I", "b", 1, 2),
        given("+I", "a", 5, 3),
        given("-D", "a", 5, 3),
        given("+I", "a", 4, 5),
        given("-D", "a", 5, 1),
        given("+I", "a", 1, 7),
    ];
    top(1, 2).gives(&events, &expected);
}

#[test]
fn over_new_rows_a_first_row_is_updated() {
    let events = [event("a", 5, 1), event("a", 5, 2), event("a", 3, 3)];
    let expected = [given("+I", "a", 5, 1), given("-U", "a", 5, 1), given("+U", "a", 3, 3)];
    top(1, 1).gives(&events, &expected);

    // Over changes it is two rows, and so is a second row.
    let expected = [given("+I", "a", 5, 1), given("-D", "a", 5, 1), given("+I", "a", 3, 3)];
    top(1, 1).over(Mode::Retract).gives(&events, &expected);
    let expected = [given("+I", "a", 5, 2), given("-D", "a", 5, 2), given("+I", "a", 5, 1)];
    top(2, 2).gives(&events, &expected);

    let mut case = top(1, 1);
    case.spec.emits_before = false;
    assert_eq!(case.run(&events), [given("+I", "a", 5, 1), given("+U", "a", 3, 3)]);
}

#[test]
fn with_numbers_every_shift_is_given() {
    let events = [event("a", 5, 1), event("a", 3, 2), event("a", 4, 3), event("a", 1, 4), event("a", 7, 5)];
    let expected = [
        numbered("+I", "a", 5, 1, 1),
        numbered("-U", "a", 5, 1, 1),
        numbered("+U", "a", 3, 2, 1),
        numbered("+I", "a", 5, 1, 2),
        numbered("-U", "a", 5, 1, 2),
        numbered("+U", "a", 4, 3, 2),
        numbered("+I", "a", 5, 1, 3),
        numbered("-U", "a", 3, 2, 1),
        numbered("+U", "a", 1, 4, 1),
        numbered("-U", "a", 4, 3, 2),
        numbered("+U", "a", 3, 2, 2),
        numbered("-U", "a", 5, 1, 3),
        numbered("+U", "a", 4, 3, 3),
    ];
    top(1, 3).numbered().gives(&events, &expected);
}

#[test]
fn a_batch_gives_one_change_of_each_partition() {
    let first = [event("a", 5, 1), event("b", 5, 2), event("a", 7, 3), event("c", 1, 4)];
    let second = [
        event("a", 4, 5),
        event("b", 6, 6),
        event("a", 6, 7),
        event("a", 3, 8),
        event("d", 1, 9),
        event("c", 2, 10),
        event("a", 9, 11),
    ];
    // The clock ends a batch.
    let events = [&first[..], &[Event::Clock(1)], &second].concat();
    let second_changes = |case: Case| {
        let given = case.with(|harness| harness.run(&events, 1_000, 1, None)).unwrap();
        case.with(|harness| harness.ends_with(&events, &standing(&given)));
        given[given.iter().position(|row| row.values[2] == Value::Int(4)).unwrap() + 1..].to_vec()
    };

    assert_eq!(
        second_changes(top(1, 2)),
        [
            given("-D", "a", 5, 1),
            given("-D", "a", 7, 3),
            given("+I", "a", 3, 8),
            given("+I", "a", 4, 5),
            given("+I", "b", 6, 6),
            given("+I", "d", 1, 9),
            given("+I", "c", 2, 10),
        ]
    );
    assert_eq!(
        second_changes(top(1, 3).numbered())[..5],
        [
            numbered("-U", "a", 5, 1, 1),
            numbered("+U", "a", 3, 8, 1),
            numbered("-U", "a", 7, 3, 2),
            numbered("+U", "a", 4, 5, 2),
            numbered("+I", "a", 5, 1, 3),
        ]
    );
    let first_only = [given("-U", "a", 5, 1), given("+U", "a", 3, 8), given("+I", "d", 1, 9)];
    assert_eq!(second_changes(top(1, 1)), first_only);
}

#[test]
fn a_row_that_is_taken_back_lets_the_next_one_in() {
    let events = [
        event("a", 1, 1),
        event("a", 2, 2),
        event("a", 3, 3),
        changed("-U", "a", 1, 1),
        changed("+U", "a", 4, 1),
        // No such rows: ignored.
        changed("-D", "a", 9, 9),
        changed("-D", "a", 2, 7),
        changed("-D", "b", 2, 2),
        changed("-D", "a", 3, 3),
        changed("-D", "a", 2, 2),
        changed("-D", "a", 4, 1),
        event("a", 5, 5),
    ];
    let expected = [
        given("+I", "a", 1, 1),
        given("+I", "a", 2, 2),
        given("-D", "a", 1, 1),
        given("+I", "a", 3, 3),
        given("-D", "a", 3, 3),
        given("+I", "a", 4, 1),
        given("-D", "a", 2, 2),
        given("-D", "a", 4, 1),
        given("+I", "a", 5, 5),
    ];
    top(1, 2).over(Mode::Retract).gives(&events, &expected);

    let expected = [
        numbered("+I", "a", 1, 1, 1),
        numbered("+I", "a", 2, 2, 2),
        numbered("-U", "a", 1, 1, 1),
        numbered("+U", "a", 2, 2, 1),
        numbered("-U", "a", 2, 2, 2),
        numbered("+U", "a", 3, 3, 2),
        numbered("-U", "a", 3, 3, 2),
        numbered("+U", "a", 4, 1, 2),
        numbered("-U", "a", 2, 2, 1),
        numbered("+U", "a", 4, 1, 1),
        numbered("-D", "a", 4, 1, 2),
        numbered("-D", "a", 4, 1, 1),
        numbered("+I", "a", 5, 5, 1),
    ];
    top(1, 2).numbered().over(Mode::Retract).gives(&events, &expected);
}

#[test]
fn of_equal_rows_the_first_to_arrive_is_taken_back() {
    // The row at the end is found by an index, since many rows have its sort key; so are the following ones.
    let mut events: Vec<Event> = (1..=100).map(|id| event("a", 1, id)).collect();
    events.extend([event("a", 1, 1), changed("-D", "a", 1, 100), changed("-D", "a", 1, 1)]);
    let ends = [numbered("+I", "a", 1, 2, 1), numbered("+I", "a", 1, 3, 2)];
    let case = top(1, 2).numbered().over(Mode::Retract);
    case.with(|harness| harness.ends_with(&events, &standing(&ends)));

    events.extend((2..100).map(|id| changed("-D", "a", 1, id)));
    let ends = [numbered("+I", "a", 1, 1, 1)];
    case.with(|harness| harness.ends_with(&events, &standing(&ends)));
}

#[test]
fn a_range_may_begin_above_the_first_row() {
    let events = [
        event("a", 5, 1),
        event("a", 6, 2),
        event("a", 4, 3),
        event("a", 9, 4),
        event("a", 8, 5),
        changed("-D", "a", 4, 3),
        changed("-D", "a", 9, 4),
        changed("-D", "a", 8, 5),
        // One row is left, the first: there is no second.
        changed("-D", "a", 5, 1),
        changed("-D", "a", 6, 2),
    ];
    let mut short = events.to_vec();
    short.drain(6..7);
    short.drain(3..4);
    let short_expected = [
        given("+I", "a", 6, 2),
        given("+I", "a", 5, 1),
        given("-D", "a", 5, 1),
        given("+I", "a", 8, 5),
        given("-D", "a", 8, 5),
        given("-D", "a", 6, 2),
    ];
    top(2, 3).over(Mode::Retract).gives(&short, &short_expected);

    let only_second = [
        given("+I", "a", 6, 2),
        given("-D", "a", 6, 2),
        given("+I", "a", 5, 1),
        given("-D", "a", 5, 1),
        given("+I", "a", 6, 2),
        given("-D", "a", 6, 2),
    ];
    top(2, 2).over(Mode::Retract).gives(&events, &only_second);

    let numbered_expected = [
        numbered("+I", "a", 6, 2, 2),
        numbered("-U", "a", 6, 2, 2),
        numbered("+U", "a", 5, 1, 2),
        numbered("+I", "a", 6, 2, 3),
    ];
    top(2, 3).numbered().gives(&events[..5], &numbered_expected);
}

#[test]
fn a_range_may_end_at_a_field_of_the_partition() {
    let mut case = top(1, 1);
    case.spec.partition = vec![0, 2];
    case.spec.to = RankEnd::Field(2);
    let events = [event("a", 5, 2), event("a", 6, 2), event("a", 4, 2), event("a", 4, 0), event("b", 4, -3)];
    let expected =
        [given("+I", "a", 5, 2), given("+I", "a", 6, 2), given("-D", "a", 6, 2), given("+I", "a", 4, 2)];
    assert_eq!(case.run(&events), expected);
}

#[test]
fn an_upsert_replaces_the_row_of_its_key() {
    let events = [
        event("a", 1, 1),
        changed("+U", "a", 2, 2),
        changed("+U", "a", 3, 3),
        changed("+U", "a", 9, 1),
        // A tombstone has only the key.
        change(0, "-D", vec![Value::Text("a".into()), Value::Null, Value::Int(2)]),
    ];
    let expected = [
        given("+I", "a", 1, 1),
        given("+I", "a", 2, 2),
        given("-D", "a", 1, 1),
        given("+I", "a", 3, 3),
        given("-D", "a", 2, 2),
        given("+I", "a", 9, 1),
    ];
    top(1, 2).over(Mode::Upsert(vec![0, 2])).gives(&events, &expected);
}

#[test]
fn a_partition_whose_time_to_live_is_over_begins_anew() {
    let case = Case { ttl: Some(Interval(100)), ..top(1, 1) };
    let events = [
        Event::Clock(1_000),
        event("a", 1, 1),
        Event::Clock(1_060),
        event("a", 2, 2),
        Event::Clock(1_101),
        event("a", 3, 3),
    ];
    assert_eq!(case.run(&events), [given("+I", "a", 1, 1), given("+I", "a", 3, 3)]);
}
