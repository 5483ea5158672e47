//! The binder: resolves names and types, and turns the parsed script into relational trees.
//!
//! ```text
//! Binder            the statements of a script: catalog, settings, findings
//! ├ SinkBinder      the rows that an INSERT writes
//! └ QueryBinder     the queries of one statement: WITH names, budget of fields
//!   ├ FromBinder    the FROM of one SELECT, with its hints: tables, joins, windows
//!   └ ExprBinder    the expressions of one clause
//!     ├ NameResolver    what a name refers to
//!     ├ CallCollector   aggregates, OVER calls and subqueries used as values
//!     └ NodeBuilder     operations over bound operands, and their types
//! ```
//!
//! A query is bound clause by clause into a tree of [`Rel`](crate::rel::Rel) nodes; the steps of a SELECT are
//! functions over a [`Stage`](stage::Stage). A view is bound once, where it is declared, and all uses share its
//! tree. Findings are added at once; an error value [`Reported`] proves that a finding was added.

mod aggregate;
mod arithmetic;
mod binder;
mod budget;
mod call;
mod calls;
mod cast;
mod changelog;
mod choose;
mod compare;
mod correlation;
mod dependent_join;
mod enforce;
mod expression;
mod fields;
mod finish;
mod from;
mod function;
mod group;
mod group_calls;
mod group_keys;
mod hints;
mod join;
mod json;
mod lift;
mod matching;
mod names;
mod nested;
mod nodes;
mod over;
mod portable;
mod query;
mod query_filter;
pub(crate) mod resolve;
pub(crate) mod scope;
mod select;
mod select_hints;
mod set_operations;
mod sink;
mod source;
mod stage;
mod subquery;
mod top;
mod truth;
mod values;
mod window_call;
mod with_queries;

use crate::error::Diagnostic;
use crate::plan::Window;

pub(crate) use aggregate::NAMES as AGGREGATES;
pub(crate) use binder::Binder;
pub(crate) use cast::cast_value;
pub(crate) use expression::ExprBinder;
pub(crate) use nodes::NodeBuilder;
use query::QueryBinder;
pub(crate) use resolve::Scope;
pub(crate) use scope::{Cell, Column};
pub(crate) use sink::BoundQuery;
pub(crate) use top::BoundTop;

/// Proof that a finding was reported. Whatever depends on the failed part is dropped without another finding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reported;

pub(crate) type Bound<T> = Result<T, Reported>;

/// Adds a finding.
fn report(diagnostics: &mut Vec<Diagnostic>, diagnostic: Diagnostic) -> Reported {
    diagnostics.push(diagnostic);
    Reported
}

/// Returns the name of the window's function.
pub(crate) fn window_name(window: Window) -> &'static str {
    match window {
        Window::Tumble { .. } => "TUMBLE",
        Window::Hop { .. } => "HOP",
        Window::Cumulate { .. } => "CUMULATE",
    }
}
