//! Compiles a whole script: declarations, settings and statements.

use crate::bind::{Binder, BoundQuery, BoundTop};
use crate::error::{Diagnostic, Span};
use crate::lower::lower;
use crate::parse::{self, ast::Statement};
use crate::plan::{Plan, Settings, TopQuery, Updates};
use crate::variables;

/// Compiles a whole script.
///
/// `${NAME}` and `${NAME:default}` are filled from `variables` first. The same script and variables always
/// give the same plan.
///
/// # Errors
/// Returns all findings in script order, notices included; at least one is an error. Spans are byte ranges of
/// `script` as given.
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
    with_room(|| lower(bound.binder.catalog(), bound.queries, bound.settings, diagnostics))
}

/// Compiles a script that ends with a query whose rows are fetched: `SELECT … [LIMIT n]`.
///
/// The plan writes each row once: settings for early results are ignored.
///
/// # Errors
/// Returns the same errors as [`compile`].
pub fn compile_query(
    script: &str,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<TopQuery, Vec<Diagnostic>> {
    let compiled = compile_rows(script, variables, Wanted::Rows)?;
    // If rows are updated, the first rows to arrive may not remain, so the LIMIT has to be part of the query.
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
        // A user watches the rows change; Flink updates them one by one.
        settings.updates = Updates::PerRow;
    }
    let plan = with_room(|| lower(bound.binder.catalog(), vec![top.query], settings, diagnostics))?;
    Ok(TopQuery { plan, columns: top.columns, limit })
}

/// Stack size of a compilation. Queries nest as deep as the parser allows, and each level takes about ten
/// kilobytes.
const STACK_BYTES: usize = 64 << 20;

/// Runs `work` with enough stack for the deepest nesting that the parser allows.
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
        // No thread could be started. Most scripts nest little, so the caller's stack is enough.
        (_, Some(work)) => work(),
        (_, None) => unreachable!("work that a thread has taken is done or has panicked"),
    }
}

/// The purpose of a compilation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Inserts,
    /// The rows of a query, the last statement. A LIMIT without ORDER BY and OFFSET is left to the fetching
    /// client.
    Rows,
    /// The rows of a query, with the LIMIT as part of the plan.
    LimitedRows,
}

/// A script after name resolution.
pub(crate) struct Bound {
    pub(crate) binder: Binder,
    pub(crate) settings: Settings,
    queries: Vec<BoundQuery>,
    top: Option<(BoundTop, Option<u64>)>,
    pub(crate) has_insert: bool,
    /// Whether there is a query, also one that is wrong.
    pub(crate) has_query: bool,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Bound {
    /// Binds a script. Fails only if variables cannot be filled; other findings are in the result.
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
        let parse::Script { statements, diagnostics: syntax, subscripts, .. } = parse::parse(&filled);
        let mut diagnostics = filled.diagnostics;
        diagnostics.extend(syntax);

        let mut settings = Settings::default();
        for statement in &statements {
            if let Statement::Set { key, value } = statement {
                settings.set(key, value, &mut diagnostics);
            }
        }
        let binder = Binder::new(&settings, subscripts);
        let mut bound = Bound {
            binder,
            settings,
            queries: vec![],
            top: None,
            has_insert: false,
            has_query: false,
            diagnostics,
        };
        for statement in statements {
            bound.take(statement, wanted);
        }
        bound.diagnostics.extend(bound.binder.take_diagnostics());
        bound
    }

    fn take(&mut self, statement: Statement, wanted: Wanted) {
        let binder = &mut self.binder;
        match statement {
            Statement::Set { .. } => {}
            Statement::CreateTable(table) => binder.create_table(table),
            Statement::CreateView(view) => binder.create_view(&view),
            Statement::Unreadable(name) => binder.create_unreadable(name),
            Statement::Insert(insert) => {
                self.has_insert = true;
                self.queries.extend(binder.insert(&insert));
            }
            Statement::Query(query) if wanted != Wanted::Inserts => {
                self.has_query = true;
                // A plain LIMIT is left to the fetching client: the first rows to arrive are enough.
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
                    // Only the findings are needed.
                    let _ = binder.insert(insert);
                }
                let notice = Diagnostic::notice(span, "EXPLAIN in a script is checked but not run");
                binder.report(notice.with_hint("to see the plan of the whole script: weir explain"));
            }
        }
    }
}

fn has_error(found: &[Diagnostic]) -> bool {
    found.iter().any(Diagnostic::is_error)
}

/// Sorts findings by place; fails if one is an error.
fn in_order(mut found: Vec<Diagnostic>) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    found.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.span.end));
    found.dedup();
    if has_error(&found) { Err(found) } else { Ok(found) }
}
