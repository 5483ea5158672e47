//! `STATE_TTL('a' = '1 d', 'b' = '12 h')`: how long a join keeps the rows of a table, or an aggregate over the
//! table keeps its groups.
//!
//! As in Flink, a key is the alias of a table in FROM, or its name if it has no alias. `'0 s'` keeps state
//! for ever. The first hint that names a table wins; within one hint the last value wins. If the left side of
//! a join is itself a join, it has no name and follows `table.exec.state.ttl`.

use crate::error::{Diagnostic, cut, did_you_mean};
use crate::parse::ast::{From, FromKind, Hint};
use crate::rel::StateTtl;
use crate::settings::duration;

/// The state TTL that a hint gives one table.
pub(super) struct NamedTtl {
    pub(super) table: String,
    pub(super) ttl: StateTtl,
}

/// Parses the TTLs of a hint for the tables of a FROM.
pub(super) fn read(hint: &Hint, tables: &[&str]) -> Result<Vec<NamedTtl>, Box<Diagnostic>> {
    if let Some(name) = hint.names.first() {
        let error =
            Diagnostic::error(name.span, format!("STATE_TTL does not say how long `{}` is kept", name.value));
        return Err(Box::new(error.with_hint(format!("STATE_TTL('{}' = '1 d')", cut(&name.value)))));
    }

    let mut ttls: Vec<NamedTtl> = vec![];
    for (table, value) in &hint.options {
        if !tables.contains(&table.value.as_str()) {
            let message = format!("STATE_TTL names `{}`, which is not a table in this FROM", table.value);
            let mut error = Diagnostic::error(table.span, message);
            error.hint = did_you_mean(&table.value, tables.iter().copied())
                .or_else(|| Some("use the table's alias, or its name if it has no alias".to_owned()));
            return Err(Box::new(error));
        }
        let ttl = StateTtl(Some(duration(value)?).filter(|ttl| ttl.0 > 0));
        ttls.retain(|known| known.table != table.value);
        ttls.push(NamedTtl { table: table.value.clone(), ttl });
    }
    Ok(ttls)
}

/// Returns the names of the tables of a FROM.
pub(super) fn tables(from: &From) -> Vec<&str> {
    if let Some(alias) = &from.alias {
        return vec![&alias.value];
    }
    match &from.kind {
        FromKind::Table { name, .. } => vec![&name.last().value],
        FromKind::Joined(joined) => {
            let others = joined.joins.iter().flat_map(|join| tables(&join.right));
            tables(&joined.first).into_iter().chain(others).collect()
        }
        FromKind::Nested(inner) => tables(inner),
        _ => vec![],
    }
}
