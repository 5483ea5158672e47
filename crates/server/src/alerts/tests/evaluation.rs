//! Which series fire: a table of cases, and a naive model over random rows.

use std::collections::{BTreeMap, BTreeSet};

use jobs::ColumnKind;
use proptest::prelude::*;
use serde_json::json;

use super::super::document::Rule;
use super::super::evaluate::{FiringSeries, Settled, evaluate};
use super::super::state::AlertState;
use super::{key, row, rule};
use crate::results::Rows;

/// A change of the rows.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Page, minute, number, and whether the row is final.
    Write(&'static str, u32, Option<i64>, bool),
    Delete(&'static str, u32),
    /// All rows of minutes before this one expire.
    Expire(u32),
}

use Step::{Delete, Expire, Write};

/// Returns the row of a final number.
fn last(page: &'static str, minute: u32, n: i64) -> Step {
    Write(page, minute, Some(n), true)
}

struct Table {
    rows: Rows,
    rule: Rule,
    firing: FiringSeries,
    settled: Settled,
}

impl Table {
    fn new(rule: Rule) -> Table {
        let columns =
            [("page", ColumnKind::Text), ("n", ColumnKind::Integer), ("window_end", ColumnKind::Time)];
        let rows = Rows::new("pages:{page}:{window_end}", &columns);
        Table { rows, rule, firing: FiringSeries::new(), settled: Settled::new() }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Write(page, minute, n, is_final) => {
                let expires = i64::from(minute + 1) * 1_000;
                self.rows.write(&key(page, minute), &row(page, minute, n, is_final), expires);
            }
            Delete(page, minute) => self.rows.delete(&key(page, minute)),
            Expire(minute) => self.rows.expire(i64::from(minute) * 1_000),
        }
    }

    /// Returns the transitions as `page state reason`.
    fn evaluate(&mut self) -> Vec<String> {
        let found = self.rows.series(&self.rule.question()).expect("series");
        let windows = self.rule.for_windows as usize;
        let transitions =
            evaluate(&self.rule.bound(), windows, (&mut self.firing, &mut self.settled), &found, "now");
        let written = transitions.iter().map(|transition| {
            let page = transition.series["page"].as_str().expect("a page");
            format!("{page} {:?} {}", transition.state, transition.reason)
        });
        written.collect()
    }
}

fn parsed(more: &serde_json::Value) -> Rule {
    Rule::parse(rule(more).to_string().as_bytes(), None).expect("a rule")
}

const FIRES: &str = "a Firing beyond the bound";
const WITHIN: &str = "a Resolved within the bound";
const NO_ROWS: &str = "a Resolved no rows";

#[test]
fn a_series_fires_after_exactly_so_many_windows_and_ends_with_the_first_within_the_bound() {
    let three = json!({"for_windows": 3});
    for (what, more, steps) in [
        (
            "the third of three windows in sequence",
            &three,
            vec![
                (last("a", 1, 11), vec![]),
                (last("a", 2, 12), vec![]),
                (last("a", 3, 13), vec![FIRES]),
                (last("a", 4, 14), vec![]),
                (last("a", 5, 10), vec![WITHIN]),
                (last("a", 6, 11), vec![]),
                (last("a", 7, 11), vec![]),
                (last("a", 8, 11), vec![FIRES]),
            ],
        ),
        (
            "a row within the bound begins the count anew",
            &three,
            vec![
                (last("a", 1, 11), vec![]),
                (last("a", 2, 12), vec![]),
                (last("a", 3, 3), vec![]),
                (last("a", 4, 11), vec![]),
                (last("a", 5, 11), vec![]),
                (last("a", 6, 11), vec![FIRES]),
            ],
        ),
        (
            "a number that equals the bound is not beyond it",
            &json!({}),
            vec![(last("a", 1, 10), vec![]), (last("a", 2, 11), vec![FIRES])],
        ),
        (
            "below",
            &json!({"above": null, "below": 5}),
            vec![(last("a", 1, 5), vec![]), (last("a", 2, 4), vec![FIRES]), (last("a", 3, 5), vec![WITHIN])],
        ),
        (
            "rows that are not final, or null, do not count",
            &json!({"for_windows": 2}),
            vec![
                (last("a", 1, 11), vec![]),
                (Write("a", 2, Some(12), false), vec![]),
                (Write("a", 3, None, true), vec![]),
                (last("a", 4, 13), vec![FIRES]),
                (Write("a", 5, Some(1), false), vec![]),
                (Write("a", 6, None, true), vec![]),
                (Write("a", 5, Some(1), true), vec![WITHIN]),
            ],
        ),
        (
            "windows without a row do not interrupt",
            &three,
            vec![(last("a", 1, 11), vec![]), (last("a", 20, 11), vec![]), (last("a", 59, 11), vec![FIRES])],
        ),
        (
            "a correction of the newest row, and of an older one",
            &json!({"for_windows": 2}),
            vec![
                (last("a", 1, 11), vec![]),
                (last("a", 2, 11), vec![FIRES]),
                (last("a", 2, 9), vec![WITHIN]),
                (last("a", 2, 12), vec![FIRES]),
                (last("a", 1, 9), vec![]),
                (last("a", 2, 3), vec![WITHIN]),
                (last("a", 2, 11), vec![]),
                (last("a", 1, 11), vec![FIRES]),
            ],
        ),
        (
            "a late window is in the order of time, not of arrival",
            &json!({"for_windows": 2}),
            vec![
                (last("a", 5, 11), vec![]),
                (last("a", 3, 1), vec![]),
                (last("a", 4, 11), vec![FIRES]),
                (last("a", 2, 1), vec![]),
            ],
        ),
        (
            "series do not count for each other",
            &json!({"for_windows": 2}),
            vec![
                (last("a", 1, 11), vec![]),
                (last("b", 2, 11), vec![]),
                (last("a", 2, 11), vec![FIRES]),
                (last("b", 3, 1), vec![]),
                (last("b", 4, 11), vec![]),
                (last("b", 5, 11), vec!["b Firing beyond the bound"]),
                (last("a", 3, 1), vec![WITHIN]),
            ],
        ),
        (
            "rows that expire or are deleted",
            &json!({}),
            vec![
                (last("a", 1, 11), vec![FIRES]),
                (last("a", 2, 12), vec![]),
                (Expire(2), vec![]),
                (Expire(3), vec![NO_ROWS]),
                (last("a", 9, 12), vec![FIRES]),
                (Delete("a", 9), vec![NO_ROWS]),
            ],
        ),
        (
            "a row that a restored job opens again",
            &json!({}),
            vec![
                (last("a", 1, 11), vec![FIRES]),
                (Write("a", 1, Some(2), false), vec![]),
                (last("a", 1, 11), vec![]),
                (last("a", 2, 1), vec![WITHIN]),
                (Write("a", 2, Some(1), false), vec![]),
                (Write("a", 3, Some(1), false), vec![]),
                (last("a", 2, 12), vec![FIRES]),
                (Write("a", 2, Some(12), false), vec![]),
                (Delete("a", 2), vec![]),
                (last("a", 3, 1), vec![WITHIN]),
            ],
        ),
        (
            "conditions",
            &json!({"where": "page <> 'b'"}),
            vec![(last("b", 1, 11), vec![]), (last("a", 1, 11), vec![FIRES])],
        ),
    ] {
        let mut table = Table::new(parsed(more));
        for (number, (step, expected)) in steps.into_iter().enumerate() {
            table.apply(step);
            assert_eq!(table.evaluate(), expected, "{what}: step {number}, {step:?}");
        }
    }
}

#[test]
fn rows_of_one_time_have_the_same_order_however_they_came() {
    let question = parsed(&json!({"by": [], "for_windows": 2}));
    let mut numbers = BTreeSet::new();
    for order in [["a", "b", "c"], ["c", "a", "b"], ["b", "c", "a"]] {
        let mut table = Table::new(question.clone());
        for page in order {
            let n = i64::from(page.as_bytes()[0]);
            table.apply(last(page, 1, n));
        }
        let found = table.rows.series(&question.question()).expect("series");
        numbers.insert(format!("{:?}", found[0].numbers));
        assert!(found[0].values.is_empty());
    }
    assert_eq!(numbers, BTreeSet::from(["[99.0, 98.0]".to_owned()]));
}

#[test]
fn a_rule_that_does_not_fit_its_table_says_why() {
    let mut table = Table::new(parsed(&json!({})));
    for page in ["a", "b"] {
        table.apply(last(page, 1, 11));
    }
    for (more, part) in [
        (json!({"number": "m"}), "number: there is no column `m`"),
        (json!({"number": "page"}), "number: `page` is Text, and no number"),
        (json!({"by": ["pag"]}), "by: there is no column `pag`; did you mean `page`?"),
        (json!({"where": "m > 1"}), "there is no column `m`"),
    ] {
        let rule = parsed(&more);
        let mistake = table.rows.series(&rule.question()).expect_err("a mistake");
        assert!(mistake.contains(part), "{mistake}");
    }

    let rule = parsed(&json!({}));
    let at_most =
        |series_max| table.rows.series(&crate::results::SeriesQuestion { series_max, ..rule.question() });
    assert_eq!(at_most(2).expect("series").len(), 2);
    assert!(at_most(1).expect_err("too many").contains("more than 1 series"));
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let page = || prop_oneof![Just("a"), Just("b"), Just("c")];
    let number = prop::option::weighted(0.9, 5i64..16);
    let write = (page(), 0u32..12, number, prop::bool::weighted(0.8));
    prop::collection::vec(
        prop_oneof![
            20 => write.prop_map(|(page, minute, n, is_final)| Write(page, minute, n, is_final)),
            3 => (page(), 0u32..12).prop_map(|(page, minute)| Delete(page, minute)),
            1 => (0u32..12).prop_map(Expire),
        ],
        1..80,
    )
}

/// All rows as they are, and the series that fire.
#[derive(Default)]
struct Model {
    rows: BTreeMap<(&'static str, u32), (Option<i64>, bool)>,
    firing: BTreeSet<&'static str>,
    /// The newest minute with which a page was judged.
    settled: BTreeMap<&'static str, u32>,
}

impl Model {
    fn apply(&mut self, step: Step) {
        match step {
            Write(page, minute, n, is_final) => drop(self.rows.insert((page, minute), (n, is_final))),
            Delete(page, minute) => drop(self.rows.remove(&(page, minute))),
            Expire(minute) => self.rows.retain(|(_, of_row), _| *of_row >= minute),
        }
    }

    fn evaluate(&mut self, windows: usize) {
        for page in ["a", "b", "c"] {
            let of_page = || self.rows.iter().filter(|((of_row, _), _)| *of_row == page);
            let counted: Vec<(u32, i64)> = of_page()
                .rev()
                .filter(|(_, row)| row.1)
                .filter_map(|((_, minute), row)| Some((*minute, row.0?)))
                .collect();
            let open = of_page().filter(|(_, row)| !row.1).map(|((_, minute), _)| *minute).max();
            if counted.is_empty() && open.is_none() {
                self.settled.remove(page);
            }
            if let Some(settled) = self.settled.get(page)
                && open.is_some_and(|open| open >= *settled)
                && counted.first().is_none_or(|(newest, _)| newest < settled)
            {
                continue;
            }
            if let Some((newest, _)) = counted.first() {
                self.settled.insert(page, *newest);
            }

            let counted: Vec<i64> = counted.into_iter().map(|(_, n)| n).collect();
            let fires = match (self.firing.contains(page), counted.first()) {
                (_, None) => false,
                (true, Some(newest)) => *newest > 10,
                (false, Some(_)) => counted.len() >= windows && counted[..windows].iter().all(|n| *n > 10),
            };
            if fires {
                self.firing.insert(page)
            } else {
                self.firing.remove(page)
            };
        }
    }
}

proptest! {
    #[test]
    fn the_same_series_fire_as_in_a_naive_model_also_over_restarts(
        steps in steps(),
        windows in 1u32..4,
        restarts in prop::collection::btree_set(0usize..80, 0..4),
    ) {
        let mut table = Table::new(parsed(&json!({"for_windows": windows})));
        let mut model = Model::default();
        for (number, step) in steps.into_iter().enumerate() {
            if restarts.contains(&number) {
                let state = AlertState { firing: table.firing.clone(), settled: table.settled.clone(), ..AlertState::default() };
                let text = serde_json::to_vec(&state).expect("JSON");
                let state: AlertState = serde_json::from_slice(&text).expect("a state");
                table = Table { firing: state.firing, settled: state.settled, ..Table::new(table.rule) };
                for ((page, minute), (n, is_final)) in &model.rows {
                    table.apply(Write(page, *minute, *n, *is_final));
                }
                prop_assert_eq!(table.evaluate(), Vec::<String>::new(), "nothing is told twice");
            }

            table.apply(step);
            model.apply(step);
            let before = model.firing.clone();
            model.evaluate(windows as usize);
            let transitions = table.evaluate();
            prop_assert_eq!(transitions.len(), before.symmetric_difference(&model.firing).count());
            let firing: BTreeSet<&str> =
                table.firing.values().filter_map(|firing| firing.series["page"].as_str()).collect();
            prop_assert_eq!(&firing, &model.firing);
        }
    }
}
