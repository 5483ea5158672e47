//! A whole script at once: declarations, settings and what is to run.

use crate::bind::{Binder, BoundQuery, BoundTop};
use crate::error::{Diagnostic, Span};
use crate::lower::lower;
use crate::parse::{self, ast::Statement};
use crate::plan::{Plan, Settings, TopQuery, Updates};
use crate::variables;

/// Compiles a whole script.
///
/// `${NAME}` and `${NAME:default}` are filled from `variables` first. The same script and variables always give the
/// same plan.
///
/// # Errors
/// Everything found to be wrong with the script, in the order of its places, notices included; at least one is an
/// error. Places are bytes of `script` as given.
pub fn compile(script: &str, variables: &dyn Fn(&str) -> Option<String>) -> Result<Plan, Vec<Diagnostic>> {
    let bound = Bound::of(script, variables, Wanted::Inserts)?;
    let mut diagnostics = bound.diagnostics;
    if !bound.has_insert && !has_error(&diagnostics) {
        let end = Span { start: script.len(), end: script.len() };
        let error =
            Diagnostic::error(end, "the script writes nothing").with_hint("add an INSERT INTO … SELECT");
        diagnostics.push(error);
    }
    let diagnostics = in_order(diagnostics)?;
    with_room(|| lower(&bound.binder.catalog, bound.queries, bound.settings, diagnostics))
}

/// Compiles a script that ends with a query whose rows somebody fetches: `SELECT … [LIMIT n]`.
///
/// Its rows come once: what a setting says of early results is left aside.
///
/// # Errors
/// As [`compile`].
pub fn compile_query(
    script: &str,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<TopQuery, Vec<Diagnostic>> {
    let compiled = compile_rows(script, variables, Wanted::Rows)?;
    // Of rows that are updated the first ones to come are not the first ones to stand.
    let updates = compiled.plan.operators.iter().any(|operator| !operator.changes.is_append());
    if compiled.limit.is_some() && updates {
        return compile_rows(script, variables, Wanted::LimitedRows);
    }
    Ok(compiled)
}

fn compile_rows(
    script: &str,
    variables: &dyn Fn(&str) -> Option<String>,
    wanted: Wanted,
) -> Result<TopQuery, Vec<Diagnostic>> {
    let bound = Bound::of(script, variables, wanted)?;
    let mut diagnostics = bound.diagnostics;
    let end = Span { start: script.len(), end: script.len() };
    if bound.top.is_none() && !has_error(&diagnostics) {
        diagnostics.push(Diagnostic::error(end, "there is no query").with_hint("end it with a SELECT"));
    }
    let diagnostics = in_order(diagnostics)?;
    let (top, limit) = bound.top.expect("a script without errors has its query");
    let mut settings = Settings { early_fire: None, ..bound.settings };
    if !settings.says_updates() {
        // Somebody watches the rows change, as Flink tells it.
        settings.updates = Updates::PerRow;
    }
    let plan = with_room(|| lower(&bound.binder.catalog, vec![top.query], settings, diagnostics))?;
    Ok(TopQuery { plan, columns: top.columns, limit })
}

/// The stack of a compilation. Queries nest as deep as the parser allows, and each level takes some ten kilobytes.
const STACK_BYTES: usize = 64 << 20;

/// Does something with room for the deepest nesting that the parser allows, whatever the stack of the calling thread.
pub(crate) fn with_room<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let mut work = Some(work);
    let done = std::thread::scope(|scope| {
        let work = &mut work;
        let run = move || work.take().map(|work| work());
        let started = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, run);
        started.ok().map(std::thread::ScopedJoinHandle::join)
    });
    match (done, work) {
        (Some(Ok(Some(done))), _) => done,
        (Some(Err(panic)), _) => std::panic::resume_unwind(panic),
        // No thread could be started: most scripts nest little.
        (_, Some(work)) => work(),
        (_, None) => unreachable!("work that a thread has taken is done or has panicked"),
    }
}

/// What a script is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Inserts,
    /// The rows of a query, which is its last statement. Of a LIMIT alone whoever fetches takes care.
    Rows,
    /// The same, with the LIMIT as a part of the query.
    LimitedRows,
}

/// A script with its names resolved.
pub(crate) struct Bound {
    pub(crate) binder: Binder,
    pub(crate) settings: Settings,
    queries: Vec<BoundQuery>,
    top: Option<(BoundTop, Option<u64>)>,
    has_insert: bool,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Bound {
    /// Fails only where the script cannot be read at all; other findings are in it.
    pub(crate) fn of(
        script: &str,
        variables: &dyn Fn(&str) -> Option<String>,
        wanted: Wanted,
    ) -> Result<Bound, Vec<Diagnostic>> {
        let filled = variables::fill(script, variables);
        if filled.broken {
            return Err(filled.diagnostics);
        }
        Ok(with_room(|| Bound::of_filled(filled, wanted)))
    }

    fn of_filled(filled: variables::Filled, wanted: Wanted) -> Bound {
        let parse::Script { statements, diagnostics: syntax, subscripts } = parse::parse(&filled);
        let mut diagnostics = filled.diagnostics;
        diagnostics.extend(syntax);

        let mut settings = Settings::default();
        for statement in &statements {
            if let Statement::Set { key, value } = statement {
                settings.set(key, value, &mut diagnostics);
            }
        }
        let binder = Binder::new(&settings, subscripts);
        let mut bound =
            Bound { binder, settings, queries: vec![], top: None, has_insert: false, diagnostics };
        for statement in statements {
            bound.take(statement, wanted);
        }
        bound.diagnostics.append(&mut bound.binder.diagnostics);
        bound
    }

    fn take(&mut self, statement: Statement, wanted: Wanted) {
        let binder = &mut self.binder;
        match statement {
            Statement::Set { .. } => {}
            Statement::CreateTable(table) => binder.create_table(table),
            Statement::CreateView(view) => binder.create_view(&view),
            Statement::Unreadable(name) => binder.catalog.add_unreadable(name.value),
            Statement::Insert(insert) => {
                self.has_insert = true;
                self.queries.extend(binder.insert(&insert));
            }
            Statement::Query(query) if wanted != Wanted::Inserts => {
                // A LIMIT alone is for whoever fetches: the first rows to come are enough.
                let mut query = query;
                let is_plain =
                    wanted == Wanted::Rows && query.query.order_by.is_empty() && query.query.offset.is_none();
                let limit = if is_plain { query.query.limit.take() } else { None };
                let limit = limit.map(|limit| limit.rows);
                self.top = binder.top(&query).ok().map(|top| (top, limit));
            }
            Statement::Query(query) => {
                let error = Diagnostic::error(query.head, "SELECT is not supported as a statement")
                    .with_hint("a query needs somewhere to write: INSERT INTO a_table SELECT …");
                binder.report(error);
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
}

fn has_error(found: &[Diagnostic]) -> bool {
    found.iter().any(Diagnostic::is_error)
}

/// Findings by their places; fails if one is an error.
fn in_order(mut found: Vec<Diagnostic>) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    found.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
    found.dedup();
    if has_error(&found) { Err(found) } else { Ok(found) }
}
