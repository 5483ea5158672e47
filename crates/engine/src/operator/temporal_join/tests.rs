//! Tests of the temporal join.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sql::expr::Comparison;
use types::{Repr, Value};

use super::*;
use crate::operator::chain::{Chain, ChainTarget, Link, StreamTime};
use crate::operator::changes::ChangeBuffer;
use crate::operator::harness::{Event, Harness, Row, change, insert, row, watermark};
use crate::operator::join::tests::{BY_K, compares_in, inputs_of, values};

fn inputs() -> Vec<Input> {
    inputs_of(&["k", "v", "time"])
}

fn join(kind: JoinKind) -> TemporalJoin {
    TemporalJoin { kind, keys: vec![BY_K], left_time: 2, right_time: 2, condition: None }
}

fn with_harness(join: &TemporalJoin, test: impl FnOnce(&Harness<'_>)) {
    let build = || {
        let operator = TemporalJoinOperator::new("join".into(), join, &inputs(), None, &TimeZone::UTC);
        Box::new(operator.unwrap()) as Box<dyn Operator>
    };
    let forms = vec![Repr::Int; 3];
    test(&Harness::new(&build, vec![forms.clone(), forms]).keyed(vec![vec![0], vec![0]]));
}

type Fields = (i64, i64, i64);

fn fields((k, v, time): Fields) -> Vec<Value> {
    values([Some(k), Some(v), Some(time)])
}

fn order(k: i64, v: i64, time: i64) -> Event {
    insert(LEFT, fields((k, v, time)))
}

fn rate(code: &str, k: i64, v: i64, time: i64) -> Event {
    change(RIGHT, code, fields((k, v, time)))
}

fn pair(left: Fields, right: Option<Fields>) -> Row {
    row("+I", [fields(left), right.map_or(vec![Value::Null; 3], fields)].concat())
}

#[test]
fn a_row_is_joined_with_the_version_of_its_time_in_order_of_time() {
    with_harness(&join(JoinKind::Left), |harness| {
        let events = [
            order(1, 1, 11),
            order(1, 2, 4),
            order(1, 3, 13),
            order(2, 4, 8),
            order(1, 5, 8),
            rate("+I", 1, 110, 5),
            rate("-U", 1, 110, 5),
            rate("+U", 1, 120, 9),
            rate("-D", 1, 120, 12),
        ];

        let expected = [
            pair((1, 2, 4), None),
            pair((1, 5, 8), Some((1, 110, 5))),
            pair((2, 4, 8), None),
            pair((1, 1, 11), Some((1, 120, 9))),
            pair((1, 3, 13), None),
        ];
        harness.gives(&events, &expected);
    });
}

#[test]
fn an_inner_join_gives_no_row_without_a_version() {
    with_harness(&join(JoinKind::Inner), |harness| {
        let null = values([None, Some(9), Some(9)]);
        let events = [
            order(1, 1, 4),
            insert(LEFT, null.clone()),
            insert(RIGHT, null),
            rate("+I", 1, 110, 5),
            order(1, 2, 5),
        ];
        harness.gives(&events, &[pair((1, 2, 5), Some((1, 110, 5)))]);
    });
}

#[test]
fn a_row_waits_for_the_lesser_watermark() {
    with_harness(&join(JoinKind::Left), |harness| {
        let events = [
            rate("+I", 1, 110, 5),
            order(1, 1, 10),
            watermark(LEFT, 100),
            watermark(RIGHT, 9),
            rate("+U", 1, 111, 10),
            watermark(RIGHT, 10),
            watermark(LEFT, 101),
            order(1, 2, 102),
            // Too late for the order of time 10, which was emitted.
            rate("+U", 1, 112, 10),
        ];
        let expected = [pair((1, 1, 10), Some((1, 111, 10))), pair((1, 2, 102), Some((1, 112, 10)))];
        harness.gives(&events, &expected);
    });
}

#[test]
fn a_delete_takes_away_the_version_of_its_own_time() {
    with_harness(&join(JoinKind::Left), |harness| {
        let events = [
            rate("+I", 1, 110, 5),
            rate("-U", 1, 110, 5),
            rate("+U", 1, 120, 9),
            rate("-D", 1, 120, 9),
            order(1, 1, 8),
            order(1, 2, 9),
            order(1, 3, 20),
        ];
        let expected = [pair((1, 1, 8), Some((1, 110, 5))), pair((1, 2, 9), None), pair((1, 3, 20), None)];
        harness.gives(&events, &expected);
    });
}

#[test]
fn an_update_before_alone_deletes() {
    with_harness(&join(JoinKind::Left), |harness| {
        let events = [rate("+I", 1, 110, 5), rate("-U", 1, 110, 5), order(1, 1, 8)];
        harness.gives(&events, &[pair((1, 1, 8), None)]);
    });
}

#[test]
fn a_condition_that_fails_leaves_the_row_without_a_version() {
    let condition = Some(compares_in(&inputs(), Comparison::Less, 1, 4));
    for kind in [JoinKind::Left, JoinKind::Inner] {
        with_harness(&TemporalJoin { condition: condition.clone(), ..join(kind) }, |harness| {
            let events =
                [rate("+I", 1, 10, 5), order(1, 1, 6), order(2, 1, 7), order(1, 20, 8), order(1, 2, 9)];
            let version = Some((1, 10, 5));
            let mut expected = vec![
                pair((1, 1, 6), version),
                pair((2, 1, 7), None),
                pair((1, 20, 8), None),
                pair((1, 2, 9), version),
            ];
            expected.retain(|row| kind == JoinKind::Left || !row.values[3].is_null());
            harness.gives(&events, &expected);
        });
    }
}

#[test]
fn versions_that_are_no_longer_needed_are_dropped() {
    let operator =
        TemporalJoinOperator::new("join".into(), &join(JoinKind::Inner), &inputs(), None, &TimeZone::UTC);
    let operator = Box::new(operator.unwrap());
    let link = Link {
        identity: "join".into(),
        kind: "join".into(),
        operator,
        producers: vec![vec![1], vec![1]],
        targets: vec![],
    };
    let mut chain = Chain::new(vec![link], vec![]);
    let target = |input| ChainTarget::Operator { place: 0, input, producer: 0 };

    let mut sizes = Vec::new();
    for time in 0..1_000 {
        let mut buffer = ChangeBuffer::new(&[Repr::Int; 3]);
        buffer.push(RowKind::UpdateAfter, 0, [1, time, time].map(Scalar::Int));
        buffer.lend(|rows| chain.push(target(RIGHT), rows)).unwrap();
        let time = StreamTime { watermark: time - 100, is_idle: false };
        [LEFT, RIGHT].iter().for_each(|&input| chain.advance(target(input), time).unwrap());
        sizes.push(chain.snapshot()[0].parts[0].bytes.len());
    }
    // The version in force, a hundred later ones, and their timers.
    assert!(sizes[999] <= sizes[200] + 500 && sizes[999] < 5_000, "{sizes:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Without late rows the result is that of the definition, however the two sides interleave.
    #[test]
    fn rows_are_joined_by_the_definition(
        changes in prop::collection::vec((0i64..3, 0i64..4, 0u8..4), 0..30),
        orders in prop::collection::vec((0i64..3, 0i64..40), 0..30),
        with_watermarks: bool,
        with_condition: bool,
        mix in prop::collection::vec(0usize..2, 60),
    ) {
        // Time passes between the changes. Deletions are late by nature, so there are none beside watermarks.
        let (mut time, mut current) = (0, BTreeMap::<i64, Fields>::new());
        let mut versions = BTreeMap::<(i64, i64), Option<Fields>>::new();
        let mut of_right = Vec::new();
        for (k, step, what) in changes {
            time += step;
            let row = (k, time % 7, time);
            let mut events = Vec::new();
            match (current.get(&k).copied(), what) {
                (Some(old), 0) if !with_watermarks => {
                    events.push(rate("-D", old.0, old.1, old.2));
                    versions.insert((k, old.2), None);
                    current.remove(&k);
                }
                (old, _) => {
                    // No watermark comes between the two rows of an update, but the harness would send one.
                    if let Some(old) = old.filter(|_| what < 3 && !with_watermarks) {
                        events.push(rate("-U", old.0, old.1, old.2));
                    }
                    events.push(rate(if old.is_some() { "+U" } else { "+I" }, row.0, row.1, row.2));
                    versions.insert((k, time), Some(row));
                    current.insert(k, row);
                }
            }
            of_right.push((time, events));
        }
        let mut orders = orders;
        orders.sort_by_key(|order| order.1);
        let of_left = orders.iter().map(|&(k, time)| (time, vec![order(k, time % 5, time)])).collect();

        let mut expected = [BTreeMap::new(), BTreeMap::new()];
        for &(k, time) in &orders {
            let version = versions.range((k, i64::MIN)..=(k, time)).next_back().and_then(|(_, row)| *row);
            let version = version.filter(|version| !with_condition || time % 5 < version.1);
            let key = format!("{:?}", pair((k, time % 5, time), version).values);
            *expected[0].entry(key.clone()).or_insert(0) += 1;
            if version.is_some() {
                *expected[1].entry(key).or_insert(0) += 1;
            }
        }

        let mut sides: [Vec<(i64, Vec<Event>)>; 2] = [of_left, of_right];
        sides.iter_mut().for_each(|side| side.reverse());
        let mut events = Vec::new();
        for side in mix.iter().copied().chain(std::iter::repeat_n(0, 30)).chain(std::iter::repeat_n(1, 30)) {
            let Some((time, of_row)) = sides[side].pop() else { continue };
            if with_watermarks {
                events.push(watermark(side, time - 1));
            }
            events.extend(of_row);
        }

        for (kind, expected) in [JoinKind::Left, JoinKind::Inner].into_iter().zip(&expected) {
            let condition = with_condition.then(|| compares_in(&inputs(), Comparison::Less, 1, 4));
            let join = TemporalJoin { condition, ..join(kind) };
            with_harness(&join, |harness| harness.ends_with(&events, expected));
        }
    }
}
