//! The join compared with a naive one: its final rows are the join of the final rows of both sides.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sql::expr::Comparison;

use super::*;
use crate::operator::harness::{Event, change, standing};

type Pair = (Option<i64>, Option<i64>);

const KINDS: [JoinKind; 7] = [
    JoinKind::Inner,
    JoinKind::Left,
    JoinKind::Right,
    JoinKind::Full,
    JoinKind::Semi,
    JoinKind::Anti,
    JoinKind::Mark,
];

/// A change of a side: adds `row`, or removes a row instead.
#[derive(Debug, Clone)]
struct Step {
    side: usize,
    row: Pair,
    /// The index of the removed row among the current rows.
    removes: Option<usize>,
    updates: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let value = prop_oneof![1 => Just(None), 6 => (0i64..3).prop_map(Some)];
    let removes = prop_oneof![2 => Just(None), 1 => (0usize..100).prop_map(Some)];
    let step = (0usize..2, value.clone(), value, removes, any::<bool>());
    let step = step.prop_map(|(side, k, v, removes, updates)| Step { side, row: (k, v), removes, updates });
    prop::collection::vec(step, 1..60)
}

/// Returns the events of some steps, and the resulting rows of each side.
fn play(steps: &[Step], unique: [bool; 2]) -> (Vec<Event>, [Vec<Pair>; 2]) {
    let (mut events, mut sides) = (Vec::new(), [Vec::new(), Vec::new()]);
    let event = |side: usize, code: &str, row: Pair| change(side, code, values([row.0, row.1]));
    for step in steps {
        let rows: &mut Vec<Pair> = &mut sides[step.side];
        if let Some(place) = step.removes {
            if !rows.is_empty() {
                let row = rows.remove(place % rows.len());
                events.push(event(step.side, if step.updates { "-U" } else { "-D" }, row));
            }
            continue;
        }

        let known = rows.iter().position(|row| row.0 == step.row.0);
        let mut code = if step.updates { "+U" } else { "+I" };
        if let (true, Some(place)) = (unique[step.side], known) {
            events.push(event(step.side, "-U", rows.remove(place)));
            code = "+U";
        }
        rows.push(step.row);
        events.push(event(step.side, code, step.row));
    }
    (events, sides)
}

/// Joins by the definition: looks at every pair.
fn naive(join: &Join, sides: &[Vec<Pair>; 2]) -> BTreeMap<String, i64> {
    let get = |row: &Pair, field: usize| if field == 0 { row.0 } else { row.1 };
    let (keys, compared) = match (join.null_aware, join.keys.split_last()) {
        (true, Some((last, before))) => (before, Some(last)),
        _ => (&join.keys[..], None),
    };
    let are_partners = |l: &Pair, r: &Pair| {
        let keyed = keys.iter().all(|key| {
            let (a, b) = (get(l, key.left), get(r, key.right));
            a == b && (a.is_some() || key.nulls_match)
        });
        let compared = compared.is_none_or(|key| {
            let (a, b) = (get(l, key.left), get(r, key.right));
            a.is_none() || b.is_none() || a == b
        });
        // The only condition here is `left.v < right.v`.
        let passes = join.condition.is_none() || matches!((l.1, r.1), (Some(a), Some(b)) if a < b);
        keyed && compared && passes
    };

    let [left, right] = sides;
    let mut given: Vec<Vec<Value>> = Vec::new();
    let row = |l: Pair, r: Pair| values([l.0, l.1, r.0, r.1]);
    for l in left {
        let partners: Vec<&Pair> = right.iter().filter(|r| are_partners(l, r)).collect();
        let alone = values([l.0, l.1]);
        match join.kind {
            JoinKind::Semi if !partners.is_empty() => given.push(alone),
            JoinKind::Anti if partners.is_empty() => given.push(alone),
            JoinKind::Semi | JoinKind::Anti => {}
            JoinKind::Mark => {
                given.push([alone, vec![Value::Bool(!partners.is_empty())]].concat());
            }
            _ => {
                given.extend(partners.iter().map(|r| row(*l, **r)));
                if partners.is_empty() && matches!(join.kind, JoinKind::Left | JoinKind::Full) {
                    given.push(row(*l, (None, None)));
                }
            }
        }
    }
    if matches!(join.kind, JoinKind::Right | JoinKind::Full) {
        let alone = right.iter().filter(|r| !left.iter().any(|l| are_partners(l, r)));
        given.extend(alone.map(|r| row((None, None), *r)));
    }

    let mut standing = BTreeMap::new();
    given.iter().for_each(|values| *standing.entry(format!("{values:?}")).or_default() += 1);
    standing
}

fn agrees(join: &Join, steps: &[Step]) {
    let (events, sides) = play(steps, join.unique);
    let expected = naive(join, &sides);
    with_harness(join, |harness| {
        harness.ends_with(&events, &expected);

        // No row is retracted that was not emitted.
        let given = harness.run(&events, 7, 1, None).unwrap();
        for end in 0..given.len() {
            let standing = standing(&given[..=end]);
            assert!(standing.values().all(|&count| count > 0), "{join:?}: {:?}", &given[..=end]);
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_stands_is_the_join_of_what_stands(
        steps in steps(), nulls_match: bool, with_condition: bool, without_key in 0..4, unique: [bool; 2],
    ) {
        for kind in KINDS {
            let keys = if without_key == 0 { vec![] } else { vec![JoinKey { nulls_match, ..BY_K }] };
            let unique = unique.map(|unique| unique && !keys.is_empty());
            let condition = with_condition.then(|| compares(Comparison::Less, 1, 3));
            agrees(&Join { kind, keys, condition, null_aware: false, unique }, &steps);
        }
    }

    #[test]
    fn not_in_follows_the_logic_of_nulls(steps in steps(), correlated: bool, with_condition: bool) {
        let compared = JoinKey { left: 1, right: 1, nulls_match: false };
        let keys = if correlated { vec![BY_K, compared] } else { vec![compared] };
        let condition = with_condition.then(|| compares(Comparison::Less, 1, 3));
        let join = Join { kind: JoinKind::Anti, keys, condition, null_aware: true, unique: [false, false] };
        agrees(&join, &steps);
    }
}
