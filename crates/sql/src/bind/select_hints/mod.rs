//! Hints behind SELECT that have an effect: `SELECT /*+ LOOKUP(…), STATE_TTL(…) */`.
//!
//! Both name tables of the FROM of their own SELECT; a subquery in this FROM has hints of its own. Wrong hints are
//! errors when the hints are read, and so is a `LOOKUP` that no lookup join has asked for when the FROM is bound.

mod lookup;
mod state_ttl;

use crate::error::Diagnostic;
use crate::parse::ast::Select;
use crate::plan::operator::LookupHint;
use crate::rel::StateTtl;
use lookup::NamedHint;
use state_ttl::NamedTtl;

/// The hints of one SELECT.
pub(super) struct SelectHints {
    lookups: Vec<NamedHint>,
    /// Whether a table with the name of each `LOOKUP` was found.
    is_used: Vec<bool>,
    ttls: Vec<NamedTtl>,
    /// The name of the table if the FROM has one with a name and no other.
    only_table: Option<String>,
}

impl SelectHints {
    /// Reads the hints of a SELECT.
    ///
    /// # Errors
    /// A hint has wrong options, or names no table of the FROM.
    pub(super) fn read(select: &Select) -> Result<SelectHints, Box<Diagnostic>> {
        let named = |name: &'static str| select.hints.iter().filter(move |hint| hint.name == name);
        let lookups = named("LOOKUP").map(lookup::read).collect::<Result<Vec<_>, _>>()?;

        let tables = select.from.as_ref().map(state_ttl::tables).unwrap_or_default();
        let mut ttls = vec![];
        for hint in named("STATE_TTL") {
            ttls.extend(state_ttl::read(hint, &tables)?);
        }
        let only_table = match tables.as_slice() {
            [table] => Some((*table).to_owned()),
            _ => None,
        };
        Ok(SelectHints { is_used: vec![false; lookups.len()], lookups, ttls, only_table })
    }

    /// Returns how a lookup join reads the table with one of these names.
    pub(super) fn lookup(&mut self, names: &[&String]) -> LookupHint {
        match self.lookups.iter().position(|hint| names.contains(&&hint.table)) {
            Some(place) => {
                self.is_used[place] = true;
                self.lookups[place].hint
            }
            None => LookupHint::default(),
        }
    }

    /// Returns how long a join keeps the rows of a table.
    pub(super) fn state_ttl(&self, table: &str) -> Option<StateTtl> {
        self.ttls.iter().find(|named| named.table == table).map(|named| named.ttl)
    }

    /// Returns how long an aggregate over the only table keeps its groups.
    pub(super) fn group_ttl(&self) -> Option<StateTtl> {
        self.state_ttl(self.only_table.as_deref()?)
    }

    /// Checks that every `LOOKUP` has been used, after the FROM is bound.
    pub(super) fn check_used(&self) -> Result<(), Box<Diagnostic>> {
        let Some(unused) = self.is_used.iter().position(|is_used| !is_used) else { return Ok(()) };
        let NamedHint { table, span, .. } = &self.lookups[unused];
        let message = format!("LOOKUP names `{table}`, but this SELECT looks up no such table");
        let error = Diagnostic::error(*span, message)
            .with_hint("'table' is the alias in: JOIN t FOR SYSTEM_TIME AS OF a.proctime AS alias");
        Err(Box::new(error))
    }
}
