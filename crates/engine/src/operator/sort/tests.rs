//! Rows in the order of their event time, and late ones.

use sql::plan::operator::{Changes as Mode, Distribution, Field};
use types::{DataType, Repr, Value};

use super::*;
use crate::operator::harness::{Event, Harness, Row, insert, row, watermark};

fn with<T>(time: Time, order: Vec<SortKey>, run: impl FnOnce(&Harness<'_>) -> T) -> T {
    let inputs = inputs();
    let spec = Sort { time, order };
    let build = || Box::new(SortOperator::new("sort".into(), &spec, &inputs)) as Box<dyn Operator>;
    run(&Harness::new(&build, vec![vec![Repr::Int, Repr::Int]]))
}

fn inputs() -> Vec<Input> {
    let field =
        |name: &str, data_type: DataType| Field { name: name.into(), column_type: data_type.nullable() };
    let fields = vec![field("ts", DataType::Timestamp(3)), field("n", DataType::BigInt)];
    vec![Input { fields, distribution: Distribution::Single, changes: Mode::Append }]
}

fn event(time: i64, n: i64) -> Event {
    insert(0, [Value::Int(time), Value::Int(n)])
}

fn given(rows: &[(i64, i64)]) -> Vec<Row> {
    rows.iter().map(|&(time, n)| row("+I", [Value::Int(time), Value::Int(n)])).collect()
}

fn descending() -> Vec<SortKey> {
    vec![SortKey { field: 1, descending: true, nulls_first: false }]
}

#[test]
fn rows_come_in_order_when_the_watermark_has_passed_them() {
    let events = [
        event(7, 1),
        event(5, 1),
        event(-3, 9),
        event(5, 3),
        event(6, 1),
        watermark(0, 6),
        event(7, 2),
        // Not later than the last emitted row.
        event(6, 4),
        event(2, 5),
        watermark(0, 10),
        // Behind the watermark, but later than the last emitted row: in order with the following rows.
        event(9, 1),
        event(8, 1),
        watermark(0, 11),
        event(12, 1),
    ];
    let expected = [(-3, 9), (5, 3), (5, 1), (6, 1), (7, 2), (7, 1), (8, 1), (9, 1), (12, 1)];
    with(Time::Event(0), descending(), |harness| {
        harness.gives(&events, &given(&expected));
        // Which rows are dropped does not depend on where a run is restored.
        for at in 0..events.len() {
            assert_eq!(harness.run(&events, 3, 1, Some(at)).unwrap(), given(&expected), "{at}");
        }
    });

    // Without other keys, equal times come in order of arrival.
    let events = [event(5, 1), event(5, 3), event(4, 0), event(5, 2)];
    let expected = given(&[(4, 0), (5, 1), (5, 3), (5, 2)]);
    with(Time::Event(0), vec![], |harness| harness.gives(&events, &expected));
}

#[test]
fn dropped_rows_are_counted() {
    use crate::operator::chain::{Chain, ChainTarget, Link};

    let spec = Sort { time: Time::Event(0), order: vec![] };
    let operator = Box::new(SortOperator::new("sort".into(), &spec, &inputs()));
    let link = Link {
        identity: "sort".into(),
        kind: "sort".into(),
        operator,
        producers: vec![vec![1]],
        targets: vec![],
    };
    let mut chain = Chain::new(vec![link], vec![]);

    let mut buffer = ChangeBuffer::new(&[Repr::Int, Repr::Int]);
    for (time, watermark) in [(4, 0), (4, 3), (4, 4), (3, 4), (5, 9)] {
        buffer.push(RowKind::Insert, watermark, [Scalar::Int(time), Scalar::Null]);
    }
    let target = ChainTarget::Operator { place: 0, input: 0, producer: 0 };
    buffer.lend(|rows| chain.push(target, rows)).unwrap();
    assert_eq!(chain.take_late().map(|(_, late)| late).collect::<Vec<_>>(), [2]);
}

#[test]
fn by_processing_time_rows_of_one_millisecond_are_sorted() {
    let events = [Event::Clock(10), event(0, 1), event(0, 2), Event::Clock(11), event(0, 3), event(0, 4)];
    with(Time::Processing, descending(), |harness| {
        harness.gives(&events, &given(&[(0, 2), (0, 1), (0, 4), (0, 3)]));
    });
    with(Time::Processing, vec![], |harness| {
        harness.gives(&events, &given(&[(0, 1), (0, 2), (0, 3), (0, 4)]));
    });
}
