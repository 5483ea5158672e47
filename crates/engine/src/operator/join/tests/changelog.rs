//! The emitted rows with their kinds, where Flink's are known.

use sql::expr::Comparison;

use super::*;
use crate::operator::harness::{Event, Row, change, insert, row};

const L: usize = LEFT;
const R: usize = RIGHT;

fn int(value: i64) -> Option<i64> {
    Some(value)
}

fn on(input: usize, code: &str, k: i64, v: i64) -> Event {
    change(input, code, values([int(k), int(v)]))
}

fn pair(code: &str, left: (i64, i64), right: (i64, i64)) -> Row {
    row(code, values([int(left.0), int(left.1), int(right.0), int(right.1)]))
}

fn padded(code: &str, left: (i64, i64)) -> Row {
    row(code, values([int(left.0), int(left.1), None, None]))
}

fn left(code: &str, left: (i64, i64)) -> Row {
    row(code, values([int(left.0), int(left.1)]))
}

#[test]
fn an_inner_join_keeps_the_kinds_of_rows() {
    with_harness(&by_key(JoinKind::Inner), |harness| {
        let events = [
            on(L, "+I", 1, 10),
            on(R, "+I", 1, 20),
            on(R, "+I", 1, 21),
            on(L, "-U", 1, 10),
            on(L, "+U", 1, 11),
            on(R, "-D", 1, 20),
            on(R, "+I", 2, 22),
        ];

        let expected = [
            pair("+I", (1, 10), (1, 20)),
            pair("+I", (1, 10), (1, 21)),
            pair("-U", (1, 10), (1, 20)),
            pair("-U", (1, 10), (1, 21)),
            pair("+U", (1, 11), (1, 20)),
            pair("+U", (1, 11), (1, 21)),
            pair("-D", (1, 11), (1, 20)),
        ];
        harness.gives(&events, &expected);
    });
}

#[test]
fn a_left_join_replaces_the_padded_row_by_delete_and_insert() {
    with_harness(&by_key(JoinKind::Left), |harness| {
        let events = [
            on(L, "+I", 1, 10),
            on(R, "+I", 1, 20),
            on(R, "-U", 1, 20),
            on(R, "+U", 1, 21),
            on(L, "-U", 1, 10),
            on(L, "+U", 1, 11),
            on(R, "-D", 1, 21),
            on(L, "-D", 1, 11),
        ];

        let expected = [
            padded("+I", (1, 10)),
            padded("-D", (1, 10)),
            pair("+I", (1, 10), (1, 20)),
            pair("-U", (1, 10), (1, 20)),
            padded("+I", (1, 10)),
            padded("-D", (1, 10)),
            pair("+I", (1, 10), (1, 21)),
            pair("-D", (1, 10), (1, 21)),
            pair("+I", (1, 11), (1, 21)),
            pair("-D", (1, 11), (1, 21)),
            padded("+I", (1, 11)),
            padded("-D", (1, 11)),
        ];
        harness.gives(&events, &expected);
    });
}

#[test]
fn a_full_join_pads_both_sides() {
    with_harness(&by_key(JoinKind::Full), |harness| {
        let alone = |code, k, v| row(code, values([None, None, int(k), int(v)]));
        let events = [on(R, "+I", 1, 20), on(L, "+I", 1, 10), on(L, "-D", 1, 10), on(R, "-D", 1, 20)];
        let expected = [
            alone("+I", 1, 20),
            alone("-D", 1, 20),
            pair("+I", (1, 10), (1, 20)),
            pair("-D", (1, 10), (1, 20)),
            alone("+I", 1, 20),
            alone("-D", 1, 20),
        ];
        harness.gives(&events, &expected);
    });
}

#[test]
fn a_semi_join_gives_a_row_once() {
    with_harness(&by_key(JoinKind::Semi), |harness| {
        let events = [
            on(L, "+I", 1, 10),
            on(R, "+I", 1, 20),
            on(R, "+I", 1, 21),
            on(L, "-U", 1, 10),
            on(L, "+U", 1, 11),
            on(R, "-D", 1, 20),
            on(R, "-U", 1, 21),
        ];
        let expected = [left("+I", (1, 10)), left("-U", (1, 10)), left("+U", (1, 11)), left("-U", (1, 11))];
        harness.gives(&events, &expected);
    });
}

#[test]
fn an_anti_join_takes_a_row_back_when_a_partner_comes() {
    with_harness(&by_key(JoinKind::Anti), |harness| {
        let events = [
            on(L, "+I", 1, 10),
            on(R, "+I", 1, 20),
            on(R, "-U", 1, 20),
            on(R, "+U", 1, 21),
            on(L, "-D", 1, 10),
        ];
        let expected = [left("+I", (1, 10)), left("-D", (1, 10)), left("+I", (1, 10)), left("-D", (1, 10))];
        harness.gives(&events, &expected);
    });
}

#[test]
fn a_mark_join_updates_the_mark() {
    with_harness(&by_key(JoinKind::Mark), |harness| {
        let marked = |code, v, mark| {
            let mut row_values = values([int(1), int(v)]);
            row_values.push(Value::Bool(mark));
            row(code, row_values)
        };

        let events = [
            on(L, "+I", 1, 10),
            on(R, "+I", 1, 20),
            on(R, "+I", 1, 21),
            on(L, "+I", 1, 11),
            on(R, "-D", 1, 21),
            on(R, "-D", 1, 20),
            on(L, "-D", 1, 10),
        ];

        let expected = [
            marked("+I", 10, false),
            marked("-U", 10, false),
            marked("+U", 10, true),
            marked("+I", 11, true),
            marked("-U", 10, true),
            marked("+U", 10, false),
            marked("-U", 11, true),
            marked("+U", 11, false),
            marked("-D", 10, false),
        ];
        harness.gives(&events, &expected);
    });
}

#[test]
fn copies_of_rows_multiply() {
    with_harness(&by_key(JoinKind::Left), |harness| {
        let events = [
            on(L, "+I", 1, 10),
            on(L, "+I", 1, 10),
            on(R, "+I", 1, 20),
            on(R, "+I", 1, 20),
            on(L, "-D", 1, 10),
            on(R, "-D", 1, 20),
            on(R, "-D", 1, 20),
        ];

        let joined = |code| pair(code, (1, 10), (1, 20));
        let alone = |code| padded(code, (1, 10));

        let expected = [
            alone("+I"),
            alone("+I"),
            alone("-D"),
            alone("-D"),
            joined("+I"),
            joined("+I"),
            joined("+I"),
            joined("+I"),
            joined("-D"),
            joined("-D"),
            joined("-D"),
            joined("-D"),
            alone("+I"),
        ];
        harness.gives(&events, &expected);
    });
}

#[test]
fn null_is_a_partner_only_of_null_and_only_where_nulls_match() {
    let events = [insert(L, values([None, int(10)])), insert(R, values([None, int(20)]))];
    with_harness(&by_key(JoinKind::Full), |harness| {
        let expected =
            [row("+I", values([None, int(10), None, None])), row("+I", values([None, None, None, int(20)]))];
        harness.gives(&events, &expected);
    });

    let keys = vec![JoinKey { nulls_match: true, ..BY_K }];
    with_harness(&Join { keys, ..by_key(JoinKind::Inner) }, |harness| {
        harness.gives(&events, &[row("+I", values([None, int(10), None, int(20)]))]);
    });
}

#[test]
fn a_condition_decides_which_rows_are_partners() {
    let condition = Some(compares(Comparison::Less, 1, 3));
    with_harness(&Join { condition, ..by_key(JoinKind::Left) }, |harness| {
        let events = [
            on(L, "+I", 1, 10),
            on(L, "+I", 1, 20),
            on(R, "+I", 1, 15),
            on(R, "+I", 1, 5),
            on(L, "+I", 1, 1),
            on(R, "-D", 1, 15),
        ];

        let expected = [
            padded("+I", (1, 10)),
            padded("+I", (1, 20)),
            padded("-D", (1, 10)),
            pair("+I", (1, 10), (1, 15)),
            pair("+I", (1, 1), (1, 15)),
            pair("+I", (1, 1), (1, 5)),
            pair("-D", (1, 10), (1, 15)),
            padded("+I", (1, 10)),
            pair("-D", (1, 1), (1, 15)),
        ];
        harness.gives(&events, &expected);
    });
}

#[test]
fn a_row_with_more_partners_than_a_batch_of_pairs_is_given_once_with_each() {
    let condition = Some(compares(Comparison::NotEqual, 1, 3));
    with_harness(&Join { condition, ..by_key(JoinKind::Full) }, |harness| {
        let mut events: Vec<Event> = (0..10_000).map(|v| on(R, "+I", 1, v)).collect();
        events.extend([on(L, "+I", 1, 7), on(L, "+I", 1, 10_001), on(L, "-D", 1, 7)]);
        let given = harness.run(&events, 1_000, 1, None).unwrap();
        let count = |code: &str, is_pair: bool| {
            let counts = |given: &&Row| given.values[0].is_null() != is_pair && given.kind.code() == code;
            given.iter().filter(counts).count()
        };
        assert_eq!((count("+I", true), count("-D", true)), (9_999 + 10_000, 9_999));
        // Row 7 gets its first partner later than the others.
        assert_eq!((count("+I", false), count("-D", false)), (10_000, 10_000));
    });
}

#[test]
fn a_row_taken_back_that_is_not_there_is_ignored() {
    with_harness(&by_key(JoinKind::Full), |harness| {
        let events = [on(L, "-D", 1, 10), on(R, "+I", 1, 20), on(L, "-U", 1, 11)];
        harness.gives(&events, &[row("+I", values([None, None, int(1), int(20)]))]);
    });
}

#[test]
fn rows_of_a_unique_side_may_come_before_those_that_they_replace_go() {
    with_harness(&Join { unique: [true, true], ..by_key(JoinKind::Left) }, |harness| {
        let events = [
            on(L, "+I", 1, 10),
            on(R, "+I", 1, 20),
            on(R, "+U", 1, 21),
            on(R, "-U", 1, 20),
            on(L, "+I", 1, 11),
            on(L, "-D", 1, 10),
        ];

        let expected = [
            padded("+I", (1, 10)),
            padded("-D", (1, 10)),
            pair("+I", (1, 10), (1, 20)),
            pair("+I", (1, 10), (1, 21)),
            pair("-U", (1, 10), (1, 20)),
            pair("+I", (1, 11), (1, 21)),
            pair("-D", (1, 10), (1, 21)),
        ];
        harness.gives(&events, &expected);
    });
}

#[test]
fn a_null_in_the_list_of_not_in_takes_every_row_back() {
    let keys = vec![JoinKey { left: 1, right: 1, nulls_match: false }];
    with_harness(&Join { keys, null_aware: true, ..by_key(JoinKind::Anti) }, |harness| {
        let of = |v: Option<i64>| values([Some(1), v]);

        let events = [
            insert(L, of(Some(10))),
            insert(L, of(None)),
            insert(R, of(Some(11))),
            insert(L, of(Some(11))),
            insert(R, of(None)),
            insert(L, of(Some(12))),
            change(R, "-D", of(Some(11))),
            change(R, "-D", of(None)),
        ];

        let expected =
            [row("+I", of(Some(10))), row("+I", of(None)), row("-D", of(None)), row("-D", of(Some(10)))];

        let given = harness.run(&events, 3, 1, None).unwrap();
        assert_eq!(given[..4], expected);

        let mut back = given[4..].to_vec();
        back.sort_by_key(|row| format!("{row:?}"));
        let returned =
            [row("+I", of(Some(10))), row("+I", of(Some(11))), row("+I", of(Some(12))), row("+I", of(None))];
        assert_eq!(back, returned);
    });
}
