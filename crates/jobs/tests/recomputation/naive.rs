//! The simple recomputation, which considers every event for every analytic.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::analytics::{Row, analytics};
use crate::event::{Event, iso, read};

const DELAY: i64 = 5_000;

/// The counts of the lines of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub lines: u64,
    pub unusable: u64,
    pub late: u64,
}

/// Returns every row by table and key, and the counts of lines. An event is late for a window if the maximum
/// time before it, minus the delay, has reached the window's last millisecond plus the lateness.
pub fn recompute(files: &[Vec<String>], lateness: i64) -> (BTreeMap<(String, String), Value>, Tally) {
    let analytics = analytics();
    let mut groups: BTreeMap<(usize, i64, Vec<String>), Vec<Event>> = BTreeMap::new();
    let mut tally = Tally::default();

    for lines in files {
        let mut watermark = i64::MIN;
        for line in lines {
            tally.lines += 1;
            let Some((time, has_id, event)) = read(line) else {
                tally.unusable += 1;
                continue;
            };
            if time.is_none() || !has_id {
                tally.unusable += 1;
            } else {
                let mut late = false;
                for (index, analytic) in analytics.iter().enumerate().filter(|(_, a)| (a.keep)(&event)) {
                    let size = analytic.window * 1_000;
                    let start = event.time / size * size;
                    if watermark >= start + size - 1 + lateness {
                        late = true;
                    } else {
                        groups
                            .entry((index, start, (analytic.group)(&event)))
                            .or_default()
                            .push(event.clone());
                    }
                }
                tally.late += late as u64;
            }
            if let Some(time) = time {
                watermark = watermark.max(time - DELAY);
            }
        }
    }

    let mut rows = BTreeMap::new();
    for ((index, start, _), events) in &groups {
        let analytic = &analytics[*index];
        let events: Vec<&Event> = events.iter().collect();
        let row = Row { start: *start, events: &events };
        let end = iso(start + analytic.window * 1_000);
        let mut value = (analytic.fields)(&row);
        value["window_start"] = json!(iso(*start));
        value["window_end"] = json!(end);
        rows.insert((analytic.table.to_owned(), format!("{}:{end}", (analytic.key)(&row))), value);
    }
    (rows, tally)
}
