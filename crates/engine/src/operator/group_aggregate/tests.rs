//! The changes that groups emit, as Flink emits them.

use sql::plan::operator::{AggregateCall, Changes as Mode, Distribution, Field, Function};
use types::{DataType, Repr, Scalar, Value};

use super::*;
use crate::operator::changes::{ChangeBuffer, RowKind};
use crate::operator::harness::{Event, Harness, Row, change, insert, row, standing};

const A: &str = "a";

fn text(value: &str) -> Value {
    Value::Text(value.into())
}

fn input(changes: Mode) -> Vec<Input> {
    let field =
        |name: &str, data_type: DataType| Field { name: name.into(), column_type: data_type.nullable() };
    let fields = vec![field("k", DataType::STRING), field("v", DataType::BigInt)];
    vec![Input { fields, distribution: Distribution::Hash(vec![0]), changes }]
}

fn call(function: Function, args: &[usize]) -> AggregateCall {
    AggregateCall {
        function,
        args: args.to_vec(),
        distinct: false,
        filter: None,
        arg_types: args.iter().map(|_| DataType::BigInt.nullable()).collect(),
        column_type: DataType::BigInt.nullable(),
        name: "CALL".into(),
    }
}

/// A query that groups by the text or aggregates all rows.
#[derive(Clone)]
struct Case {
    keys: Vec<usize>,
    calls: Vec<AggregateCall>,
    changes: Mode,
    emits_before: bool,
    ttl: Option<Interval>,
    updates: Updates,
}

impl Case {
    fn new(calls: &[AggregateCall]) -> Case {
        Case {
            keys: vec![0],
            calls: calls.to_vec(),
            changes: Mode::Retract,
            emits_before: true,
            ttl: None,
            updates: Updates::PerRow,
        }
    }

    /// Asserts these changes row by row, and equivalent changes by batch.
    fn gives(&self, events: &[Event], expected: &[Row]) {
        self.with(|harness| harness.gives(events, expected));
        // Without rows before updates, the changes do not add up to the final rows.
        if !self.emits_before {
            return;
        }
        let by_batch = Case { updates: Updates::PerBatch, ..self.clone() };
        by_batch.with(|harness| harness.ends_with(events, &standing(expected)));
    }

    fn with<T>(&self, run: impl FnOnce(&Harness<'_>) -> T) -> T {
        let spec = GroupAggregate {
            keys: self.keys.clone(),
            calls: self.calls.clone(),
            emits_before: self.emits_before,
        };
        let inputs = input(self.changes.clone());
        let build = || -> Box<dyn Operator> {
            Box::new(
                GroupAggregateOperator::new("group".into(), &spec, &inputs, self.ttl, self.updates).unwrap(),
            )
        };
        let harness = Harness::new(&build, vec![vec![Repr::Text, Repr::Int]]);
        run(&if self.keys.is_empty() { harness } else { harness.keyed(vec![self.keys.clone()]) })
    }
}

fn event(code: &str, key: &str, value: i64) -> Event {
    change(0, code, [text(key), Value::Int(value)])
}

fn given(code: &str, key: &str, results: &[i64]) -> Row {
    row(code, [text(key)].into_iter().chain(results.iter().copied().map(Value::Int)).collect::<Vec<_>>())
}

#[test]
fn a_group_is_inserted_updated_and_deleted() {
    let case = Case::new(&[call(Function::Count, &[]), call(Function::Sum, &[1])]);
    let events = [
        event("+I", A, 5),
        event("+I", "b", 1),
        event("+I", A, 7),
        event("-U", A, 5),
        event("+U", A, 6),
        event("-D", A, 6),
        event("-D", A, 7),
        event("+I", A, 1),
    ];

    case.gives(
        &events,
        &[
            given("+I", A, &[1, 5]),
            given("+I", "b", &[1, 1]),
            given("-U", A, &[1, 5]),
            given("+U", A, &[2, 12]),
            given("-U", A, &[2, 12]),
            given("+U", A, &[1, 7]),
            given("-U", A, &[1, 7]),
            given("+U", A, &[2, 13]),
            given("-U", A, &[2, 13]),
            given("+U", A, &[1, 7]),
            given("-D", A, &[1, 7]),
            given("+I", A, &[1, 1]),
        ],
    );
}

#[test]
fn an_equal_result_is_given_again_only_with_a_time_to_live() {
    let events = [event("+I", A, 5), event("+I", A, 3)];
    let mut case = Case::new(&[call(Function::Max, &[1])]);
    case.changes = Mode::Append;
    case.gives(&events, &[given("+I", A, &[5])]);

    case.ttl = Some(Interval(1_000));
    case.gives(&events, &[given("+I", A, &[5]), given("-U", A, &[5]), given("+U", A, &[5])]);
}

#[test]
fn a_consumer_without_need_for_it_gets_no_row_before() {
    let mut case = Case::new(&[call(Function::Sum, &[1])]);
    case.emits_before = false;
    let events = [event("+I", A, 5), event("+U", A, 3), event("-D", A, 5), event("-D", A, 3)];
    let expected = [("+I", 5), ("+U", 8), ("+U", 3), ("-D", 3)];
    case.gives(&events, &expected.map(|(code, sum)| given(code, A, &[sum])));
}

#[test]
fn select_distinct_gives_a_row_once_and_takes_it_back_with_its_last_copy() {
    let mut case = Case::new(&[]);
    case.keys = vec![0, 1];
    let null = |code| change(0, code, [Value::Null, Value::Int(1)]);
    let events = [
        event("+I", A, 1),
        event("+I", A, 1),
        null("+I"),
        null("+I"),
        event("-D", A, 1),
        event("-D", A, 1),
        event("-D", A, 1),
        event("+I", A, 1),
    ];
    let null_row = row("+I", [Value::Null, Value::Int(1)]);
    let expected = [given("+I", A, &[1]), null_row, given("-D", A, &[1]), given("+I", A, &[1])];
    case.gives(&events, &expected);
}

#[test]
fn a_global_aggregate_has_no_row_over_no_rows() {
    let mut case = Case::new(&[call(Function::Count, &[])]);
    case.keys = Vec::new();
    case.gives(&[], &[]);
    case.gives(&[event("-D", A, 5)], &[]);
    let events = [event("+I", A, 5), event("+I", "b", 1), event("-D", A, 5), event("-D", "b", 1)];
    let expected = [("+I", 1), ("-U", 1), ("+U", 2), ("-U", 2), ("+U", 1), ("-D", 1)];
    case.gives(&events, &expected.map(|(code, count)| row(code, [Value::Int(count)])));
}

#[test]
fn a_group_whose_time_to_live_is_over_begins_anew_without_a_retraction() {
    let mut case = Case::new(&[call(Function::Count, &[])]);
    case.ttl = Some(Interval(100));
    let events = [
        Event::Clock(1_000),
        event("+I", A, 1),
        event("+I", "b", 1),
        Event::Clock(1_090),
        event("+I", A, 1),
        Event::Clock(1_100),
        event("-D", "b", 1),
        event("+I", "b", 1),
        Event::Clock(1_189),
        event("+I", A, 1),
    ];

    let expected = [
        given("+I", A, &[1]),
        given("+I", "b", &[1]),
        given("-U", A, &[1]),
        given("+U", A, &[2]),
        given("+I", "b", &[1]),
        given("-U", A, &[2]),
        given("+U", A, &[3]),
    ];
    // A restored run of the harness starts at another time.
    for batch in [1, 10] {
        assert_eq!(case.with(|harness| harness.run(&events, batch, 1, None)).unwrap(), expected);
    }
}

/// Within one batch, groups come, change, go, come back and stay the same.
#[test]
fn a_batch_gives_one_change_of_each_group() {
    let mut case = Case::new(&[call(Function::Count, &[]), call(Function::Sum, &[1])]);
    case.updates = Updates::PerBatch;
    let first = [event("+I", A, 5), event("+I", "b", 1), event("+I", "c", 1), event("+I", "d", 4)];
    let second = [
        event("+I", A, 7),
        event("-D", "b", 1),
        event("-D", "c", 1),
        event("+I", "new", 3),
        event("-U", "d", 4),
        event("+U", "d", 4),
        event("+I", "gone", 3),
        event("+I", A, 1),
        event("-D", "gone", 3),
        event("+I", "c", 2),
        event("-D", "none", 1),
    ];
    // The clock ends a batch.
    let events = [&first[..], &[Event::Clock(1)], &second].concat();
    let given_at_once = case.with(|harness| harness.run(&events, 1_000, 1, None)).unwrap();
    assert_eq!(
        given_at_once[4..],
        [
            given("-U", A, &[1, 5]),
            given("+U", A, &[3, 13]),
            given("-D", "b", &[1, 1]),
            given("-U", "c", &[1, 1]),
            given("+U", "c", &[1, 2]),
            given("+I", "new", &[1, 3]),
        ]
    );
    case.with(|harness| harness.ends_with(&events, &standing(&given_at_once)));

    // An equal result keeps the state of later operators alive.
    case.ttl = Some(Interval(1_000));
    let with_ttl = case.with(|harness| harness.run(&events, 1_000, 1, None)).unwrap();
    assert!(with_ttl.ends_with(&[given("-U", "d", &[1, 4]), given("+U", "d", &[1, 4])]), "{with_ttl:?}");
}

#[test]
fn idle_groups_are_freed() {
    let spec = GroupAggregate { keys: vec![0], calls: Vec::new(), emits_before: true };
    let ttl = Some(Interval(100));
    let mut operator =
        GroupAggregateOperator::new("group".into(), &spec, &input(Mode::Append), ttl, Updates::PerRow)
            .unwrap();
    let mut buffer = ChangeBuffer::new(&[Repr::Text, Repr::Int]);
    buffer.push(RowKind::Insert, 0, [text(A), Value::Int(1)].iter().map(Value::as_scalar));
    buffer.lend(|rows| {
        operator.chunk.push(rows, 0, &operator.keys, &operator.groups);
        operator.out.begin();
        operator.take_chunk(rows, 1_000).unwrap();
    });
    operator.expiry.start(1_000);
    assert_eq!((operator.groups.len(), operator.next_tick()), (1, Some(1_050)));
    assert!(operator.expiry.take_due(1_100));
    operator.groups.expire(1_100);
    assert!(operator.groups.is_empty());
}

#[test]
fn nan_is_one_group_and_the_two_zeros_are_two() {
    let spec = GroupAggregate { keys: vec![0], calls: vec![call(Function::Count, &[])], emits_before: false };
    let mut inputs = input(Mode::Append);
    inputs[0].fields[0].column_type = DataType::Double.nullable();
    let build = || -> Box<dyn Operator> {
        Box::new(
            GroupAggregateOperator::new("group".into(), &spec, &inputs, None, Updates::PerBatch).unwrap(),
        )
    };
    let values = [f64::NAN, 0.0, -0.0, -f64::NAN, f64::INFINITY];
    let events = values.map(|value| insert(0, [Value::Double(value), Value::Int(0)]));
    let harness = Harness::new(&build, vec![vec![Repr::Double, Repr::Int]]);
    let given = harness.run(&events, 10, 1, None).unwrap();
    let shown: Vec<String> = given
        .iter()
        .map(|row| format!("{} {:?} {:?}", row.kind.code(), row.values[0], row.values[1]))
        .collect();
    let expected =
        ["+I Double(NaN) Int(2)", "+I Double(0.0) Int(1)", "+I Double(-0.0) Int(1)", "+I Double(inf) Int(1)"];
    assert_eq!(shown, expected);
}

/// Rows are looked up in chunks, and over many groups in two passes.
#[test]
fn every_row_of_a_large_batch_is_counted() {
    let keys = 40_000;
    let mut case = Case::new(&[call(Function::Count, &[])]);
    case.keys = vec![1];
    case.emits_before = false;
    let rows = |count| (0..count).map(|row| event("+I", A, row % keys));
    let events: Vec<Event> = rows(keys * 2 + 77).collect();

    let given = case.with(|harness| harness.run(&events, 1_000, 1, None)).unwrap();
    assert_eq!(given.len(), events.len());
    let counts = given.iter().map(|row| (row.kind.code(), row.values[1].clone()));
    let expected = (0..events.len() as i64).map(|row| match row / keys {
        0 => ("+I", Value::Int(1)),
        round => ("+U", Value::Int(round + 1)),
    });
    assert!(counts.eq(expected));
}

/// `COUNT(DISTINCT v)` with and without a filter share a set; over rows that may be retracted they do not.
/// Each can read the image of the other.
#[test]
fn distinct_calls_that_share_a_set_go_on_from_an_image_of_those_that_do_not() {
    let field =
        |name: &str, data_type: DataType| Field { name: name.into(), column_type: data_type.nullable() };
    let fields =
        vec![field("k", DataType::STRING), field("v", DataType::BigInt), field("f", DataType::Boolean)];
    let distinct = |function, filter| AggregateCall { distinct: true, filter, ..call(function, &[1]) };
    let calls = vec![
        distinct(Function::Count, None),
        distinct(Function::Count, Some(2)),
        distinct(Function::Sum, Some(2)),
        call(Function::Count, &[]),
    ];
    let spec = GroupAggregate { keys: vec![0], calls, emits_before: false };
    let operator = |changes: Mode| {
        let inputs = [Input { fields: fields.clone(), distribution: Distribution::Hash(vec![0]), changes }];
        GroupAggregateOperator::new("group".into(), &spec, &inputs, None, Updates::PerBatch).unwrap()
    };
    let rows = |range: std::ops::Range<i64>| {
        let mut rows = ChangeBuffer::new(&[Repr::Text, Repr::Int, Repr::Bool]);
        for row in range {
            let value = if row % 7 == 0 { Scalar::Null } else { Scalar::Int(row % 5) };
            let key = if row % 3 == 0 { "a" } else { "b" };
            rows.push(RowKind::Insert, 0, [Scalar::Text(key), value, Scalar::Bool(row % 4 < 2)]);
        }
        rows
    };
    let take = |operator: &mut GroupAggregateOperator, rows: &ChangeBuffer| {
        rows.lend(|lent| {
            operator.out.begin();
            for row in lent.places() {
                operator.chunk.push(lent, row, &operator.keys, &operator.groups);
                operator.take_chunk(lent, 0).unwrap();
                operator.settle();
            }
        });
    };
    let results = |operator: &GroupAggregateOperator| -> Vec<Vec<i64>> {
        let columns = operator.out.results();
        let row = |at| {
            columns.iter().map(move |column| match column.get(at) {
                Scalar::Int(value) => value,
                other => panic!("{other:?}"),
            })
        };
        (0..20).map(|step| row(2 * step + 1).collect()).collect()
    };

    let mut expected = operator(Mode::Retract);
    take(&mut expected, &rows(0..40));
    take(&mut expected, &rows(40..60));
    for (first, second) in
        [(Mode::Append, Mode::Retract), (Mode::Retract, Mode::Append), (Mode::Append, Mode::Append)]
    {
        let mut before = operator(first);
        take(&mut before, &rows(0..40));
        let mut image = StateWriter::default();
        before.snapshot(&mut image);

        let mut after = operator(second);
        image.finish().parts.iter().for_each(|part| after.restore(part).unwrap());
        take(&mut after, &rows(40..60));
        assert_eq!(results(&after), results(&expected));

        assert!(after.groups.account_is_right());
    }
}
