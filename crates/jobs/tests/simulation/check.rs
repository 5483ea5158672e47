//! The checks at the end of a schedule.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::thread::ThreadId;

use engine::operator::LedgerCounts;
use jobs::dead_letters::StoredDeadLetter;
use serde_json::{Value, json};

use crate::acts::{Punctuality, Schedule};
use crate::changes::Counted;
use crate::events::{Event, Line};
use crate::naive::same;
use crate::process::Write;
use crate::script::{Query, Script, Window};

/// The results of a schedule.
pub struct Outcome<'a> {
    pub schedule: &'a Schedule,
    pub appended: &'a [Vec<Line>],
    pub rows: BTreeMap<String, Value>,
    pub writes: &'a [Write],
    pub dead_letters: Vec<StoredDeadLetter>,
    pub ledger: &'a LedgerCounts,
}

/// For each record: the reason, and for late ones the queries that did not count it.
type DeadLetters = BTreeMap<(usize, usize), (String, BTreeSet<String>)>;

pub fn check(outcome: &Outcome<'_>) {
    let dead_letters = by_record(&outcome.dead_letters);
    accounts(outcome, &dead_letters);
    rows(outcome, &dead_letters);
    nothing_goes_back(outcome);
}

/// Returns the dead letters by record, and checks that no record has two.
fn by_record(all: &[StoredDeadLetter]) -> DeadLetters {
    let mut dead_letters = DeadLetters::new();
    for StoredDeadLetter { info, .. } in all {
        let record = (info.partition as usize, info.offset as usize);
        let queries = info.queries.iter().cloned().collect();
        let before = dead_letters.insert(record, (info.reason.clone(), queries));
        assert!(before.is_none(), "two dead letters stand of record {record:?}: {before:?} and {info:?}");
    }
    dead_letters
}

/// Checks that every line is accepted once, and is either counted, filtered, late or dead-lettered.
fn accounts(outcome: &Outcome<'_>, dead_letters: &DeadLetters) {
    let Outcome { schedule, appended, ledger, .. } = outcome;
    let mut expected = LedgerCounts::default();
    for (record, line) in lines(appended) {
        expected.accepted += 1;
        match (line, dead_letters.get(&record)) {
            (Line::Bad { reason, .. }, Some((found, _))) if found.starts_with(reason) => {
                expected.dead_lettered += 1;
                *expected.reasons.entry((*reason).to_owned()).or_default() += 1;
            }
            (Line::Bad { reason: "missing id", .. }, None) if !schedule.script.requires_time() => {
                expected.filtered += 1;
            }
            (Line::Event(event), None) if schedule.script.leaves_out(event) => expected.filtered += 1,
            (Line::Event(_), None) => expected.counted += 1,
            (Line::Event(event), Some((reason, queries))) if reason == "late" => {
                assert!(schedule.punctuality == Punctuality::Tardy, "{line:?} is late");
                assert!(
                    !schedule.script.leaves_out(event) && !queries.is_empty(),
                    "{line:?} is late for {queries:?}"
                );
                expected.late += 1;
                for query in queries {
                    *expected.late_by_query.entry(query.clone()).or_default() += 1;
                }
            }
            (line, dead_letter) => panic!("the dead letter of {line:?} is {dead_letter:?}"),
        }
    }

    let found = LedgerCounts { wrong_types: BTreeMap::new(), ..(*ledger).clone() };
    assert!(ledger.balances(), "{ledger:?}");
    assert_eq!(found, expected, "the ledger (left) is not what the dead letters say (right)");
}

/// Checks that the final rows contain exactly the events that were not late.
fn rows(outcome: &Outcome<'_>, dead_letters: &DeadLetters) {
    let script = &outcome.schedule.script;
    let mut expected: BTreeMap<String, (&Query, Vec<&Event>)> = BTreeMap::new();
    for (record, line) in lines(outcome.appended) {
        let Line::Event(event) = line else { continue };
        if script.leaves_out(event) {
            continue;
        }
        for query in script.queries.iter().filter(|query| query.takes(script, event)) {
            let is_late = dead_letters.get(&record).is_some_and(|(_, queries)| queries.contains(&query.name));
            for window in counted_in(outcome, query.window, event, is_late) {
                expected.entry(query.key(event, window)).or_insert((query, Vec::new())).1.push(event);
            }
        }
    }
    let early = script.early_ms.is_some();
    for (key, (query, events)) in &expected {
        let row = stands(outcome, key, &query.row(events), &names(events));
        assert!(!early || row["is_final"] == json!(true), "{key} is not final: {row}");
    }

    let changing = changing_rows(outcome, dead_letters);
    for (key, wanted) in &changing {
        stands(outcome, key, wanted, &[]);
    }

    let is_extra = |key: &&String| !expected.contains_key(*key) && !changing.contains_key(*key);
    let extra: Vec<_> = outcome.rows.iter().filter(|(key, _)| is_extra(key)).collect();
    assert!(extra.is_empty(), "not expected: {extra:?}");
}

/// Returns the row with a key, and checks that it has the wanted values. `of` names the events that it
/// counts.
fn stands<'a>(outcome: &'a Outcome<'_>, key: &str, wanted: &Value, of: &[String]) -> &'a Value {
    let Some(row) = outcome.rows.get(key) else { panic!("{key} is missing: {wanted} of {of:?}") };
    for (name, value) in wanted.as_object().expect("a row is an object") {
        let found = row.get(name).unwrap_or(&Value::Null);
        assert!(same(value, found), "{key}: {name} is {found}, and {value} of {of:?}: {row}, and {wanted}");
    }
    row
}

/// Returns the rows of the queries with changing rows. An event that is late for windows counts in queries
/// without windows.
fn changing_rows(outcome: &Outcome<'_>, dead_letters: &DeadLetters) -> BTreeMap<String, Value> {
    let script = &outcome.schedule.script;
    let mut rows = BTreeMap::new();
    for query in &script.changing {
        let mut counted: Vec<Counted<'_>> = Vec::new();
        for (record, line) in lines(outcome.appended) {
            let event = match line {
                Line::Event(event) => event,
                Line::Bad { without_time: Some(event), .. } if query.window().is_none() => event,
                Line::Bad { .. } => continue,
            };
            if script.leaves_out(event) || !query.filter.takes(event) {
                continue;
            }
            let is_late = dead_letters
                .get(&record)
                .is_some_and(|(_, queries)| queries.iter().any(|of| query.has_part(of)));
            let windows = query.window().map(|window| counted_in(outcome, window, event, is_late));
            assert!(windows.is_some() || !is_late, "{line:?} is late for {}", query.name);
            counted.push((event, windows.unwrap_or_default()));
        }
        rows.extend(query.rows(&counted));
    }
    rows
}

/// Returns the windows that count an event: those from the first one on for which the witness query has a
/// row. A late event is in none.
fn counted_in(outcome: &Outcome<'_>, window: Window, event: &Event, is_late: bool) -> Vec<(i64, i64)> {
    let over = window.over(event.at);
    if outcome.schedule.punctuality == Punctuality::Prompt {
        return over;
    }
    let witness =
        outcome.schedule.script.witness(window).expect("every window has one where events are late");
    let is_seen = |window: &(i64, i64)| outcome.rows.contains_key(&witness.key(event, *window));
    let first = over.iter().position(is_seen).unwrap_or(over.len());
    assert_eq!(is_late, first == over.len(), "e{} of {over:?} is seen from the {first}th on", event.id);
    over[first..].to_vec()
}

/// Checks that each attempt only increases the counts of a window's row, and that final rows remain final.
fn nothing_goes_back(outcome: &Outcome<'_>) {
    let mut last: HashMap<(ThreadId, &str), (u64, bool, u64)> = HashMap::new();
    let changing = &outcome.schedule.script.changing;
    let of_windows = outcome.writes.iter().filter(|of| !changing.iter().any(|query| query.wrote(&of.key)));
    for Write { attempt, key, value } in of_windows {
        let row: Value = serde_json::from_slice(value).expect("a row is JSON");
        let is_final = row["is_final"] == json!(true);
        let now = (row["revision"].as_u64().unwrap_or(0), is_final, row["n"].as_u64().expect("a count"));
        if let Some(before) = last.insert((*attempt, key), now) {
            let goes_on = before.0 <= now.0 && before.1 <= now.1 && before.2 <= now.2;
            assert!(goes_on, "{key} goes from {before:?} to {now:?} (revision, final, count)");
        }
    }
}

fn lines(appended: &[Vec<Line>]) -> impl Iterator<Item = ((usize, usize), &Line)> {
    let partitions = appended.iter().enumerate();
    partitions.flat_map(|(partition, lines)| {
        lines.iter().enumerate().map(move |(offset, line)| ((partition, offset), line))
    })
}

fn names(events: &[&Event]) -> Vec<String> {
    events.iter().map(|event| event.name()).collect()
}

impl Query {
    fn takes(&self, script: &Script, event: &Event) -> bool {
        !script.leaves_out(event) && self.filter.takes(event)
    }
}
