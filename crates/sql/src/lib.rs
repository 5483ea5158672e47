//! Flink SQL: text to plan, a pure function.
//!
//! `parse` reads the script, `catalog` holds what it declares, `bind` resolves names and types with Flink's semantics,
//! `rewrite` simplifies, and out comes a [`plan::Plan`] that the engine runs. Nothing here does I/O; which connectors
//! exist is not known here either.

mod assemble;
mod bind;
mod catalog;
pub mod error;
pub mod explain;
pub mod expr;
pub mod functions;
mod graph;
mod parse;
pub mod plan;
mod rewrite;
pub mod settings;
mod typing;
mod variables;

use error::{Diagnostic, Severity, Span};
use parse::ast::Statement;
use plan::{Plan, Settings};

pub use settings::parse_duration;

/// Compiles a whole script.
///
/// `${NAME}` and `${NAME:default}` are filled from `variables` first. The same script and variables always give the
/// same plan.
///
/// # Errors
/// Everything found to be wrong with the script, in the order of its places, notices included; at least one is an
/// error. Places are bytes of `script` as given.
pub fn compile(script: &str, variables: &dyn Fn(&str) -> Option<String>) -> Result<Plan, Vec<Diagnostic>> {
    let filled = variables::fill(script, variables);
    if filled.broken {
        return Err(filled.diagnostics);
    }
    let parse::Script { statements, diagnostics: syntax, subscripts } = parse::parse(&filled);
    let mut diagnostics = filled.diagnostics;
    diagnostics.extend(syntax);

    let mut settings = Settings::default();
    for statement in &statements {
        if let Statement::Set { key, value } = statement {
            settings.set(key, value, &mut diagnostics);
        }
    }
    let mut binder = bind::Binder::new(settings.time_zone.clone(), subscripts);
    let mut queries = vec![];
    let mut has_insert = false;
    for statement in statements {
        match statement {
            Statement::Set { .. } => {}
            Statement::CreateTable(table) => binder.create_table(table),
            Statement::CreateView(view) => binder.create_view(&view),
            Statement::Unreadable(name) => binder.catalog.add_unreadable(name.value),
            Statement::Insert(insert) => {
                has_insert = true;
                queries.extend(binder.insert(&insert));
            }
            Statement::Explain { inserts, span } => {
                for insert in &inserts {
                    // Its findings are reported; its result is not needed.
                    let _ = binder.insert(insert);
                }
                let notice = Diagnostic::notice(span, "EXPLAIN in a script is checked and not run");
                binder.report(notice.with_hint("to see the plan of the whole script: weir explain"));
            }
        }
    }
    diagnostics.append(&mut binder.diagnostics);
    let has_error = |found: &[Diagnostic]| found.iter().any(|d| d.severity == Severity::Error);
    if !has_insert && !has_error(&diagnostics) {
        let end = Span { start: script.len(), end: script.len() };
        let error =
            Diagnostic::error(end, "the script writes nothing").with_hint("add an INSERT INTO … SELECT");
        diagnostics.push(error);
    }
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
    diagnostics.dedup();
    if has_error(&diagnostics) {
        return Err(diagnostics);
    }
    Ok(assemble::assemble(&binder.catalog, queries, settings, diagnostics))
}
