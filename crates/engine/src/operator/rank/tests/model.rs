//! Top-N compared with a list that is sorted anew.

use std::collections::BTreeMap;

use proptest::prelude::*;
use types::Value;

use super::*;

/// Returns the rows in the range, by sorting all rows of each partition.
fn naive(rows: &[(usize, i64, i64)], case: &Case) -> BTreeMap<String, i64> {
    let RankEnd::Constant(to) = case.spec.to else { unreachable!() };
    let mut expected = Vec::new();
    for key in 0..3 {
        let mut of_key: Vec<_> = rows.iter().filter(|row| row.0 == key).collect();
        of_key.sort_by_key(|row| row.1);
        for (at, &&(key, n, id)) in of_key.iter().enumerate() {
            let number = at as u64 + 1;
            if (case.spec.from..=to).contains(&number) {
                let key = ["a", "b", "c"][key];
                expected.push(match case.spec.with_number {
                    true => numbered("+I", key, n, id, number as i64),
                    false => given("+I", key, n, id),
                });
            }
        }
    }
    standing(&expected)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Few sort keys and few rows make many ties and duplicates; long streams make trees and an index.
    #[test]
    fn the_rows_that_stand_are_those_of_a_sorted_list(
        steps in prop::collection::vec((0usize..2, 0i64..4, 0i64..20, any::<prop::sample::Index>(), 0u8..5), 1..400),
        from in 1u64..60, more in 0u64..80, sort_keys in 1i64..4, with_number: bool, retracts: bool, by_row: bool,
    ) {
        let case = top(from, from + more);
        let case = if with_number { case.numbered() } else { case };
        let case = case.over(if retracts { Mode::Retract } else { Mode::Append });

        let case = if by_row { case.by_row() } else { case };

        let mut rows: Vec<(usize, i64, i64)> = Vec::new();
        let mut events = Vec::new();
        for (key, n, id, victim, dice) in steps {
            if retracts && dice < 2 && !rows.is_empty() {
                let (key, n, id) = rows[victim.index(rows.len())];
                let at = rows.iter().position(|row| *row == (key, n, id)).unwrap();
                rows.remove(at);
                events.push(changed("-D", ["a", "b", "c"][key], n, id));
            } else {
                let n = n % sort_keys;
                rows.push((key, n, id));
                events.push(event(["a", "b", "c"][key], n, id));
            }
        }

        let expected = naive(&rows, &case);
        for (batch, parallelism, restored) in
            [(1_000, 1, None), (7, 2, Some(events.len() / 2)), (1, 1, Some(events.len() * 4 / 5))]
        {
            let given = case.with(|harness| harness.run(&events, batch, parallelism, restored)).unwrap();
            prop_assert_eq!(standing(&given), expected.clone());
            // No row is retracted that is not present.
            let mut standing: Vec<&[Value]> = Vec::new();
            for row in &given {
                let at = standing.iter().position(|other| *other == row.values);
                match (row.kind.is_addition(), at) {
                    (true, _) => standing.push(&row.values),
                    (false, Some(at)) => drop(standing.swap_remove(at)),
                    (false, None) => prop_assert!(false, "{row:?} does not stand"),
                }
            }
        }
    }
}
