//! Tests of the window join.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sql::expr::Comparison;
use sql::plan::operator::{JoinKey, JoinKind};
use types::{Repr, Value};

use super::*;
use crate::operator::chain::{Chain, ChainTarget, Link, StreamTime};
use crate::operator::changes::ChangeBuffer;
use crate::operator::harness::{Event, Harness, Row, insert, row, watermark};
use crate::operator::join::tests::{BY_K, compares_in, inputs_of, values};

const KINDS: [JoinKind; 7] = [
    JoinKind::Inner,
    JoinKind::Left,
    JoinKind::Right,
    JoinKind::Full,
    JoinKind::Semi,
    JoinKind::Anti,
    JoinKind::Mark,
];

fn inputs() -> Vec<Input> {
    inputs_of(&["k", "v", "window_start", "window_end"])
}

fn join(kind: JoinKind) -> WindowJoin {
    WindowJoin { kind, keys: vec![BY_K], windows: [(2, 3), (2, 3)], is_instant: false, condition: None }
}

fn with_harness(join: &WindowJoin, zone: &TimeZone, test: impl FnOnce(&Harness<'_>)) {
    let build = || {
        let operator = WindowJoinOperator::new("join".into(), join, &inputs(), zone).unwrap();
        Box::new(operator) as Box<dyn Operator>
    };
    let by = |side: fn(&JoinKey) -> usize| join.keys.iter().map(side).collect::<Vec<usize>>();
    let harness = Harness::new(&build, vec![vec![Repr::Int; 4], vec![Repr::Int; 4]]);
    match join.keys.is_empty() {
        true => test(&harness),
        false => test(&harness.keyed(vec![by(|key| key.left), by(|key| key.right)])),
    }
}

/// Returns a row in the window of length ten that begins at `start`.
fn fields(k: Option<i64>, v: i64, start: i64) -> Vec<Value> {
    values([k, Some(v), Some(start), Some(start + 10)])
}

fn on(input: usize, k: i64, v: i64, start: i64) -> Event {
    insert(input, fields(Some(k), v, start))
}

fn pair(left: Option<(i64, i64)>, right: Option<(i64, i64)>, start: i64) -> Row {
    let side = |row: Option<(i64, i64)>| match row {
        Some((k, v)) => fields(Some(k), v, start),
        None => vec![Value::Null; 4],
    };
    row("+I", [side(left), side(right)].concat())
}

#[test]
fn windows_are_joined_in_order_when_they_close() {
    with_harness(&join(JoinKind::Full), &TimeZone::UTC, |harness| {
        let events = [
            on(LEFT, 2, 1, 10),
            on(LEFT, 2, 2, 0),
            on(LEFT, 1, 3, 0),
            on(RIGHT, 2, 4, 10),
            on(RIGHT, 2, 5, 0),
            on(RIGHT, 3, 6, 0),
            on(RIGHT, 2, 7, 0),
        ];
        let expected = [
            pair(Some((1, 3)), None, 0),
            pair(Some((2, 2)), Some((2, 5)), 0),
            pair(Some((2, 2)), Some((2, 7)), 0),
            pair(None, Some((3, 6)), 0),
            pair(Some((2, 1)), Some((2, 4)), 10),
        ];
        harness.gives(&events, &expected);
    });
}

#[test]
fn a_row_of_a_closed_window_is_dropped_and_counted() {
    let mut operator =
        WindowJoinOperator::new("join".into(), &join(JoinKind::Full), &inputs(), &TimeZone::UTC).unwrap();
    operator.watermark = 9;
    let mut chain = chain_of(operator);
    push(&mut chain, [1, 1, 0, 10]);
    push(&mut chain, [1, 1, 1, 11]);
    assert_eq!(chain.take_late().map(|(_, late)| late).sum::<u64>(), 1);
    assert_eq!(chain.take_late().map(|(_, late)| late).sum::<u64>(), 0);

    with_harness(&join(JoinKind::Full), &TimeZone::UTC, |harness| {
        let events = [
            on(LEFT, 1, 1, 0),
            watermark(LEFT, 9),
            watermark(RIGHT, 8),
            on(RIGHT, 1, 2, 0),
            watermark(RIGHT, 9),
            on(LEFT, 1, 3, 0),
            on(RIGHT, 1, 4, 0),
        ];
        harness.gives(&events, &[pair(Some((1, 1)), Some((1, 2)), 0)]);
    });
}

#[test]
fn windows_of_instants_close_by_the_wall_clock_of_the_session() {
    let hour = 3_600_000;
    let zone = TimeZone::fixed(jiff::tz::offset(7));
    let instants = WindowJoin { is_instant: true, ..join(JoinKind::Inner) };
    with_harness(&instants, &zone, |harness| {
        let end = 24 * hour;
        let in_day = |input, v| insert(input, values([Some(1), Some(v), Some(0), Some(end)]));
        let both =
            [values([Some(1), Some(1), Some(0), Some(end)]), values([Some(1), Some(2), Some(0), Some(end)])];
        let last = 17 * hour - 1;

        let events = [
            in_day(LEFT, 1),
            watermark(LEFT, last),
            watermark(RIGHT, last - 1),
            in_day(RIGHT, 2),
            watermark(RIGHT, last),
            in_day(LEFT, 3),
            in_day(RIGHT, 4),
        ];

        harness.gives(&events, &[row("+I", both.concat())]);
    });
}

#[test]
fn windows_with_the_same_end_and_other_starts_are_others() {
    with_harness(&join(JoinKind::Inner), &TimeZone::UTC, |harness| {
        let session = |start| values([Some(1), Some(1), Some(start), Some(10)]);
        let events = [insert(LEFT, session(0)), insert(RIGHT, session(3)), insert(RIGHT, session(0))];
        harness.gives(&events, &[row("+I", [session(0), session(0)].concat())]);
    });
}

#[test]
fn state_goes_with_the_window() {
    let operator = WindowJoinOperator::new("join".into(), &join(JoinKind::Full), &inputs(), &TimeZone::UTC);
    let operator = operator.unwrap();
    let empty = operator.memory_bytes();
    let mut chain = chain_of(operator);
    (0..1_000).for_each(|v| push(&mut chain, [v % 10, v, 0, 10]));
    let bytes = |chain: &Chain| chain.memory_bytes().map(|(_, bytes)| bytes).sum::<usize>();
    assert!(bytes(&chain) > empty + 5_000);

    let time = StreamTime { watermark: 9, is_idle: false };
    (0..2).for_each(|input| chain.advance(target(input), time).unwrap());
    assert!(chain.snapshot()[0].parts.is_empty());
    // Columns of results stay allocated for the next window.
    assert!(bytes(&chain) < empty + 200_000, "{}", bytes(&chain));
}

fn chain_of(operator: WindowJoinOperator) -> Chain {
    let operator = Box::new(operator);
    let link = Link {
        identity: "join".into(),
        kind: "join".into(),
        operator,
        producers: vec![vec![1], vec![1]],
        targets: vec![],
    };
    Chain::new(vec![link], vec![])
}

fn target(input: usize) -> ChainTarget {
    ChainTarget::Operator { place: 0, input, producer: 0 }
}

fn push(chain: &mut Chain, row: [i64; 4]) {
    let mut buffer = ChangeBuffer::new(&[Repr::Int; 4]);
    buffer.push(RowKind::Insert, 0, row.map(Scalar::Int));
    buffer.lend(|rows| chain.push(target(LEFT), rows)).unwrap();
}

/// Key, value, and the window's start.
type Tuple = (Option<i64>, i64, i64);

fn rows() -> impl Strategy<Value = Vec<(usize, Tuple)>> {
    let key = prop_oneof![1 => Just(None), 6 => (0i64..3).prop_map(Some)];
    let row = (key, 0i64..5, 0i64..3).prop_map(|(k, v, window)| (k, v, window * 5));
    prop::collection::vec((0usize..2, row), 0..50)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_window_is_joined_by_the_definition(
        rows in rows(), nulls_match: bool, with_condition: bool, without_key in 0..4,
    ) {
        let side = |side: usize| {
            rows.iter().filter(move |(of, _)| *of == side).map(|(_, row)| *row).collect::<Vec<Tuple>>()
        };
        let (lefts, rights) = (side(LEFT), side(RIGHT));
        let are_partners = |l: &Tuple, r: &Tuple| {
            let keyed = without_key == 0 || (l.0 == r.0 && (l.0.is_some() || nulls_match));
            keyed && l.2 == r.2 && (!with_condition || l.1 < r.1)
        };
        let of = |row: &Tuple| fields(row.0, row.1, row.2);
        let nulls = || vec![Value::Null; 4];

        for kind in KINDS {
            let mut given: Vec<Vec<Value>> = vec![];
            for l in &lefts {
                let partners: Vec<&Tuple> = rights.iter().filter(|r| are_partners(l, r)).collect();
                match kind {
                    JoinKind::Semi if !partners.is_empty() => given.push(of(l)),
                    JoinKind::Anti if partners.is_empty() => given.push(of(l)),
                    JoinKind::Semi | JoinKind::Anti => {}
                    JoinKind::Mark => given.push([of(l), vec![Value::Bool(!partners.is_empty())]].concat()),
                    _ => {
                        given.extend(partners.iter().map(|r| [of(l), of(r)].concat()));
                        if partners.is_empty() && matches!(kind, JoinKind::Left | JoinKind::Full) {
                            given.push([of(l), nulls()].concat());
                        }
                    }
                }
            }
            if matches!(kind, JoinKind::Right | JoinKind::Full) {
                let alone = rights.iter().filter(|r| !lefts.iter().any(|l| are_partners(l, r)));
                given.extend(alone.map(|r| [nulls(), of(r)].concat()));
            }
            let mut expected = BTreeMap::new();
            given.iter().for_each(|values| *expected.entry(format!("{values:?}")).or_default() += 1);

            let keys = if without_key == 0 { vec![] } else { vec![JoinKey { nulls_match, ..BY_K }] };
            let condition = with_condition.then(|| compares_in(&inputs(), Comparison::Less, 1, 5));
            let join = WindowJoin { keys, condition, ..join(kind) };
            let events: Vec<Event> = rows.iter().map(|(side, row)| insert(*side, of(row))).collect();
            with_harness(&join, &TimeZone::UTC, |harness| harness.ends_with(&events, &expected));
        }
    }
}
