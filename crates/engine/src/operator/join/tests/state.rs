//! The state of a join: its time to live, its memory, and images of other joins.

use super::*;
use crate::operator::chain::{Chain, ChainTarget, Link};
use crate::operator::changes::ChangeBuffer;
use crate::operator::harness::{Event, change, row};

fn on(input: usize, code: &str, k: i64, v: i64) -> Event {
    change(input, code, values([Some(k), Some(v)]))
}

#[test]
fn rows_that_nothing_touches_are_forgotten_after_their_time_to_live() {
    let join = by_key(JoinKind::Left);
    let build = || operator_of(&join, Some(1_000));
    let harness = Harness::new(&build, vec![FORMS.to_vec(), FORMS.to_vec()]);
    let events = [
        Event::Clock(10_000),
        on(RIGHT, "+I", 1, 20),
        Event::Clock(10_999),
        on(LEFT, "+I", 1, 10),
        Event::Clock(11_000),
        on(LEFT, "+I", 1, 11),
        // The right row is gone, but the left row was emitted with it.
        on(LEFT, "-D", 1, 10),
        on(RIGHT, "-D", 1, 20),
    ];

    let expected = [
        row("+I", values([Some(1), Some(10), Some(1), Some(20)])),
        row("+I", values([Some(1), Some(11), None, None])),
    ];

    for batch in [1, 100] {
        assert_eq!(harness.run(&events, batch, 1, None).unwrap(), expected);
    }
}

#[test]
fn each_side_has_a_time_to_live_of_its_own() {
    let join = by_key(JoinKind::Inner);
    let build = || -> Box<dyn Operator> {
        let ttl = [None, Some(Interval(1_000))];
        Box::new(JoinOperator::new("join".into(), &join, &inputs(), &ttl, &TimeZone::UTC).unwrap())
    };
    let harness = Harness::new(&build, vec![FORMS.to_vec(), FORMS.to_vec()]);
    let events = [
        Event::Clock(10_000),
        on(LEFT, "+I", 1, 10),
        on(RIGHT, "+I", 1, 20),
        Event::Clock(11_000),
        on(LEFT, "+I", 1, 11),
        on(RIGHT, "+I", 1, 21),
    ];
    let pair = |left, right| row("+I", values([Some(1), Some(left), Some(1), Some(right)]));
    let expected = [pair(10, 20), pair(10, 21), pair(11, 21)];
    for batch in [1, 100] {
        assert_eq!(harness.run(&events, batch, 1, None).unwrap(), expected);
    }
}

#[test]
fn idle_state_is_freed_by_ticks() {
    let mut operator = operator_of(&by_key(JoinKind::Inner), Some(1_000));
    assert_eq!(operator.next_tick(), None);
    let mut chain = chain_of(&mut operator);
    let empty = bytes(&chain);
    chain.set_now(5_000);

    let mut buffer = ChangeBuffer::new(&FORMS);
    (0..1_000).for_each(|k| buffer.push(RowKind::Insert, 0, [Scalar::Int(k), Scalar::Int(0)]));
    buffer.lend(|rows| chain.push(target(LEFT), rows)).unwrap();
    assert!(bytes(&chain) > empty + 10_000);
    assert_eq!(chain.next_tick(), Some(5_500));

    chain.set_now(6_000);
    chain.tick().unwrap();
    // The map's table keeps its capacity.
    let after = bytes(&chain);
    chain.set_now(7_000);
    chain.tick().unwrap();
    assert!(after == bytes(&chain) && after < empty + 100_000, "{after}");
}

#[test]
fn an_image_of_another_form_is_refused() {
    let mut before = chain_of(&mut operator_of(&by_key(JoinKind::Inner), None));
    let mut buffer = ChangeBuffer::new(&FORMS);
    buffer.push(RowKind::Insert, 0, [Scalar::Int(1), Scalar::Int(2)]);
    buffer.lend(|rows| before.push(target(LEFT), rows)).unwrap();

    let image = before.snapshot().remove(0);
    let mut after = operator_of(&by_key(JoinKind::Left), None);
    let refused = after.restore(&image.parts[0]).unwrap_err();
    assert!(refused.what.contains("another join"), "{refused}");
}

fn chain_of(operator: &mut Box<dyn Operator>) -> Chain {
    let operator = std::mem::replace(operator, operator_of(&by_key(JoinKind::Inner), None));
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

fn bytes(chain: &Chain) -> usize {
    chain.memory_bytes().map(|(_, bytes)| bytes).sum()
}
