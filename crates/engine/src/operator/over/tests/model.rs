//! Random rows compared with a model that computes each frame from all rows of its partition.

use proptest::prelude::*;

use super::*;
use crate::operator::harness::standing;

#[derive(Debug, Clone, Copy)]
struct Given {
    key: usize,
    order: i64,
    value: i64,
}

const KEYS: [&str; 2] = ["a", "b"];

fn rows() -> impl Strategy<Value = Vec<Given>> {
    let given = |(key, order, value)| Given { key, order, value };
    prop::collection::vec((0..2usize, 0..30i64, -5..5i64).prop_map(given), 0..30)
}

/// Returns the rows with sum, greatest value and number.
fn expected(rows: &[Given], frame: Frame) -> Vec<Row> {
    let mut sorted = rows.to_vec();
    sorted.sort_by_key(|row| row.order);
    let mut expected = Vec::new();
    for (place, row) in sorted.iter().enumerate() {
        let partition = |to: usize| sorted[..to].iter().filter(|other| other.key == row.key);
        let number = partition(place + 1).count();
        let frame: Vec<i64> = match frame {
            Frame::UnboundedRows => partition(place + 1).map(|row| row.value).collect(),
            Frame::Rows(before) => {
                let skip = number.saturating_sub(before as usize + 1);
                partition(place + 1).skip(skip).map(|row| row.value).collect()
            }
            Frame::UnboundedRange | Frame::Range(_) => {
                let from = match frame {
                    Frame::Range(interval) => row.order - interval.0,
                    _ => i64::MIN,
                };
                let inside = |other: &&Given| (from..=row.order).contains(&other.order);
                partition(sorted.len()).filter(inside).map(|row| row.value).collect()
            }
        };

        let (sum, greatest) = (frame.iter().sum(), frame.iter().copied().max().unwrap_or(0));
        let numbers = [row.order, row.value, sum, greatest, number as i64];
        expected.push(given(KEYS[row.key], &numbers));
    }
    expected
}

fn calls() -> Vec<AggregateCall> {
    vec![call(Function::Sum, &[2]), call(Function::Max, &[2]), call(Function::RowNumber, &[])]
}

fn frames() -> impl Strategy<Value = Frame> {
    let bounded =
        prop_oneof![(0..15i64).prop_map(|ms| Frame::Range(Interval(ms))), (0..5u64).prop_map(Frame::Rows),];
    prop_oneof![Just(Frame::UnboundedRange), Just(Frame::UnboundedRows), bounded]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn frames_by_time_hold_what_the_model_says(rows in rows(), frame in frames(), late_by in 0..10i64) {
        // The watermark follows the rows, so that no row is late, and rows enter and leave frames all the
        // time.
        let mut rows = rows;
        rows.sort_by_key(|row| row.order / 5);
        let mut events = Vec::new();
        for row in &rows {
            events.push(watermark(0, row.order / 5 * 5 - 1 - late_by));
            events.push(at(KEYS[row.key], row.order, row.value));
        }

        let expected = standing(&expected(&rows, frame));
        if !matches!(frame, Frame::Range(_)) {
            Case::new(BY_TIME, frame).calls(calls()).with(|harness| harness.ends_with(&events, &expected));
        } else {
            // The state of a range expires, and then numbers begin anew, so they are left out.
            let calls = calls()[..2].to_vec();
            let strip = |row: &Row| Row { kind: row.kind, values: row.values[..5].to_vec() };
            let rows: Vec<Row> = super::model::expected(&rows, frame).iter().map(strip).collect();
            Case::new(BY_TIME, frame)
                .calls(calls)
                .with(|harness| harness.ends_with(&events, &standing(&rows)));
        }
    }

    #[test]
    fn an_order_by_a_column_ends_as_the_model(
        rows in rows(),
        gone in prop::collection::vec(any::<bool>(), 30),
        is_range in any::<bool>(),
    ) {
        let frame = if is_range { Frame::UnboundedRange } else { Frame::UnboundedRows };
        let mut events: Vec<Event> = Vec::new();
        let mut stay = Vec::new();
        for (number, (row, gone)) in rows.iter().zip(gone).enumerate() {
            // A retracted row has no equal row, so it is clear which row goes.
            let value = if gone { 100 + number as i64 } else { row.value };
            events.push(at(KEYS[row.key], row.order, value));
            if gone {
                let place = events.len() / 2;
                let later = event("-D", KEYS[row.key], row.order, value);
                events.push(at("b", place as i64, 1));
                stay.push(Given { key: 1, order: place as i64, value: 1 });
                events.push(later);
            } else {
                stay.push(*row);
            }
        }

        // Equal rows may be retracted in another order than they came: numbers of peers could be exchanged.
        let calls = calls()[..2].to_vec();
        let strip = |row: &Row| Row { kind: row.kind, values: row.values[..5].to_vec() };
        let expected: Vec<Row> = expected(&stay, frame).iter().map(strip).collect();
        Case::new(BY_COLUMN, frame)
            .calls(calls)
            .with(|harness| harness.ends_with(&events, &standing(&expected)));
    }
}
