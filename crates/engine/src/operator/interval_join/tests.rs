//! Tests of the interval join.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sql::expr::Comparison;
use sql::plan::operator::{JoinKey, Time};
use types::{Interval, Scalar, Value};

use super::*;
use crate::operator::chain::{Chain, ChainTarget, Link, StreamTime};
use crate::operator::changes::{ChangeBuffer, RowKind};
use crate::operator::harness::{Event, Harness, Row, insert, row, watermark};
use crate::operator::join::shape::{LEFT, RIGHT};
use crate::operator::join::tests::{BY_K, FORMS, compares, inputs, values};

const KINDS: [JoinKind; 4] = [JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full];

/// Builds `a JOIN b ON a.k = b.k AND a.v - b.v BETWEEN lower AND upper`.
fn within(kind: JoinKind, lower: i64, upper: i64) -> IntervalJoin {
    IntervalJoin {
        kind,
        keys: vec![BY_K],
        left_time: Time::Event(1),
        right_time: Time::Event(1),
        lower: Interval(lower),
        upper: Interval(upper),
        condition: None,
    }
}

fn with_harness(join: &IntervalJoin, test: impl FnOnce(&Harness<'_>)) {
    let build = || {
        let operator = IntervalJoinOperator::new("join".into(), join, &inputs(), &TimeZone::UTC);
        Box::new(operator.unwrap()) as Box<dyn Operator>
    };
    let by = |side: fn(&JoinKey) -> usize| join.keys.iter().map(side).collect::<Vec<usize>>();
    let harness = Harness::new(&build, vec![FORMS.to_vec(), FORMS.to_vec()]);
    match join.keys.is_empty() {
        true => test(&harness),
        false => test(&harness.keyed(vec![by(|key| key.left), by(|key| key.right)])),
    }
}

fn on(input: usize, k: i64, time: i64) -> Event {
    insert(input, values([Some(k), Some(time)]))
}

fn pair(left: (i64, i64), right: (i64, i64)) -> Row {
    row("+I", values([Some(left.0), Some(left.1), Some(right.0), Some(right.1)]))
}

fn left(k: i64, time: i64) -> Row {
    row("+I", values([Some(k), Some(time), None, None]))
}

fn right(k: i64, time: i64) -> Row {
    row("+I", values([None, None, Some(k), Some(time)]))
}

#[test]
fn both_bounds_are_included() {
    with_harness(&within(JoinKind::Inner, -2, 5), |harness| {
        let mut events: Vec<Event> = (0..20).map(|time| on(RIGHT, 1, time)).collect();
        events.push(on(LEFT, 1, 10));
        events.push(on(LEFT, 2, 10));
        let expected: Vec<Row> = (5..=12).map(|time| pair((1, 10), (1, time))).collect();
        harness.gives(&events, &expected);
    });
}

#[test]
fn a_padded_row_comes_once_when_its_last_partner_is_past() {
    with_harness(&within(JoinKind::Full, -2, 5), |harness| {
        let events = [
            on(LEFT, 1, 10),
            on(RIGHT, 2, 10),
            on(LEFT, 3, 11),
            on(RIGHT, 3, 12),
            // Partners of the left row of key 1 have times up to 12, those of the right row of key 2 up to
            // 15.
            watermark(RIGHT, 11),
            watermark(LEFT, 100),
            on(LEFT, 9, 100),
            watermark(RIGHT, 12),
            // The row of key 1 was emitted: a right row that comes now has no partner.
            on(RIGHT, 1, 12),
            watermark(RIGHT, 14),
            watermark(LEFT, 101),
            on(LEFT, 9, 101),
            watermark(RIGHT, 15),
            on(LEFT, 9, 102),
        ];

        let expected = [
            pair((3, 11), (3, 12)),
            left(1, 10),
            right(2, 10),
            right(1, 12),
            left(9, 100),
            left(9, 101),
            left(9, 102),
        ];
        harness.gives(&events, &expected);
    });
}

#[test]
fn a_row_out_of_order_is_given_at_its_own_time() {
    with_harness(&within(JoinKind::Left, 0, 0), |harness| {
        let events = [
            on(LEFT, 1, 20),
            on(LEFT, 1, 10),
            on(LEFT, 1, 15),
            watermark(LEFT, 15),
            watermark(RIGHT, 15),
            on(RIGHT, 2, 30),
            // A partner of a row that is not emitted yet.
            on(LEFT, 2, 30),
        ];
        harness.gives(&events, &[left(1, 10), left(1, 15), pair((2, 30), (2, 30)), left(1, 20)]);
    });
}

#[test]
fn a_late_row_is_joined_with_what_is_kept() {
    with_harness(&within(JoinKind::Inner, 0, 10), |harness| {
        let events = [
            on(RIGHT, 1, 10),
            watermark(LEFT, 20),
            watermark(RIGHT, 20),
            on(LEFT, 1, 15),
            watermark(LEFT, 21),
            watermark(RIGHT, 21),
            on(LEFT, 1, 15),
        ];
        harness.gives(&events, &[pair((1, 15), (1, 10))]);
    });
}

#[test]
fn an_impossible_interval_pads_every_row() {
    with_harness(&within(JoinKind::Left, 5, 4), |harness| {
        let events = [on(LEFT, 1, 10), on(RIGHT, 1, 10), on(RIGHT, 1, 5)];
        harness.gives(&events, &[left(1, 10)]);
    });
}

#[test]
fn null_keys_have_no_partners() {
    with_harness(&within(JoinKind::Full, 0, 0), |harness| {
        let null = || values([None, Some(10)]);
        let expected = [
            row("+I", [null(), values([None, None])].concat()),
            row("+I", [values([None, None]), null()].concat()),
        ];
        harness.gives(&[insert(LEFT, null()), insert(RIGHT, null())], &expected);
    });
}

#[test]
fn consumers_see_a_watermark_held_back_by_the_larger_reach() {
    let held = |lower, upper| {
        let join = within(JoinKind::Inner, lower, upper);
        let operator = IntervalJoinOperator::new("join".into(), &join, &inputs(), &TimeZone::UTC).unwrap();
        [0, 100, i64::MAX, NO_WATERMARK].map(|watermark| operator.output_watermark(watermark))
    };
    assert_eq!(held(-2, 5), [-5, 95, i64::MAX, NO_WATERMARK]);
    assert_eq!(held(-20, -5), [-20, 80, i64::MAX, NO_WATERMARK]);
}

#[test]
fn processing_time_is_the_clock_when_a_row_comes() {
    let times = IntervalJoin {
        left_time: Time::Processing,
        right_time: Time::Processing,
        ..within(JoinKind::Left, -5, 5)
    };
    with_harness(&times, |harness| {
        let events = [
            Event::Clock(1_000),
            on(LEFT, 1, 1),
            on(LEFT, 2, 2),
            Event::Clock(1_005),
            on(RIGHT, 1, 3),
            Event::Clock(1_006),
            on(RIGHT, 2, 4),
            on(RIGHT, 1, 5),
        ];

        for batch in [1, 100] {
            let given = harness.run(&events, batch, 1, None).unwrap();
            assert_eq!(given, [pair((1, 1), (1, 3)), left(2, 2)]);
        }
    });
}

#[test]
fn kept_rows_go_when_the_watermark_has_passed_them() {
    let join = within(JoinKind::Inner, -10, 10);
    let operator = IntervalJoinOperator::new("join".into(), &join, &inputs(), &TimeZone::UTC).unwrap();
    let before = operator.memory_bytes();
    let operator = Box::new(operator);
    let link = Link {
        identity: "join".into(),
        kind: "join".into(),
        operator,
        producers: vec![vec![1], vec![1]],
        targets: vec![],
    };
    let mut chain = Chain::new(vec![link], vec![]);
    let target = |input| ChainTarget::Operator { place: 0, input, producer: 0 };
    let bytes = |chain: &Chain| chain.memory_bytes().map(|(_, bytes)| bytes).sum::<usize>();

    let mut buffer = ChangeBuffer::new(&FORMS);
    (0..1_000).for_each(|time| buffer.push(RowKind::Insert, 0, [Scalar::Int(time % 10), Scalar::Int(time)]));
    buffer.lend(|rows| chain.push(target(LEFT), rows)).unwrap();
    assert!(bytes(&chain) > before + 30_000);

    let time = StreamTime { watermark: 5_000, is_idle: false };
    chain.advance(target(LEFT), time).unwrap();
    chain.advance(target(RIGHT), time).unwrap();
    assert!(chain.snapshot()[0].parts.is_empty());
    assert!(bytes(&chain) < before + 3_000, "{}", bytes(&chain));
}

/// Generates rows of each side in order of time, as a source without late rows sends them.
fn rows() -> impl Strategy<Value = [Vec<(Option<i64>, i64)>; 2]> {
    let key = prop_oneof![1 => Just(None), 6 => (0i64..3).prop_map(Some)];
    let side = prop::collection::vec((key, 0i64..40), 0..25).prop_map(|mut rows| {
        rows.sort_by_key(|row| row.1);
        rows
    });
    [side.clone(), side]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Without late rows the result is that of the definition, however the two sides interleave.
    #[test]
    fn pairs_are_those_of_the_definition(
        rows in rows(),
        lower in -12i64..12,
        width in -1i64..15,
        with_condition: bool,
        without_key in 0..4,
        order in prop::collection::vec(0usize..2, 50),
    ) {
        let bounds = lower..=lower + width;
        for kind in KINDS {
            let keys = if without_key == 0 { vec![] } else { vec![BY_K] };
            let condition = with_condition.then(|| compares(Comparison::Less, 1, 3));
            let join = IntervalJoin { keys, condition, ..within(kind, lower, lower + width) };
            let are_partners = |l: &(Option<i64>, i64), r: &(Option<i64>, i64)| {
                let keyed = without_key == 0 || (l.0.is_some() && l.0 == r.0);
                keyed && bounds.contains(&(l.1 - r.1)) && (!with_condition || l.1 < r.1)
            };

            let mut given: Vec<Vec<Value>> = vec![];
            for l in &rows[0] {
                let partners: Vec<_> = rows[1].iter().filter(|r| are_partners(l, r)).collect();
                given.extend(partners.iter().map(|r| values([l.0, Some(l.1), r.0, Some(r.1)])));
                if partners.is_empty() && matches!(kind, JoinKind::Left | JoinKind::Full) {
                    given.push(values([l.0, Some(l.1), None, None]));
                }
            }
            if matches!(kind, JoinKind::Right | JoinKind::Full) {
                let alone = rows[1].iter().filter(|r| !rows[0].iter().any(|l| are_partners(l, r)));
                given.extend(alone.map(|r| values([None, None, r.0, Some(r.1)])));
            }
            let mut expected = BTreeMap::new();
            given.iter().for_each(|values| *expected.entry(format!("{values:?}")).or_default() += 1);

            // A row's time becomes the watermark once the next row of its side is later.
            let mut events = vec![];
            let mut next = [0, 0];
            for side in order.iter().copied().chain(std::iter::repeat_n(0, 25)).chain(std::iter::repeat_n(1, 25)) {
                let Some(row) = rows[side].get(next[side]) else { continue };
                events.push(watermark(side, row.1 - 1));
                events.push(insert(side, values([row.0, Some(row.1)])));
                next[side] += 1;
            }
            with_harness(&join, |harness| harness.ends_with(&events, &expected));
        }
    }
}
