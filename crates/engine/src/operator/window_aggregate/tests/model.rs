//! Random rows, including late ones and retractions, compared with a model that stores all rows of every
//! window.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::operator::harness::standing;

const KEYS: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone, Copy)]
enum Step {
    Add {
        key: usize,
        time: i64,
    },
    /// Retracts the row of this number among the rows that were added and not retracted.
    Retract(usize),
    Watermark(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..3usize, 0..100i64).prop_map(|(key, time)| Step::Add { key, time }),
        2 => (0..50usize).prop_map(Step::Retract),
        2 => (0..12i64).prop_map(Step::Watermark),
    ];
    prop::collection::vec(step, 0..60)
}

#[derive(Debug)]
struct Open {
    key: usize,
    start: i64,
    end: i64,
    rows: Vec<i64>,
}

/// The windows of a model and what they emitted.
struct Model {
    case: Case,
    open: Vec<Open>,
    watermark: i64,
    given: Vec<Row>,
}

impl Model {
    fn close(&mut self) {
        let watermark = self.watermark;
        let (closed, open) = self.open.drain(..).partition(|open: &Open| open.end - 1 <= watermark);
        self.open = open;
        let closed: Vec<Open> = closed;
        for window in closed.iter().filter(|window| !window.rows.is_empty()) {
            let (count, sum) = (window.rows.len() as i64, window.rows.iter().sum());
            self.given.push(given(KEYS[window.key], &[count, sum, window.start, window.end]));
        }
    }

    fn bounds(&mut self, key: usize, time: i64) -> Vec<(i64, i64)> {
        match self.case.windowing {
            Windowing::Sliced { window: Window::Tumble { .. }, .. } => {
                vec![(time / 10 * 10, time / 10 * 10 + 10)]
            }
            Windowing::Sliced { window: Window::Hop { .. }, .. } => {
                (1..=3).map(|n| (time / 10 * 10 + n * 10 - 30, time / 10 * 10 + n * 10)).collect()
            }
            Windowing::Sliced { window: Window::Cumulate { .. }, .. } => {
                let start = time / 30 * 30;
                (1..=3).map(|n| (start, start + n * 10)).filter(|&(_, end)| end > time).collect()
            }
            _ => {
                let (mut start, mut end) = (time, time + 10);
                let touches = |open: &Open| open.key == key && open.start <= time + 10 && open.end >= time;
                let (merged, open): (Vec<Open>, Vec<Open>) = self.open.drain(..).partition(touches);
                self.open = open;

                let mut rows = Vec::new();
                for one in merged {
                    (start, end) = (start.min(one.start), end.max(one.end));
                    rows.extend(one.rows);
                }

                if end - 1 > self.watermark {
                    self.open.push(Open { key, start, end, rows });
                }
                vec![(start, end)]
            }
        }
    }

    fn add(&mut self, key: usize, time: i64, value: i64) {
        for (start, end) in self.bounds(key, time) {
            if end - 1 <= self.watermark {
                continue;
            }
            let same = |open: &&mut Open| (open.key, open.start, open.end) == (key, start, end);
            match self.open.iter_mut().find(same) {
                Some(open) => open.rows.push(value),
                None => self.open.push(Open { key, start, end, rows: vec![value] }),
            }
        }
    }

    fn holds(&self, value: i64) -> bool {
        self.open.iter().any(|open| open.rows.contains(&value))
    }

    fn retract(&mut self, value: i64) {
        for open in &mut self.open {
            open.rows.retain(|&row| row != value);
        }
    }
}

/// Returns the events of steps, and the final rows.
fn run(case: Case, steps: &[Step]) -> (Vec<Event>, BTreeMap<String, i64>) {
    let mut model = Model { case, open: Vec::new(), watermark: i64::MIN, given: Vec::new() };
    let mut events = Vec::new();
    let mut rows: Vec<(usize, i64, i64)> = Vec::new();
    let mut now = 0;

    for (number, &step) in steps.iter().enumerate() {
        match step {
            Step::Add { key, time } => {
                let value = 1 << (number % 60);
                // Near the watermark, on both sides.
                let time = (now - 25 + time).max(0);
                rows.push((key, time, value));
                events.push(at(KEYS[key], time, value));
                model.add(key, time, value);
            }
            Step::Retract(row) if row < rows.len() => {
                let (key, time, value) = rows.remove(row);
                // A session cannot recognize a row that it never had.
                if matches!(model.case.windowing, Windowing::Session { .. }) && !model.holds(value) {
                    continue;
                }
                events.push(event("-D", KEYS[key], time, value));
                model.retract(value);
            }
            Step::Retract(_) => {}
            Step::Watermark(by) => {
                now += by;
                events.push(watermark(0, now));
                model.watermark = now;
                model.close();
            }
        }
    }

    model.watermark = i64::MAX;
    model.close();
    (events, standing(&model.given))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn windows_give_what_the_model_gives(steps in steps(), which in 0..4usize) {
        let case = || match which {
            0 => sliced(TUMBLE),
            1 => sliced(HOP),
            2 => sliced(CUMULATE),
            _ => session(),
        };
        let (events, expected) = run(case(), &steps);
        case().with(|harness| harness.ends_with(&events, &expected));
    }
}
