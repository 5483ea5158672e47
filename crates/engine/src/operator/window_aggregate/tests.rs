//! The results of windows, and their agreement with a naive model.

mod model;

use sql::plan::operator::{AggregateCall, Changes as Mode, Distribution, Field, Function, WindowProperty};
use types::{DataType, Interval, Repr, Value};

use super::*;
use crate::operator::harness::{Event, Harness, Row, change, insert, row, watermark};

const SIZE: Interval = Interval(30);
const STEP: Interval = Interval(10);
const OFFSET: Interval = Interval::ZERO;

const TUMBLE: Window = Window::Tumble { size: STEP, offset: OFFSET };
const HOP: Window = Window::Hop { size: SIZE, slide: STEP, offset: OFFSET };
const CUMULATE: Window = Window::Cumulate { size: SIZE, step: STEP, offset: OFFSET };

/// A window query. Rows are a key, a time and a value; calls are `COUNT(*)` and `SUM(value)`.
struct Case {
    windowing: Windowing,
    zone: TimeZone,
    is_instant: bool,
    keys: Vec<usize>,
    changes: Mode,
    properties: Vec<WindowProperty>,
}

fn sliced(window: Window) -> Case {
    case(Windowing::Sliced { window, time: Time::Event(1) })
}

fn session() -> Case {
    case(Windowing::Session { gap: STEP, time: Time::Event(1) })
}

fn case(windowing: Windowing) -> Case {
    let properties = vec![WindowProperty::Start, WindowProperty::End];
    let zone = TimeZone::UTC;
    Case { windowing, zone, is_instant: false, keys: vec![0], changes: Mode::Retract, properties }
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

impl Case {
    fn spec(&self) -> WindowAggregate {
        WindowAggregate {
            windowing: self.windowing,
            is_instant: self.is_instant,
            keys: self.keys.clone(),
            calls: vec![call(Function::Count, &[]), call(Function::Sum, &[2])],
            properties: self.properties.clone(),
        }
    }

    /// Rows are partitioned by the first field, or not at all without keys.
    fn inputs(&self) -> Vec<Input> {
        let types = [
            DataType::STRING,
            DataType::Timestamp(3),
            DataType::BigInt,
            DataType::Timestamp(3),
            DataType::Timestamp(3),
        ];
        let field = |data_type: DataType| Field { name: "f".into(), column_type: data_type.nullable() };
        let distribution =
            if self.keys.is_empty() { Distribution::Single } else { Distribution::Hash(vec![0]) };
        let fields = types.into_iter().map(field).collect();
        vec![Input { fields, distribution, changes: self.changes.clone() }]
    }

    fn operator(&self) -> WindowAggregateOperator {
        WindowAggregateOperator::new("window".into(), &self.spec(), &self.inputs(), &self.zone).unwrap()
    }

    fn with<T>(&self, run: impl FnOnce(&Harness<'_>) -> T) -> T {
        let build = || -> Box<dyn Operator> { Box::new(self.operator()) };
        let harness =
            Harness::new(&build, vec![vec![Repr::Text, Repr::Int, Repr::Int, Repr::Int, Repr::Int]]);
        run(&if self.keys.is_empty() { harness } else { harness.keyed(vec![vec![0]]) })
    }

    fn gives(&self, events: &[Event], expected: &[Row]) {
        self.with(|harness| harness.gives(events, expected));
    }
}

fn event(code: &str, key: &str, time: i64, value: i64) -> Event {
    change(0, code, values(key, time, value))
}

fn values(key: &str, time: i64, value: i64) -> Vec<Value> {
    vec![text(key), Value::Int(time), Value::Int(value), Value::Null, Value::Null]
}

fn at(key: &str, time: i64, value: i64) -> Event {
    event("+I", key, time, value)
}

fn text(value: &str) -> Value {
    Value::Text(value.into())
}

/// Returns a row of a key, with the count, the sum and the properties.
fn given(key: &str, numbers: &[i64]) -> Row {
    let values = [text(key)].into_iter().chain(numbers.iter().copied().map(Value::Int));
    row("+I", values.collect::<Vec<_>>())
}

#[test]
fn a_window_is_given_when_its_last_millisecond_has_passed_and_late_rows_are_dropped() {
    let mut case = sliced(TUMBLE);
    case.changes = Mode::Append;
    case.properties.push(WindowProperty::Time);
    let events = [
        at("a", 5, 1),
        at("a", 9, 2),
        at("a", 10, 4),
        insert(0, vec![text("a"), Value::Null, Value::Int(8), Value::Null, Value::Null]),
        watermark(0, 8),
        at("a", 0, 16),
        watermark(0, 9),
        at("a", 9, 32),
        at("a", 10, 64),
        watermark(0, 19),
        at("a", 25, 128),
    ];
    let expected = [[3, 19, 0, 10, 9], [2, 68, 10, 20, 19], [1, 128, 20, 30, 29]];
    case.gives(&events, &expected.map(|numbers| given("a", &numbers)));

    let mut operator = case.operator();
    operator.moment.advance(9);
    let mut buffer = crate::operator::changes::ChangeBuffer::new(&[Repr::Text, Repr::Int, Repr::Int]);
    for time in [9, 10, 5] {
        let row = [Scalar::Text("a"), Scalar::Int(time), Scalar::Int(0)];
        buffer.push(crate::operator::changes::RowKind::Insert, 9, row);
    }
    buffer.lend(|rows| (0..3).try_for_each(|row| operator.take(rows, row, 0))).unwrap();
    assert_eq!((operator.take_late(), operator.take_late()), (2, 0));
}

#[test]
fn a_row_counts_in_those_of_its_windows_that_are_still_open() {
    let events = [at("a", 5, 1), at("a", 15, 2), watermark(0, 9), at("a", 6, 4), watermark(0, 29)];
    let hop = [[1, 1, -20, 10], [3, 7, -10, 20], [3, 7, 0, 30], [1, 2, 10, 40]];
    sliced(HOP).gives(&events, &hop.map(|numbers| given("a", &numbers)));
    let cumulate = [[1, 1, 0, 10], [3, 7, 0, 20], [3, 7, 0, 30]];
    sliced(CUMULATE).gives(&events, &cumulate.map(|numbers| given("a", &numbers)));
}

#[test]
fn rows_are_taken_back_and_a_window_whose_rows_all_went_gives_none() {
    let events = [
        at("a", 5, 1),
        at("a", 6, 2),
        // Moves to another window.
        event("-U", "a", 5, 1),
        event("+U", "a", 15, 1),
        event("-D", "a", 6, 2),
        // Never added.
        event("-D", "b", 25, 9),
        at("b", 26, 3),
    ];
    sliced(TUMBLE).gives(&events, &[given("a", &[1, 1, 10, 20]), given("b", &[1, 3, 20, 30])]);
    let cumulate = [given("a", &[1, 1, 0, 20]), given("a", &[1, 1, 0, 30]), given("b", &[1, 3, 0, 30])];
    sliced(CUMULATE).with(|harness| {
        harness.ends_with(&events, &crate::operator::harness::standing(&cumulate));
    });
    // The session stays as long as it was.
    session().gives(&events, &[given("a", &[1, 1, 5, 25]), given("b", &[1, 3, 26, 36])]);
}

#[test]
fn windows_of_instants_follow_the_session_s_wall_clock() {
    let day = 86_400_000;
    let mut case = sliced(Window::Tumble { size: Interval(day), offset: OFFSET });
    case.zone = TimeZone::get("America/New_York").unwrap();
    case.is_instant = true;
    case.properties.push(WindowProperty::Time);

    // 2025-11-02 has 25 hours: from 04:00Z to 05:00Z of the next day.
    let hour = 3_600_000;
    let (midnight, start) = (1_762_041_600_000, 1_762_056_000_000);

    let events = [
        at("a", start - 1, 1),
        at("a", start, 2),
        at("a", start + 25 * hour - 1, 4),
        at("a", start + 25 * hour, 8),
    ];

    let expected = [
        [1, 1, midnight - day, midnight, start - 1],
        [2, 6, midnight, midnight + day, start + 25 * hour - 1],
        [1, 8, midnight + day, midnight + 2 * day, start + 49 * hour - 1],
    ];
    case.gives(&events, &expected.map(|numbers| given("a", &numbers)));
}

#[test]
fn sessions_merge_and_are_given_when_they_close() {
    let events = [
        at("a", 0, 1),
        at("a", 20, 2),
        at("b", 3, 4),
        // Touches both neighbours.
        at("a", 10, 8),
        watermark(0, 28),
        // Alone it would be late.
        at("a", 12, 16),
        watermark(0, 29),
        // The earlier session is gone.
        at("a", 20, 32),
        at("a", 21, 64),
    ];
    let expected = [given("b", &[1, 4, 3, 13]), given("a", &[4, 27, 0, 30]), given("a", &[1, 64, 21, 31])];
    session().gives(&events, &expected);
}

#[test]
fn without_keys_all_rows_of_a_window_are_one_group() {
    let mut case = sliced(TUMBLE);
    case.keys = Vec::new();
    case.gives(&[], &[]);
    let expected = [row("+I", [2, 3, 0, 10].map(Value::Int))];
    case.gives(&[at("a", 1, 1), at("b", 2, 2)], &expected);
}

#[test]
fn attached_windows_are_told_apart_by_both_bounds_and_may_be_keys() {
    let mut case = case(Windowing::Attached { start: 3, end: 4, is_processing: false });
    case.keys = vec![4, 0, 3];
    case.properties = vec![WindowProperty::Time];

    let at = |key: &str, value: i64, start: i64, end: i64| {
        let bounds = [Value::Int(value), Value::Int(start), Value::Int(end)];
        insert(0, [text(key), Value::Null].into_iter().chain(bounds).collect::<Vec<_>>())
    };

    let events = [
        at("a", 1, 0, 20),
        at("a", 2, 0, 10),
        at("a", 4, 10, 20),
        watermark(0, 9),
        at("a", 8, 0, 20),
        at("a", 16, 0, 10),
    ];

    let given = |end: i64, start: i64, numbers: [i64; 3]| {
        let head = [Value::Int(end), text("a"), Value::Int(start)];
        row("+I", head.into_iter().chain(numbers.map(Value::Int)).collect::<Vec<_>>())
    };

    let expected = [given(10, 0, [1, 2, 9]), given(20, 0, [2, 9, 19]), given(20, 10, [1, 4, 19])];
    case.gives(&events, &expected);
}

#[test]
fn windows_by_processing_time_close_by_the_clock() {
    let case = case(Windowing::Sliced { window: TUMBLE, time: Time::Processing });
    let events = [
        Event::Clock(103),
        at("a", 0, 1),
        Event::Clock(109),
        at("a", 0, 2),
        Event::Clock(110),
        at("a", 0, 4),
        watermark(0, 1_000),
        Event::Clock(125),
        at("a", 0, 8),
    ];
    // The last window was still open when the input ended.
    let expected = [given("a", &[2, 3, 100, 110]), given("a", &[1, 4, 110, 120])];
    for batch in [1, 10] {
        assert_eq!(case.with(|harness| harness.run(&events, batch, 1, None)).unwrap(), expected);
    }
    assert_eq!(case.operator().next_tick(), None);
}

#[test]
fn memory_falls_to_nothing_when_windows_close() {
    for case in [sliced(TUMBLE), sliced(CUMULATE), session()] {
        let mut operator = case.operator();
        let mut buffer = crate::operator::changes::ChangeBuffer::new(&[Repr::Text, Repr::Int, Repr::Int]);
        let keys: Vec<String> = (0..1_000).map(|key| format!("key {key}")).collect();
        for key in &keys {
            let row = [Scalar::Text(key), Scalar::Int(5), Scalar::Int(1)];
            buffer.push(crate::operator::changes::RowKind::Insert, 0, row);
        }
        buffer.lend(|rows| (0..1_000).try_for_each(|row| operator.take(rows, row, 0))).unwrap();
        let full = operator.memory_bytes();
        assert!(full > 50_000 && full < 400_000, "{full}");

        match &mut operator.windows {
            OpenWindows::Sliced { panes, .. } | OpenWindows::Attached { panes, .. } => {
                while panes.pop(i64::MAX).is_some() {}
                assert_eq!(panes.memory_bytes(), 0);
            }
            OpenWindows::Session { sessions, .. } => {
                while sessions.pop(i64::MAX, &mut operator.clock).is_some() {}
                assert!(sessions.is_empty());
            }
        }
    }
}
