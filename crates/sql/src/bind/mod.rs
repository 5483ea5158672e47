//! The binder: resolves names and types, and turns the parsed script into relational trees.
//!
//! A query is bound clause by clause into a tree of [`Rel`] nodes. A view is bound once, where it is
//! declared, and all uses share its tree. Findings go to [`Binder::diagnostics`] at once; an error value
//! [`Reported`] proves that a finding was added.

mod aggregate;
mod arithmetic;
mod call;
mod calls;
mod cast;
mod changelog;
mod choose;
mod compare;
mod correlation;
mod enforce;
mod expression;
mod fields;
mod finish;
mod from;
mod function;
mod group;
mod group_keys;
mod hint;
mod join;
mod json;
mod lift;
mod limits;
mod lookup_hint;
mod matching;
mod names;
mod nested;
mod nodes;
mod over;
mod portable;
mod query;
pub(crate) mod resolve;
pub(crate) mod scope;
mod select;
mod set_operations;
mod sink;
mod stage;
mod state_hint;
mod subquery;
mod top;
mod truth;
mod values;
mod window_call;

use std::collections::{BTreeSet, HashMap};

use jiff::tz::TimeZone;

use crate::catalog::{Catalog, Object};
use crate::error::{Diagnostic, DiagnosticKind, Span};
use crate::expr::ExprId;
use crate::parse::ast::{CreateTable, CreateView, Ident, Query};
use crate::plan::{Settings, SinkRules, Window};
use crate::rel::Rel;
use crate::rules::Rules;
use scope::Relation;

pub(crate) use aggregate::NAMES as AGGREGATES;
pub(crate) use cast::cast_value;
pub(crate) use expression::ExprBinder;
pub(crate) use nodes::NodeBuilder;
pub(crate) use resolve::Scope;
pub(crate) use scope::{Cell, Column};
pub(crate) use sink::BoundQuery;
pub(crate) use top::BoundTop;

/// Proof that a finding was reported. Whatever depends on the failed part is dropped without another finding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reported;

pub(crate) type Bound<T> = Result<T, Reported>;

/// Binds the statements of one script, in order.
pub(crate) struct Binder {
    pub(crate) catalog: Catalog,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) time_zone: TimeZone,
    /// Rules of the script's settings for written rows.
    pub(crate) sink_rules: SinkRules,
    /// The rewrite rules that the script's settings enable.
    rules: Rules,
    /// Text keys that the script uses to index maps.
    subscripts: BTreeSet<String>,
    locals: Locals,
    /// LOOKUP hints of the current SELECT.
    lookup_hints: Vec<lookup_hint::NamedHint>,
    /// STATE_TTL hints of the current SELECT.
    state_ttls: Vec<state_hint::NamedTtl>,
    /// Number of fields of the nodes that the current statement has built.
    fields_built: usize,
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
            locals: Locals::default(),
            lookup_hints: vec![],
            state_ttls: vec![],
            fields_built: 0,
        }
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        self.diagnostics.push(diagnostic);
        Reported
    }

    pub(crate) fn create_table(&mut self, definition: CreateTable) {
        if self.is_taken(&definition.name, definition.if_not_exists) {
            return;
        }
        let name = definition.name.value.clone();
        let table = crate::catalog::Table::declare(
            definition,
            &self.time_zone,
            &self.subscripts,
            &mut self.diagnostics,
        );
        self.catalog.add_table(name, table);
    }

    pub(crate) fn create_view(&mut self, definition: &CreateView) {
        let replaces = definition.or_replace
            && matches!(self.catalog.get(&definition.name.value), None | Some(Object::View(_)));
        if !replaces && self.is_taken(&definition.name, definition.if_not_exists) {
            return;
        }
        self.fields_built = 0;
        let relation = self.view(&definition.query, &definition.columns, definition.name.span).ok();
        self.catalog.add_view(definition.name.value.clone(), relation);
    }

    /// Binds a view's query and gives it the view's column names.
    fn view(&mut self, query: &Query, columns: &[Ident], name: Span) -> Bound<Relation> {
        let mut relation = self.query(query, None)?;
        self.rename(&mut relation.columns, columns, name)?;
        Ok(relation)
    }

    fn rename<T>(&mut self, columns: &mut [Column<T>], names: &[Ident], span: Span) -> Bound<()> {
        if names.is_empty() {
            return Ok(());
        }
        if names.len() != columns.len() {
            let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
            let (given, wanted) = (counted(names.len(), "name"), counted(columns.len(), "column"));
            let message = format!("{given} for {wanted}");
            return Err(self.report(Diagnostic::error(span, message)));
        }
        for (column, name) in columns.iter_mut().zip(names) {
            column.name = name.value.clone();
        }
        Ok(())
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

    /// Resolves a name in `FROM`.
    fn relation_named(&mut self, name: &Ident) -> Bound<Relation> {
        if let Some(local) = self.locals.get(&name.value) {
            return local.clone().ok_or(Reported);
        }
        match self.catalog.get(&name.value) {
            Some(Object::Table(index)) => self.table(index),
            Some(Object::View(index)) => self.catalog.views[index].clone().ok_or(Reported),
            None => {
                let error = self.catalog.unknown(name, "table or view", DiagnosticKind::NoSuchObject);
                Err(self.report(error))
            }
        }
    }

    /// Reads a table: a scan of its leaves, and its declared columns computed from them.
    fn table(&self, index: usize) -> Bound<Relation> {
        let table = &self.catalog.tables[index];
        if table.is_broken {
            return Err(Reported);
        }
        let leaves = table.leaves.iter().map(|leaf| (leaf.path.join("."), leaf.column_type.clone()));
        let scan = Rel::scan(index, leaves.collect(), table.span);

        let mut fields: Vec<(String, ExprId)> = vec![];
        let mut places: HashMap<ExprId, usize> = HashMap::new();
        let columns = table.columns.iter().map(|column| {
            column.map(&mut |id| {
                *places.entry(id).or_insert_with(|| {
                    let name = match table.graph.exprs.expr(id) {
                        crate::expr::Expr::Column(leaf) => table.graph.exprs.inputs[*leaf].name.clone(),
                        _ => column.name.clone(),
                    };
                    fields.push((name, id));
                    fields.len() - 1
                })
            })
        });
        let columns: Vec<Column<usize>> = columns.collect();
        let rowtime = table.rowtime.as_ref().map(|rowtime| rowtime.time);
        let event_time = rowtime.and_then(|time| places.get(&time).copied());

        let mut rel = Rel::calc(scan, table.graph.exprs.clone(), vec![], fields, table.span);
        if let Some(field) = event_time {
            rel = rel.with_event_time(field);
        }
        Ok(Relation { rel, columns, correlated: vec![] })
    }
}

/// The `WITH` names in scope. A name hides the same name of an enclosing query.
#[derive(Default)]
struct Locals {
    names: Vec<String>,
    /// The relations of each name, innermost last; `None` if its query failed.
    relations: HashMap<String, Vec<Option<Relation>>>,
}

impl Locals {
    fn get(&self, name: &str) -> Option<&Option<Relation>> {
        self.relations.get(name)?.last()
    }

    fn push(&mut self, name: String, relation: Option<Relation>) {
        self.relations.entry(name.clone()).or_default().push(relation);
        self.names.push(name);
    }

    /// Removes all names but the first ones.
    fn truncate(&mut self, count: usize) {
        for name in self.names.drain(count..) {
            if let Some(relations) = self.relations.get_mut(&name) {
                relations.pop();
            }
        }
    }
}

/// Returns the name of the window's function.
pub(crate) fn window_name(window: Window) -> &'static str {
    match window {
        Window::Tumble { .. } => "TUMBLE",
        Window::Hop { .. } => "HOP",
        Window::Cumulate { .. } => "CUMULATE",
    }
}
