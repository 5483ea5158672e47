//! A script as a trial: it runs beside the job that it takes over, from given offsets, and writes where nobody reads.
//!
//! ```text
//! the script                              the trial
//! 'scan.startup.mode' = 'latest-offset'   'scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = …
//! 'topic' = 'alerts' of a written table   'topic' = 'alerts-trial'
//! 'key' = 'hops:{window_end}' (in Weir)   'key' = 'weir-trial:hops:{window_end}'
//! ```
//!
//! The changes are edits of the script's text. Only values of options change, so that the queries and their names are those of the
//! script, and the script continues from a savepoint of its trial.

use std::collections::BTreeMap;

use sql::error::Span;
use sql::statements::{StatementKind, Statements, TableDeclaration};
use storage::store::key::TRIAL_PREFIX;
use types::{Offset, PartitionId};

use super::sent::Sent;
use super::{inserts, quoted, set};

/// Suffix of the topics, and of the name of the job, of a trial.
pub const TRIAL_SUFFIX: &str = "-trial";
const MODE: &str = "scan.startup.mode";
const OFFSETS: &str = "scan.startup.specific-offsets";
/// Seconds after which the rows of a trial expire: longer than a comparison, and short enough to forget about.
const TTL: &str = "3600";

/// Where a trial starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trial {
    /// First offsets of each source table.
    pub starts: BTreeMap<String, Vec<(PartitionId, Offset)>>,
}

/// A range of the filled script, and the text that stands there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edit {
    place: Span,
    text: String,
}

impl Trial {
    /// Returns a declaration as Flink is sent it.
    pub(super) fn declaration(&self, script: &Statements, place: Span, table: &TableDeclaration) -> Sent {
        let mut sent = Sent::made(String::new());
        let mut done = place.start;
        for Edit { place, text } in self.edits(script, table) {
            sent.push_verbatim(script, Span { start: done, end: place.start });
            sent.push_for(&text, place);
            done = place.end;
        }
        sent.push_verbatim(script, Span { start: done, end: place.end });
        sent
    }

    /// Returns the trial of a script as Weir records it. Variables outside of the edits stay unfilled, because their values may be
    /// secret.
    pub fn script(&self, text: &str, script: &Statements, job: &str) -> String {
        let mut edits = Vec::new();
        for statement in script.iter() {
            match &statement.kind {
                StatementKind::CreateTable(table) => edits.extend(self.edits(script, table)),
                StatementKind::Set { key, .. } if key == "pipeline.name" => {
                    let text = set(key, &format!("{job}{TRIAL_SUFFIX}"));
                    edits.push(Edit { place: statement.span, text });
                }
                _ => {}
            }
        }

        let mut trial = String::with_capacity(text.len());
        let mut done = 0;
        for Edit { place, text: made } in edits {
            let place = script.origin(place);
            trial.push_str(&text[done..place.start.max(done)]);
            trial.push_str(&made);
            done = place.end.max(done);
        }
        trial.push_str(&text[done..]);
        trial
    }

    /// Returns the edits of a table's declaration, in order.
    fn edits(&self, script: &Statements, table: &TableDeclaration) -> Vec<Edit> {
        let given = self.options(script, table);
        let mut edits = Vec::new();
        let mut added = String::new();
        for (key, value) in given {
            let option = format!("{} = {}", quoted(key), quoted(&value));
            match table.options.iter().position(|(known, _)| known == key) {
                Some(place) => edits.push(Edit { place: table.option_places[place], text: option }),
                None => added.push_str(&format!("{option}, ")),
            }
        }

        if let Some(first) = table.option_places.first().filter(|_| !added.is_empty()) {
            edits.push(Edit { place: Span { start: first.start, end: first.start }, text: added });
        }
        edits.sort_by_key(|edit| edit.place.start);
        edits
    }

    /// Returns the options that a table has in the trial instead of its own.
    fn options(&self, script: &Statements, table: &TableDeclaration) -> Vec<(&'static str, String)> {
        let own =
            |key: &str| table.options.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str());
        if let Some(starts) = self.starts.get(&table.name) {
            return vec![(MODE, "specific-offsets".to_owned()), (OFFSETS, written(starts))];
        }
        if !inserts(script).any(|(_, insert)| insert.table == table.name) {
            return Vec::new();
        }
        if own("connector") != Some("redis") {
            return own("topic")
                .map(|topic| ("topic", format!("{topic}{TRIAL_SUFFIX}")))
                .into_iter()
                .collect();
        }

        let prefixed = ["key", "channel", "latest-key"].into_iter();
        let mut options: Vec<(&'static str, String)> =
            prefixed.filter_map(|key| Some((key, format!("{TRIAL_PREFIX}{}", own(key)?)))).collect();
        options.push(("ttl", TTL.to_owned()));
        options
    }
}

/// Writes offsets as Flink's connector reads them.
fn written(starts: &[(PartitionId, Offset)]) -> String {
    let each: Vec<String> = starts
        .iter()
        .map(|(partition, offset)| format!("partition:{},offset:{}", partition.0, offset.0))
        .collect();
    each.join(";")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "SET 'pipeline.name' = 'clicks';
CREATE TABLE q (k STRING, ts TIMESTAMP_LTZ(3), WATERMARK FOR ts AS ts) WITH (
  'connector' = 'kafka', 'topic' = 'q', 'properties.sasl.jaas.config' = '${PASSWORD}',
  'scan.startup.mode' = 'latest-offset', -- as always
  'format' = 'json');
CREATE TABLE r (k STRING, n BIGINT) WITH ('connector' = 'redis', 'key' = 'r:{k}', 'channel' = 'news');
CREATE TABLE s (k STRING, n BIGINT) WITH ('connector' = 'kafka', 'topic' = '${TOPIC}', 'format' = 'json');
INSERT INTO r SELECT k, COUNT(*) FROM q GROUP BY k;
INSERT INTO s SELECT k, 1 FROM q;";

    fn trial() -> Trial {
        Trial {
            starts: BTreeMap::from([(
                "q".to_owned(),
                vec![(PartitionId(0), Offset(42)), (PartitionId(1), Offset(7))],
            )]),
        }
    }

    fn filled() -> Statements {
        Statements::of(SCRIPT, &|name| Some(if name == "TOPIC" { "t" } else { "a secret" }.to_owned()))
            .expect("a script")
    }

    #[test]
    fn a_trial_in_weir_writes_nowhere_else_and_has_no_secrets() {
        let made = trial().script(SCRIPT, &filled(), "clicks");
        let parts = [
            "SET 'pipeline.name' = 'clicks-trial';",
            "'scan.startup.specific-offsets' = 'partition:0,offset:42;partition:1,offset:7'",
            "'scan.startup.mode' = 'specific-offsets', -- as always",
            "('ttl' = '3600', 'connector' = 'redis', 'key' = 'weir-trial:r:{k}', 'channel' = 'weir-trial:news')",
            "'topic' = 't-trial', 'format'",
            "${PASSWORD}",
        ];
        for part in parts {
            assert!(made.contains(part), "{part}: {made}");
        }
        assert!(!made.contains("a secret") && made.ends_with("INSERT INTO s SELECT k, 1 FROM q;"), "{made}");
        Statements::of(&made, &|_| Some(String::new())).expect("it is a script");
    }

    #[test]
    fn an_edited_declaration_keeps_its_places() {
        let script = filled();
        let (span, table) = script
            .iter()
            .find_map(|statement| match &statement.kind {
                StatementKind::CreateTable(table) => Some((statement.span, table)),
                _ => None,
            })
            .expect("a table");
        let sent = trial().declaration(&script, span, table);
        assert!(
            sent.text().contains("WITH (\n  'scan.startup.specific-offsets' = 'partition:0"),
            "{}",
            sent.text()
        );

        let format = sent.text().find("'format'").expect("the last option");
        let origin = sent.origin(&script, format..format + 8).expect("a place");
        assert_eq!(&SCRIPT[origin.start..origin.end], "'format'");
    }
}
