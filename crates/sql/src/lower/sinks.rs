//! Sinks: whether a table can take what a query gives, and what stands between them.

use super::{Failed, Lowering, Producer};
use crate::bind::BoundQuery;
use crate::catalog::Table;
use crate::dialect::{self, Accepts};
use crate::error::Diagnostic;
use crate::plan::operator::{Changes, Conflict};

impl Lowering<'_> {
    /// Refuses a table that cannot take the changes of a query.
    pub(super) fn check_sink(
        &mut self,
        query: &BoundQuery,
        table: &Table,
        changes: &Changes,
    ) -> Result<(), Failed> {
        let accepts = dialect::sink_accepts(&table.options);
        if changes.is_append() || accepts != Accepts::Inserts {
            return Ok(());
        }
        let message = format!("table `{}` takes new rows only, and this query updates rows", table.name);
        let error = Diagnostic::error(query.span, message).with_hint(
            "aggregate in windows, read the rows with `weir sql` or `weir local`, or write them with \
             'connector' = 'print'",
        );
        Err(self.fail(error))
    }

    /// The producer with what a keyed table needs before it.
    pub(super) fn prepare_for_sink(
        &mut self,
        producer: Producer,
        query: &BoundQuery,
        table: &Table,
    ) -> Result<Producer, Failed> {
        self.check_sink(query, table, &producer.changes)?;
        let key: Vec<usize> = table
            .primary_key
            .iter()
            .filter_map(|name| table.sink_columns().position(|column| column.name == *name))
            .collect();

        if let Some(conflict) = query.conflict {
            if key.is_empty() {
                let error = Diagnostic::error(query.span, format!("`{}` has no PRIMARY KEY", table.name))
                    .with_hint("ON CONFLICT is about rows of the same key");
                return Err(self.fail(error));
            }
            return Ok(self.materialized(producer, key, conflict, query.span));
        }
        if key.is_empty() || producer.changes.is_append() {
            return Ok(producer);
        }

        let is_same = producer
            .key
            .as_ref()
            .is_some_and(|known| known.len() == key.len() && known.iter().all(|field| key.contains(field)));
        if is_same {
            return Ok(producer);
        }
        let asks = self.settings.all.get("table.exec.sink.require-on-conflict");
        if asks.is_some_and(|value| value.eq_ignore_ascii_case("false")) {
            return Ok(self.materialized(producer, key, Conflict::Deduplicate, query.span));
        }
        let names = |fields: &[usize]| {
            let names: Vec<&str> = fields.iter().map(|&field| producer.fields[field].name.as_str()).collect();
            names.join(", ")
        };
        let detail = match &producer.key {
            Some(known) => format!(
                "the query's rows are told apart by ({}), the table's by ({})",
                names(known),
                names(&key)
            ),
            None => format!("the query's rows have no key, the table's are told apart by ({})", names(&key)),
        };
        let message = format!("several rows of this query may have the same key of `{}`", table.name);
        let error = Diagnostic::error(query.span, message).with_detail(detail).with_hint(
            "say what happens then: INSERT INTO … SELECT … ON CONFLICT DO DEDUPLICATE (the last one wins), \
             DO NOTHING (the first one stays) or DO ERROR",
        );
        Err(self.fail(error))
    }
}
