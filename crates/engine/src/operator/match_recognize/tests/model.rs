//! Random rows and patterns compared with a model that tries every assignment of rows to variables.
//!
//! The model implements only the definition: consecutive rows, variables in their order with their numbers of
//! rows, every row fits its variable given the rows before it, and no row that a greedy variable could take
//! goes to the next variable. The earliest first row counts, and of matches with the same first row the one
//! that is complete first.

use proptest::prelude::*;

use super::*;
use crate::operator::harness::standing;

#[derive(Debug, Clone, Copy)]
struct Given {
    time: i64,
    n: i64,
}

/// A quantifier: as written, least and most rows, and whether it is greedy.
type Quantifier = (&'static str, usize, usize, bool);

const MANY: usize = usize::MAX;
const QUANTIFIERS: [Quantifier; 12] = [
    ("", 1, 1, false),
    ("+", 1, MANY, true),
    ("*", 0, MANY, true),
    ("?", 0, 1, false),
    ("{2}", 2, 2, false),
    ("{1,2}", 1, 2, true),
    ("{0,2}", 0, 2, true),
    ("{2,}", 2, MANY, true),
    ("+?", 1, MANY, false),
    ("*?", 0, MANY, false),
    ("{1,3}?", 1, 3, false),
    ("{0,2}?", 0, 2, false),
];

/// A condition as written, and as a function over the numbers of all rows so far, of the variable's rows, and
/// of the first variable's rows, each including the current row.
type Condition = (&'static str, fn(&[i64], &[i64], &[i64]) -> bool);

const CONDITIONS: [Condition; 8] = [
    ("TRUE", |_, _, _| true),
    ("n >= 2", |all, _, _| last(all) >= 2),
    ("n <= 2", |all, _, _| last(all) <= 2),
    ("V.n <> LAST(V.n, 1)", |_, own, _| own.len() > 1 && own[own.len() - 1] != own[own.len() - 2]),
    ("LAST(V.n, 1) IS NULL OR V.n > LAST(V.n, 1)", |_, own, _| {
        own.len() < 2 || own[own.len() - 1] > own[own.len() - 2]
    }),
    ("SUM(V.n) < 6", |_, own, _| own.iter().sum::<i64>() < 6),
    ("n >= FIRST(n)", |all, _, _| last(all) >= all[0]),
    ("COUNT(A.n) >= n", |all, _, first| first.len() as i64 >= last(all)),
];

fn last(numbers: &[i64]) -> i64 {
    numbers.last().copied().unwrap_or(0)
}

#[derive(Debug, Clone)]
struct Drawn {
    quantifiers: Vec<Quantifier>,
    conditions: Vec<usize>,
    skips_all: bool,
    within: Option<i64>,
}

impl Drawn {
    fn is_valid(&self) -> bool {
        let may_be_skipped = |of: &Quantifier| ["*", "?", "*?"].contains(&of.0);
        let pairs = self.quantifiers.windows(2);
        self.quantifiers.iter().any(|of| of.1 > 0)
            && self.quantifiers.last().is_some_and(|of| !of.3)
            && pairs.into_iter().all(|pair| !(pair[0].3 && may_be_skipped(&pair[1])))
    }

    /// Returns whether several matches may have one first row: a reluctant variable leaves open how many rows
    /// it takes. They are complete one after the other; if they wait for an earlier match, Flink takes them
    /// in the arbitrary order of a heap (`flink_cases/match_ties`).
    fn has_ties(&self) -> bool {
        self.quantifiers.iter().any(|&(_, least, most, is_greedy)| !is_greedy && least != most)
    }

    fn sql(&self) -> String {
        let names = ["A", "B", "C"];
        let pattern: String =
            self.quantifiers.iter().zip(names).map(|(of, name)| format!("{name}{} ", of.0)).collect();
        let define: Vec<String> = self
            .conditions
            .iter()
            .zip(names)
            .map(|(&of, name)| format!("{name} AS {}", CONDITIONS[of].0.replace("V.", &format!("{name}."))))
            .collect();
        let skip = if self.skips_all { "PAST LAST ROW" } else { "TO NEXT ROW" };
        let within = self.within.map(|ms| format!("WITHIN INTERVAL '0.0{ms}' SECOND")).unwrap_or_default();
        format!("AFTER MATCH SKIP {skip} PATTERN ({pattern}) {within} DEFINE {}", define.join(", "))
    }

    /// Returns whether a row fits a step, after rows that have these steps.
    fn fits(&self, rows: &[Given], steps: &[usize], step: usize) -> bool {
        let steps: Vec<usize> = steps.iter().copied().chain([step]).collect();
        let numbers = |wanted: Option<usize>| -> Vec<i64> {
            let rows = rows.iter().zip(&steps);
            rows.filter(|(_, of)| wanted.is_none_or(|wanted| wanted == **of)).map(|(row, _)| row.n).collect()
        };
        CONDITIONS[self.conditions[step]].1(&numbers(None), &numbers(Some(step)), &numbers(Some(0)))
    }

    /// Returns whether a match may pass from a place to a row of step `to` (or the end) without taking a row
    /// in between, given the current row.
    fn may_pass(&self, rows: &[Given], before: &[usize], from: (usize, usize), to: usize) -> bool {
        let (mut step, mut taken) = from;
        loop {
            let is_kept =
                taken == 0 && step > 0 && self.quantifiers[step - 1].3 && self.fits(rows, before, step - 1);
            if is_kept {
                return false;
            }

            if step == to {
                return true;
            }

            let (_, least, ..) = self.quantifiers[step];
            let is_enough = if taken == 0 { least == 0 } else { taken >= least.max(1) };
            if !is_enough {
                return false;
            }

            (step, taken) = (step + 1, 0);
            if step == self.quantifiers.len() {
                return to == step;
            }
        }
    }

    /// Returns the place of a match whose rows have these steps.
    fn place(&self, steps: &[usize]) -> (usize, usize) {
        let step = steps.last().copied().unwrap_or(0);
        let taken = steps.iter().filter(|&&of| of == step).count();
        if taken == self.quantifiers[step].2 { (step + 1, 0) } else { (step, taken) }
    }

    /// Returns the number of rows of the first match that begins with the first of `rows`, or else whether
    /// one may still become complete.
    fn first_match(&self, rows: &[Given]) -> Result<usize, bool> {
        let end = self.quantifiers.len();
        let mut ways: Vec<Vec<usize>> = vec![vec![]];
        for taken in 1..=rows.len() {
            let time = rows[taken - 1].time;
            if self.within.is_some_and(|within| time - rows[0].time >= within) {
                return Err(false);
            }

            let mut longer = Vec::new();
            for way in &ways {
                for step in way.last().copied().unwrap_or(0)..end {
                    let from = if way.is_empty() { (0, 0) } else { self.place(way) };
                    let can_take = from.0 <= step
                        && self.fits(&rows[..taken], way, step)
                        && self.may_pass(&rows[..taken], way, from, step);
                    if !can_take {
                        continue;
                    }

                    let next: Vec<usize> = way.iter().copied().chain([step]).collect();
                    let place = self.place(&next);
                    if place.0 == end || self.may_pass(&rows[..taken], way, place, end) {
                        return Ok(taken);
                    }
                    longer.push(next);
                }
            }
            ways = longer;
        }
        Err(!ways.is_empty() && self.within.is_none())
    }

    /// Returns the first row, last row and number of rows of each match.
    fn matches(&self, rows: &[Given]) -> Vec<[i64; 3]> {
        let (mut first, mut found) = (0, Vec::new());
        while first < rows.len() {
            match self.first_match(&rows[first..]) {
                Ok(taken) => {
                    found.push([first as i64, (first + taken - 1) as i64, taken as i64]);
                    first += if self.skips_all { taken } else { 1 };
                }
                Err(false) => first += 1,
                // All other matches wait for this one.
                Err(true) => break,
            }
        }
        found
    }
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let step = (prop::sample::select(&QUANTIFIERS[..]), 0..CONDITIONS.len());
    let within = prop::option::of(10..60i64);
    (prop::collection::vec(step, 1..4), any::<bool>(), within)
        .prop_map(|(steps, skips_all, within)| {
            let (quantifiers, conditions) = steps.into_iter().unzip();
            Drawn { quantifiers, conditions, skips_all, within }
        })
        .prop_filter("Flink takes the pattern", Drawn::is_valid)
        .prop_filter("what is skipped is determined", |drawn| !(drawn.has_ties() && drawn.skips_all))
}

fn rows() -> impl Strategy<Value = Vec<Given>> {
    let given = (0..15i64, 1..4i64);
    prop::collection::vec(given, 0..14).prop_map(|rows| {
        let mut time = 0;
        rows.into_iter()
            .map(|(pause, n)| {
                time += pause;
                Given { time, n }
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn matches_are_those_of_the_definition(drawn in drawn(), a in rows(), b in rows(), late_by in 0..20i64) {
        let measures = match drawn.has_ties() {
            true => "FIRST(x) AS f, 0 * FIRST(x) AS l, 0 * COUNT(*) AS c",
            false => "FIRST(x) AS f, LAST(x) AS l, COUNT(*) AS c",
        };
        let case = Case::keyed(measures, &drawn.sql());
        let mut all: Vec<(&str, usize, Given)> = Vec::new();
        for (key, rows) in [("a", &a), ("b", &b)] {
            all.extend(rows.iter().enumerate().map(|(place, row)| (key, place, *row)));
        }
        // Out of order, but none late.
        all.sort_by_key(|(_, place, row)| (row.time / 8, row.time % 3, *place));
        let mut events = Vec::new();
        for (key, place, row) in &all {
            events.push(watermark(0, row.time / 8 * 8 - 1 - late_by));
            events.push(case.at(key, row.time, row.n, *place as i64));
        }

        // Equal times keep their order of arrival.
        let arrived = |key: &str, rows: &[Given]| -> Vec<(usize, Given)> {
            let own = all.iter().filter(|(of, ..)| *of == key);
            let mut own: Vec<(usize, Given)> = own.map(|(_, place, row)| (*place, *row)).collect();
            own.sort_by_key(|(_, row)| row.time);
            assert_eq!(own.len(), rows.len());
            own
        };
        let mut expected = Vec::new();
        for (key, rows) in [("a", &a), ("b", &b)] {
            let own = arrived(key, rows);
            let in_order: Vec<Given> = own.iter().map(|(_, row)| *row).collect();
            for [first, last, count] in drawn.matches(&in_order) {
                let place = |at: i64| own[at as usize].0 as i64;
                expected.push(match drawn.has_ties() {
                    true => given(key, &[place(first), 0, 0]),
                    false => given(key, &[place(first), place(last), count]),
                });
            }
        }
        case.with(|harness| harness.ends_with(&events, &standing(&expected)));
    }
}
