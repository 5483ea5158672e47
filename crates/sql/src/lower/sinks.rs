//! Sinks: whether a table can take what a query gives, and what stands between them.
//!
//! | the table takes | a query that updates rows |
//! | --- | --- |
//! | new rows only | is refused |
//! | all changes | is written as it is |
//! | rows by their key | is written where the table's key holds the query's key; a materialising operator keeps the rows of each of the table's keys where it does not |
//!
//! Where both keys are the same, the row before an update says nothing that the sink has to know: [`super::images`] leaves it
//! out. Where the table's key holds more, an update may move a row from one key to another, and the row before it is
//! what is deleted.

use super::{Failed, Lowering, Producer, ProducerKind};
use crate::bind::BoundQuery;
use crate::catalog::Table;
use crate::dialect::{self, Accepts};
use crate::error::{Diagnostic, Span};
use crate::plan::operator::{Changes, Conflict, Operator, OperatorKind, Target};

impl Lowering<'_> {
    /// Whether a scan may write a table by itself: nothing has to stand between them.
    pub(super) fn writes_by_itself(&self, query: &BoundQuery, table: &Table, changes: &Changes) -> bool {
        let has_key = dialect::sink_key(table).is_some();
        query.conflict.is_none() && (changes.is_append() || !has_key)
    }

    /// Refuses a table that cannot take the changes of a query; `updating`: the operator that gives them.
    pub(super) fn check_sink(
        &mut self,
        query: &BoundQuery,
        table: &Table,
        changes: &Changes,
        updating: Option<String>,
    ) -> Result<(), Failed> {
        let accepts = dialect::sink_accepts(&table.options);
        if changes.is_append() || accepts != Accepts::Inserts {
            return Ok(());
        }
        let message = format!("table `{}` takes new rows only, and this query updates rows", table.name);
        let mut error = Diagnostic::error(query.span, message).with_hint(
            "give the table a primary key and write it with 'connector' = 'upsert-kafka' or 'redis', write each change \
             with 'format' = 'debezium-json' or 'connector' = 'print', or aggregate in windows, whose rows are new",
        );
        if let Some(operator) = updating {
            error = error.with_detail(format!("{operator} takes rows back that it gave before"));
        }
        Err(self.fail(error))
    }

    /// The producer with what a keyed table needs before it.
    pub(super) fn prepare_for_sink(
        &mut self,
        producer: Producer,
        query: &BoundQuery,
        table: &Table,
    ) -> Result<Producer, Failed> {
        let updating = self.updating(&producer).map(|operator| operator.name.clone());
        self.check_sink(query, table, &producer.changes, updating)?;

        let key = dialect::sink_key(table);
        let Some(key) = key else {
            if query.conflict.is_none() {
                return Ok(producer);
            }
            let error = Diagnostic::error(query.span, format!("`{}` has no PRIMARY KEY", table.name))
                .with_hint("ON CONFLICT is about rows of the same key");
            return Err(self.fail(error));
        };
        if let Some(conflict) = query.conflict {
            return Ok(self.materialized(producer, key, conflict, query.span));
        }
        if producer.changes.is_append() {
            return Ok(producer);
        }

        // A changelog that is written out says by itself which rows stand: Flink takes its word.
        if producer.key.is_none() && self.is_changelog(&producer) {
            return Ok(producer);
        }
        // Rows with different keys of the query never meet under a key of the table.
        if producer.key.as_ref().is_some_and(|known| known.iter().all(|field| key.contains(field))) {
            return Ok(producer);
        }
        let asks = self.settings.all.get("table.exec.sink.require-on-conflict");
        if asks.is_some_and(|value| value.eq_ignore_ascii_case("false")) {
            return Ok(self.materialized(producer, key, Conflict::Deduplicate, query.span));
        }
        let error = conflicting(&producer, &key, table, query.span);
        Err(self.fail(error))
    }

    /// Notes where a table is written by the very key of a producer.
    pub(super) fn note_upserts(&mut self, producer: &Producer, table: &Table, sink: usize) {
        let is_by_key = dialect::sink_accepts(&table.options) == Accepts::Upserts;
        let (ProducerKind::Operator(operator), true, Some(known)) =
            (producer.kind, is_by_key, producer.key.as_ref())
        else {
            return;
        };
        let key = dialect::sink_key(table).unwrap_or_default();
        if known.len() == key.len() && known.iter().all(|field| key.contains(field)) {
            self.upserts.insert((operator, sink));
        }
    }

    /// Whether the rows are those of a `FROM_CHANGELOG`.
    fn is_changelog(&self, producer: &Producer) -> bool {
        let updating = self.updating(producer);
        updating.is_some_and(|operator| matches!(operator.kind, OperatorKind::FromChangelog(_)))
    }

    /// The operator that makes a producer's rows change; `None` for a source that says so itself.
    fn updating(&self, producer: &Producer) -> Option<&Operator> {
        let ProducerKind::Operator(mut at) = producer.kind else { return None };
        loop {
            let operator = &self.operators[at];
            if !matches!(operator.kind, OperatorKind::Calc(_)) {
                return Some(operator);
            }
            let feeds =
                |target: &Target| matches!(target, Target::Operator { operator, .. } if *operator == at);
            at = self.operators[..at].iter().rposition(|operator| operator.targets.iter().any(feeds))?;
        }
    }
}

/// Several rows of a query may have the same key of a table.
fn conflicting(producer: &Producer, key: &[usize], table: &Table, span: Span) -> Diagnostic {
    let names = |fields: &[usize]| {
        let names: Vec<&str> = fields.iter().map(|&field| producer.fields[field].name.as_str()).collect();
        names.join(", ")
    };
    let of_table = match key {
        [] => "the table has one row alone".to_owned(),
        key => format!("the table's are told apart by ({})", names(key)),
    };
    let detail = match &producer.key {
        Some(known) => format!("the query's rows are told apart by ({}), and {of_table}", names(known)),
        None => format!("the query's rows have no key, and {of_table}"),
    };
    let message = format!("several rows of this query may have the same key of `{}`", table.name);
    Diagnostic::error(span, message).with_detail(detail).with_hint(
        "say what happens then: INSERT INTO … SELECT … ON CONFLICT DO DEDUPLICATE (the last one wins), \
         DO NOTHING (the first one stays) or DO ERROR",
    )
}
