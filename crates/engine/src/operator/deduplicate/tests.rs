//! The remaining row of each key: the first or the last, by arrival and by time, also across snapshots.

use sql::plan::operator::{Changes as Mode, Distribution, Field};
use types::{DataType, Repr, Value};

use super::*;
use crate::operator::harness::{Event, Harness, Row, change, insert, row, watermark};

fn spec(keeps: Keeps, emits_before: bool) -> (Deduplicate, Vec<Input>) {
    let field =
        |name: &str, data_type: DataType| Field { name: name.into(), column_type: data_type.nullable() };
    let fields =
        vec![field("ts", DataType::Timestamp(3)), field("k", DataType::STRING), field("v", DataType::BigInt)];
    let input = Input { fields, distribution: Distribution::Hash(vec![1]), changes: Mode::Append };
    (Deduplicate { keys: vec![1], keeps, emits_before }, vec![input])
}

fn with<T>(keeps: Keeps, ttl: Option<Interval>, run: impl FnOnce(&Harness<'_>) -> T) -> T {
    with_before(keeps, true, ttl, run)
}

fn with_before<T>(
    keeps: Keeps,
    emits_before: bool,
    ttl: Option<Interval>,
    run: impl FnOnce(&Harness<'_>) -> T,
) -> T {
    let (spec, inputs) = spec(keeps, emits_before);
    let build =
        || Box::new(DeduplicateOperator::new("deduplicate".into(), &spec, &inputs, ttl)) as Box<dyn Operator>;
    run(&Harness::new(&build, vec![vec![Repr::Int, Repr::Text, Repr::Int]]).keyed(vec![vec![1]]))
}

fn values(time: i64, key: &str, value: i64) -> [Value; 3] {
    let key = if key.is_empty() { Value::Null } else { Value::Text(key.into()) };
    [Value::Int(time), key, Value::Int(value)]
}

fn event(time: i64, key: &str, value: i64) -> Event {
    insert(0, values(time, key, value))
}

fn given(code: &str, time: i64, key: &str, value: i64) -> Row {
    row(code, values(time, key, value))
}

const FIRST: Keeps = Keeps::FirstByTime { field: 0 };
const LAST: Keeps = Keeps::LastByTime { field: 0 };

#[test]
fn the_first_row_comes_when_the_watermark_passes_it() {
    let events = [
        event(7, "a", 1),
        event(5, "a", 2),
        // Equal times: the first to arrive stays.
        event(5, "a", 3),
        event(6, "", 4),
        watermark(0, 5),
        // Late, also for a key that has no row.
        event(4, "b", 5),
        event(4, "a", 6),
        // At the watermark, which is not late.
        event(5, "d", 10),
        // Not the first.
        event(8, "a", 7),
        event(9, "b", 8),
        watermark(0, 6),
        event(9, "c", 9),
    ];

    let expected = [
        given("+I", 5, "a", 2),
        given("+I", 5, "d", 10),
        given("+I", 6, "", 4),
        given("+I", 9, "b", 8),
        given("+I", 9, "c", 9),
    ];
    with(FIRST, None, |harness| harness.gives(&events, &expected));
}

#[test]
fn late_rows_are_counted() {
    use crate::operator::chain::{Chain, ChainTarget, Link, StreamTime};

    let (spec, inputs) = spec(FIRST, true);
    let operator = Box::new(DeduplicateOperator::new("deduplicate".into(), &spec, &inputs, None));
    let link =
        Link { identity: "d".into(), kind: "d".into(), operator, producers: vec![vec![1]], targets: vec![] };
    let mut chain = Chain::new(vec![link], vec![]);
    let target = ChainTarget::Operator { place: 0, input: 0, producer: 0 };

    let mut buffer = ChangeBuffer::new(&[Repr::Int, Repr::Text, Repr::Int]);
    for (time, mark) in [(4, i64::MIN), (4, 3), (4, 4), (3, 4), (9, 4)] {
        buffer.push(RowKind::Insert, mark, values(time, "a", 1).iter().map(Value::as_scalar));
    }
    buffer.lend(|rows| chain.push(target, rows)).unwrap();
    chain.advance(target, StreamTime { watermark: 4, is_idle: false }).unwrap();
    assert_eq!(chain.take_late().map(|(_, late)| late).collect::<Vec<_>>(), [1]);
    assert_eq!(chain.take_late().map(|(_, late)| late).collect::<Vec<_>>(), [0]);
}

#[test]
fn a_row_that_waits_outlives_the_time_to_live_and_a_given_key_does_not() {
    let ttl = Some(Interval(100));
    let events = [
        Event::Clock(1_000),
        event(5, "a", 1),
        Event::Clock(1_200),
        event(6, "a", 2),
        watermark(0, 7),
        Event::Clock(1_250),
        event(8, "a", 3),
        Event::Clock(1_301),
        event(9, "a", 4),
    ];
    let rows = with(FIRST, ttl, |harness| harness.run(&events, 10, 1, None)).unwrap();
    assert_eq!(rows, [given("+I", 5, "a", 1), given("+I", 9, "a", 4)]);
}

#[test]
fn the_last_row_comes_at_once_and_replaces_the_one_before() {
    let events = [
        event(5, "a", 1),
        watermark(0, 100),
        // Late rows count.
        event(7, "a", 2),
        event(6, "a", 3),
        event(7, "a", 4),
        event(7, "a", 4),
        event(1, "", 5),
        event(2, "", 1_000_000),
    ];

    let expected = [
        given("+I", 5, "a", 1),
        given("-U", 5, "a", 1),
        given("+U", 7, "a", 2),
        given("-U", 7, "a", 2),
        given("+U", 7, "a", 4),
        given("-U", 7, "a", 4),
        given("+U", 7, "a", 4),
        given("+I", 1, "", 5),
        given("-U", 1, "", 5),
        given("+U", 2, "", 1_000_000),
    ];
    with(LAST, None, |harness| harness.gives(&events, &expected));
}

#[test]
fn a_consumer_that_needs_no_row_before_gets_none() {
    let events = [event(5, "a", 1), event(7, "a", 2)];
    let expected = [given("+I", 5, "a", 1), given("+U", 7, "a", 2)];
    let rows = with_before(LAST, false, None, |harness| harness.run(&events, 10, 1, None)).unwrap();
    assert_eq!(rows, expected);
}

#[test]
fn by_arrival_the_first_or_the_last_row_is_kept() {
    let events = [
        event(5, "a", 1),
        event(4, "a", 2),
        event(4, "a", 2),
        event(9, "b", 3),
        change(0, "-D", values(5, "a", 1)),
        event(1, "b", 4),
    ];
    let first = [given("+I", 5, "a", 1), given("+I", 9, "b", 3)];
    with(Keeps::FirstToArrive, None, |harness| harness.gives(&events, &first));

    let last = [
        given("+I", 5, "a", 1),
        given("-U", 5, "a", 1),
        given("+U", 4, "a", 2),
        given("+I", 9, "b", 3),
        given("-U", 9, "b", 3),
        given("+U", 1, "b", 4),
    ];
    with(Keeps::LastToArrive, None, |harness| harness.gives(&events, &last));
}

#[test]
fn a_key_whose_time_to_live_is_over_begins_anew() {
    let ttl = Some(Interval(100));
    let events = [Event::Clock(1_000), event(5, "a", 1), Event::Clock(1_100), event(6, "a", 2)];
    let expected = [given("+I", 5, "a", 1), given("+I", 6, "a", 2)];
    for keeps in [LAST, Keeps::LastToArrive, Keeps::FirstToArrive] {
        let rows = with(keeps, ttl, |harness| harness.run(&events, 10, 1, None)).unwrap();
        assert_eq!(rows, expected, "{keeps:?}");
    }

    // A row that is not the last does not extend the time to live.
    let events = [
        Event::Clock(1_000),
        event(5, "a", 1),
        Event::Clock(1_060),
        event(4, "a", 2),
        Event::Clock(1_101),
        event(6, "a", 3),
    ];
    let rows = with(LAST, ttl, |harness| harness.run(&events, 10, 1, None)).unwrap();
    assert_eq!(rows, [given("+I", 5, "a", 1), given("+I", 6, "a", 3)]);
}
