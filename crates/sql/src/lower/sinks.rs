//! Sinks: checks whether a table can take a query's changes, and adds the operators needed between them.
//!
//! | the table accepts | a query that updates rows |
//! | --- | --- |
//! | inserts only | is refused |
//! | all changes | is written unchanged |
//! | upserts by key | is written directly if its key is part of the table's key, else materialized first |
//!
//! A materialize operator keeps the rows of each of the table's keys. If both keys are the same, the sink
//! does not need before-images, and [`super::images`] drops them. If the table's key contains more fields, an
//! update may move a row from one key to another; then the before-image is what is deleted.

use super::{Failed, Lowering, Producer, ProducerKind};
use crate::bind::BoundQuery;
use crate::catalog::Table;
use crate::dialect::{self, Accepts};
use crate::error::{Diagnostic, Span};
use crate::plan::operator::{Changes, Conflict, Operator, OperatorKind, Target};

impl Lowering<'_> {
    /// Returns whether a scan may write to a table directly, without an operator in between.
    pub(super) fn writes_by_itself(&self, query: &BoundQuery, table: &Table, changes: &Changes) -> bool {
        let has_key = dialect::sink_key(table).is_some();
        query.conflict.is_none() && (changes.is_append() || !has_key)
    }

    /// Refuses a table that does not accept the changes of a query. `updating` names the operator that emits
    /// the changes.
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
        let message = format!("table `{}` takes new rows only, but this query updates rows", table.name);
        let mut error = Diagnostic::error(query.span, message).with_hint(
            "give the table a primary key and write it with 'connector' = 'upsert-kafka' or 'redis', write each change \
             with 'format' = 'debezium-json' or 'connector' = 'print', or aggregate in windows, whose rows are new",
        );
        if let Some(operator) = updating {
            error = error.with_detail(format!("{operator} retracts rows that it emitted before"));
        }
        Err(self.fail(error))
    }

    /// Adds the operator that a keyed table needs before it, if any, and returns the new producer.
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
                .with_hint("ON CONFLICT applies to rows with the same key");
            return Err(self.fail(error));
        };
        if let Some(conflict) = query.conflict {
            return Ok(self.materialized(producer, key, conflict, query.span));
        }
        if producer.changes.is_append() {
            return Ok(producer);
        }

        // A changelog that is read by `FROM_CHANGELOG` says itself which rows exist; Flink trusts it.
        if producer.key.is_none() && self.is_changelog(&producer) {
            return Ok(producer);
        }
        // Rows with different query keys never share a table key.
        if producer.key.is_some() && producer.is_identified_by(&key) {
            return Ok(producer);
        }
        let asks = self.settings.all.get("table.exec.sink.require-on-conflict");
        if asks.is_some_and(|value| value.eq_ignore_ascii_case("false")) {
            return Ok(self.materialized(producer, key, Conflict::Deduplicate, query.span));
        }
        let error = conflicting(&producer, &key, table, query.span);
        Err(self.fail(error))
    }

    /// Records that a sink is written by a producer's own key.
    pub(super) fn note_upserts(&mut self, producer: &Producer, table: &Table, sink: usize) {
        let is_by_key = dialect::sink_accepts(&table.options) == Accepts::Upserts;
        let (ProducerKind::Operator(operator), true) = (producer.kind, is_by_key) else { return };
        let key = dialect::sink_key(table).unwrap_or_default();
        if producer.key.is_some() && producer.is_keyed_by(&key) {
            self.upserts.insert((operator, sink));
        }
    }

    /// Returns whether the rows come from a `FROM_CHANGELOG`.
    fn is_changelog(&self, producer: &Producer) -> bool {
        let updating = self.updating(producer);
        updating.is_some_and(|operator| matches!(operator.kind, OperatorKind::FromChangelog(_)))
    }

    /// Returns the operator that makes a producer's rows change; `None` if the source is itself a changelog.
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

/// Returns the error that several rows of a query may have the same key of a table.
fn conflicting(producer: &Producer, key: &[usize], table: &Table, span: Span) -> Diagnostic {
    let names = |fields: &[usize]| {
        let names: Vec<&str> = fields.iter().map(|&field| producer.fields[field].name.as_str()).collect();
        names.join(", ")
    };
    let of_table = match key {
        [] => "the table has only one row".to_owned(),
        key => format!("the table's key is ({})", names(key)),
    };
    let detail = match &producer.key {
        Some(known) => format!("the key of the query's rows is ({}), but {of_table}", names(known)),
        None => format!("the query's rows have no key, but {of_table}"),
    };
    let message = format!("several rows of this query may have the same key of `{}`", table.name);
    Diagnostic::error(span, message).with_detail(detail).with_hint(
        "choose what happens then: INSERT INTO … SELECT … ON CONFLICT DO DEDUPLICATE (the last one wins), \
         DO NOTHING (the first one stays) or DO ERROR",
    )
}
