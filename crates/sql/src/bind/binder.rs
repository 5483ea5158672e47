//! Statements: declarations of tables and views, and the queries that a script writes or shows.
//!
//! A [`Binder`] holds what outlives a statement: the catalog, the settings of the script, and the findings. Each
//! statement gets a [`QueryBinder`] of its own, so that nothing of one statement reaches the next one except
//! through the catalog.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::hints::hinted;
use super::query::QueryBinder;
use super::sink::{BoundQuery, SinkBinder};
use super::top::{BoundTop, top};
use super::{Bound, Reported, report};
use crate::catalog::{Catalog, Object, Table};
use crate::error::{Diagnostic, DiagnosticKind};
use crate::parse::ast::{CreateTable, CreateView, Ident, Insert, TopQuery};
use crate::plan::{Settings, SinkRules};
use crate::rules::Rules;

/// Binds the statements of one script, in order.
pub(crate) struct Binder {
    catalog: Catalog,
    diagnostics: Vec<Diagnostic>,
    time_zone: TimeZone,
    /// Rules of the script's settings for written rows.
    sink_rules: SinkRules,
    /// The rewrite rules that the script's settings enable.
    rules: Rules,
    /// Text keys that the script uses to index maps.
    subscripts: BTreeSet<String>,
}

impl Binder {
    pub(crate) fn new(settings: &Settings, subscripts: BTreeSet<String>) -> Binder {
        Binder {
            catalog: Catalog::default(),
            diagnostics: vec![],
            time_zone: settings.time_zone.clone(),
            sink_rules: settings.sink_rules,
            rules: settings.rules,
            subscripts,
        }
    }

    /// Returns what the statements have declared.
    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Returns the findings of all statements so far.
    pub(crate) fn take_diagnostics(&mut self) -> Vec<Diagnostic> {
        std::mem::take(&mut self.diagnostics)
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        report(&mut self.diagnostics, diagnostic)
    }

    /// Adds a name whose declaration could not be parsed.
    pub(crate) fn create_unreadable(&mut self, name: Ident) {
        self.catalog.add_unreadable(name.value);
    }

    pub(crate) fn create_table(&mut self, definition: CreateTable) {
        if self.is_taken(&definition.name, definition.if_not_exists) {
            return;
        }
        let name = definition.name.value.clone();
        let table = Table::declare(definition, &self.time_zone, &self.subscripts, &mut self.diagnostics);
        self.catalog.add_table(name, table);
    }

    pub(crate) fn create_view(&mut self, definition: &CreateView) {
        let replaces = definition.or_replace
            && matches!(self.catalog.get(&definition.name.value), None | Some(Object::View(_)));
        if !replaces && self.is_taken(&definition.name, definition.if_not_exists) {
            return;
        }
        let CreateView { name, columns, query, .. } = definition;
        let relation = self.queries().view(query, columns, name.span).ok();
        self.catalog.add_view(name.value.clone(), relation);
    }

    fn is_taken(&mut self, name: &Ident, if_not_exists: bool) -> bool {
        let taken = self.catalog.get(&name.value).is_some();
        if taken && !if_not_exists {
            let message = format!("a table or view `{}` exists already", name.value);
            let kind = DiagnosticKind::ObjectExists(name.value.clone());
            self.report(Diagnostic::error(name.span, message).of_kind(kind));
        }
        taken
    }

    /// Binds a query whose rows are fetched.
    pub(crate) fn top(&mut self, query: &TopQuery) -> Bound<BoundTop> {
        top(&mut self.queries(), query)
    }

    /// Binds an INSERT.
    pub(crate) fn insert(&mut self, insert: &Insert) -> Bound<BoundQuery> {
        let sink = self.sink_of(insert);
        let relation = self.queries().query(&insert.query, None);
        let (sink, relation) = (sink?, relation?);
        let table = &self.catalog.tables[sink];
        let rows = SinkBinder::new(table, &relation, self.sink_rules, &self.time_zone, &mut self.diagnostics);
        let rel = rows.bind(insert)?;
        Ok(BoundQuery::of_insert(sink, rel, insert))
    }

    /// Returns the index of the table that an INSERT writes, with the options of its hints.
    fn sink_of(&mut self, insert: &Insert) -> Bound<usize> {
        let name = insert.table.last();
        match self.catalog.get(&name.value) {
            Some(Object::Table(index)) if self.catalog.tables[index].is_broken => Err(Reported),
            Some(Object::Table(index)) => {
                hinted(&mut self.catalog, &mut self.diagnostics, index, &insert.hints)
            }
            Some(Object::View(index)) if self.catalog.views[index].is_none() => Err(Reported),
            Some(Object::View(_)) => {
                let error =
                    Diagnostic::error(name.span, format!("`{}` is a view and cannot be written", name.value));
                Err(self.report(error))
            }
            None => {
                let error = self.catalog.unknown(name, "table", DiagnosticKind::NoSuchTable);
                Err(self.report(error))
            }
        }
    }

    /// Creates the binder for the queries of one statement.
    fn queries(&mut self) -> QueryBinder<'_> {
        QueryBinder::new(&mut self.catalog, &mut self.diagnostics, &self.time_zone, self.rules)
    }
}
