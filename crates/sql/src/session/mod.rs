//! A session: declarations and settings so far, and the meaning of the next statement after them.
//!
//! A statement is compiled at the end of a script that begins with the session's settings and declarations,
//! by the same functions as a whole script. Therefore every job of a session has a script that can be stored
//! and started again, and the session is a pure function of its statements.

mod ask;
mod complete;
mod compose;
mod declare;
mod describe;
mod outcome;

use std::collections::BTreeMap;

use crate::compile::{Bound, Wanted, compile, compile_query};
use crate::encoding::without_mark;
use crate::error::{Diagnostic, DiagnosticKind, Span, cut};
use crate::explain::explain;
use crate::parse::ast::{Ident, ObjectName, Text};
use crate::parse::command::{Command, Explained, ObjectKind, command};
use crate::plan::{Plan, Settings};
use crate::settings::{KNOWN, matters};
use crate::variables;

pub(crate) use describe::type_of;
pub use outcome::{Answer, Insertion, Outcome, Selection, StopJob};

/// The only catalog and database, with Flink's default names.
pub const CATALOG: &str = "default_catalog";
pub const DATABASE: &str = "default_database";

/// Largest number of objects that a session declares.
const OBJECTS_MAX: usize = 256;
/// Largest size of declarations, and of inserts that wait for their `END`, in bytes.
const TEXT_MAX: usize = 4 << 20;

/// Number of characters of a query's text in its job's name.
const QUERY_NAME_CHARS: usize = 100;

/// Returns the value of `${NAME}`.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The declarations and settings of a session.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// Objects in the order of declaration.
    objects: Vec<Declared>,
    /// The settings that `RESET` restores.
    initial: BTreeMap<String, String>,
    settings: BTreeMap<String, String>,
    /// Inserts since `BEGIN STATEMENT SET`.
    gathering: Option<Vec<String>>,
}

/// A table or view with the statement that declares it.
#[derive(Debug, Clone)]
struct Declared {
    name: String,
    kind: ObjectKind,
    text: String,
}

impl Session {
    /// Creates a session with initial settings.
    pub fn new(settings: BTreeMap<String, String>) -> Session {
        Session { initial: settings.clone(), settings, ..Session::default() }
    }

    /// Returns all settings.
    pub fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// Returns the time zone in which instants are displayed.
    pub fn time_zone(&self) -> jiff::tz::TimeZone {
        let mut settings = Settings::default();
        if let Some(zone) = self.settings.get("table.local-time-zone") {
            settings.set(&word("table.local-time-zone"), &word(zone), &mut vec![]);
        }
        settings.time_zone
    }

    /// Executes one statement.
    ///
    /// # Errors
    /// Returns what is wrong with the statement; spans are bytes of `statement`. The session is unchanged
    /// then.
    pub fn execute(&mut self, statement: &str, variables: Variables<'_>) -> Result<Outcome, Vec<Diagnostic>> {
        let statement = &*without_mark(statement);
        let command = read(statement, variables)?;
        if self.gathering.is_some() {
            return self.gather(command, statement, variables);
        }

        match command {
            Command::Create(declaration) => self.create(*declaration, statement, variables),
            Command::Drop { what, name, if_exists } => self.drop_object(what, &name, if_exists),
            Command::Set(pair) => self.set(pair),
            Command::Reset(key) => {
                self.reset(key.as_ref());
                Ok(Outcome::Done)
            }
            Command::Show(show) => self.show(show, variables),
            Command::Describe(name) => self.describe(name.last(), variables),
            Command::DescribeJob(id) => Ok(Outcome::DescribeJob(id.value)),
            Command::Explain { what, start } => self.explain(what, start, statement, variables),
            Command::UseCatalog(name) => use_catalog(&name),
            Command::Use(name) => use_database(&name),
            Command::Insert | Command::StatementSet => self.insert(statement, variables),
            Command::BeginStatementSet => {
                self.gathering = Some(vec![]);
                Ok(Outcome::Done)
            }
            Command::EndStatementSet => {
                let error = Diagnostic::error(whole(statement), "no statement set has been begun");
                Err(vec![error.with_hint("begin one with BEGIN STATEMENT SET")])
            }
            Command::Query => {
                let (query, composed) =
                    self.compiled(statement, &|script| compile_query(script, variables))?;
                let (script, statement_at) = (composed.text, composed.statement_at);
                let name = query_name(statement);
                Ok(Outcome::Query(Box::new(Selection { script, name, query, statement_at })))
            }
            Command::StopJob { id, with_savepoint, with_drain } => {
                Ok(Outcome::StopJob(StopJob { id: id.value, with_savepoint, with_drain }))
            }
        }
    }

    /// Executes a statement that may be in a file of settings and declarations.
    ///
    /// # Errors
    /// Fails like [`Session::execute`]. Returns `Ok(false)` for other statements, which are not executed.
    pub fn configure(&mut self, statement: &str, variables: Variables<'_>) -> Result<bool, Vec<Diagnostic>> {
        let configures = matches!(
            read(statement, variables)?,
            Command::Create(_)
                | Command::Drop { .. }
                | Command::Set(Some((_, Some(_))))
                | Command::Reset(_)
                | Command::UseCatalog(_)
                | Command::Use(_)
        );
        if configures {
            self.execute(statement, variables)?;
        }
        Ok(configures)
    }

    /// Executes `SET`. Without arguments it lists all settings and known keys; keys without a value follow
    /// the job's configuration.
    fn set(&mut self, pair: Option<(Text, Option<Text>)>) -> Result<Outcome, Vec<Diagnostic>> {
        let Some((key, value)) = pair else {
            let mut all: BTreeMap<String, String> =
                KNOWN.iter().map(|key| ((*key).to_owned(), String::new())).collect();
            all.extend(self.settings.clone());
            return Ok(Answer::texts(
                ["key", "value"],
                all.into_iter().map(|(key, value)| [key, value]).collect(),
            ));
        };

        let Some(value) = value else {
            let rows = self.settings.get(&key.value).map(|value| [key.value, value.clone()]);
            return Ok(Answer::texts(["key", "value"], rows.into_iter().collect()));
        };

        let mut found = vec![];
        Settings::default().set(&key, &value, &mut found);
        found.retain(Diagnostic::is_error);
        if !found.is_empty() {
            return Err(found);
        }
        self.settings.insert(key.value, value.value);
        Ok(Outcome::Done)
    }

    fn reset(&mut self, key: Option<&Text>) {
        let Some(key) = key else {
            self.settings.clone_from(&self.initial);
            return;
        };
        match self.initial.get(&key.value) {
            Some(value) => self.settings.insert(key.value.clone(), value.clone()),
            None => self.settings.remove(&key.value),
        };
    }

    fn insert(&self, statement: &str, variables: Variables<'_>) -> Result<Outcome, Vec<Diagnostic>> {
        let (plan, composed) = self.compiled(statement, &|script| compile(script, variables))?;
        let name = job_name(&plan);
        Ok(Outcome::Insert(Insertion { script: composed.text, name, statement_at: composed.statement_at }))
    }

    /// Handles a statement between `BEGIN STATEMENT SET` and `END`.
    fn gather(
        &mut self,
        command: Command,
        statement: &str,
        variables: Variables<'_>,
    ) -> Result<Outcome, Vec<Diagnostic>> {
        match command {
            Command::Insert => {
                self.room_for(statement)?;
                self.compiled(statement, &|script| compile(script, variables))?;
                self.gathering.get_or_insert_default().push(compose::bare(statement).to_owned());
                Ok(Outcome::Done)
            }
            Command::EndStatementSet => {
                let inserts = self.gathering.take().unwrap_or_default();
                if inserts.is_empty() {
                    return Ok(Outcome::Done);
                }
                let set = format!("EXECUTE STATEMENT SET BEGIN\n{}\n;\nEND", inserts.join("\n;\n"));
                self.insert(&set, variables)
            }
            _ => {
                let error = Diagnostic::error(whole(statement), "a statement set may only contain INSERT");
                Err(vec![error.with_hint("END submits the current set")])
            }
        }
    }

    fn explain(
        &self,
        what: Explained,
        start: usize,
        statement: &str,
        variables: Variables<'_>,
    ) -> Result<Outcome, Vec<Diagnostic>> {
        let explained = statement.get(start..).unwrap_or_default();
        // Padding keeps the spans of findings equal to those in the statement.
        let padding = " ".repeat(start.saturating_sub("EXECUTE ".len()));

        let plan = match what {
            Explained::Insert => {
                let statement = " ".repeat(start) + explained;
                self.compiled(&statement, &|script| compile(script, variables))?.0
            }
            Explained::StatementSet => {
                let statement = format!("{padding}EXECUTE {explained}");
                self.compiled(&statement, &|script| compile(script, variables))?.0
            }
            Explained::Query => {
                let statement = " ".repeat(start) + explained;
                self.compiled(&statement, &|script| compile_query(script, variables))?.0.plan
            }
        };

        let text = format!("== Optimized Execution Plan ==\n{}", explain(&plan));
        Ok(Answer::texts(["result"], vec![[text]]))
    }

    fn find(&self, name: &str) -> Option<&Declared> {
        self.objects.iter().find(|object| object.name == name)
    }

    fn unknown(&self, name: &Ident, what: &str) -> Diagnostic {
        let mut error = Diagnostic::error(name.span, format!("there is no {what} `{}`", name.value))
            .of_kind(DiagnosticKind::NoSuchTable(name.value.clone()));
        let known = self.objects.iter().map(|object| object.name.as_str());
        error.hint = crate::error::did_you_mean(&name.value, known);
        error
    }
}

fn read(statement: &str, variables: Variables<'_>) -> Result<Command, Vec<Diagnostic>> {
    let filled = variables::fill(statement, variables);
    if !filled.diagnostics.is_empty() {
        return Err(filled.diagnostics);
    }
    command(&filled)
}

/// Binds declarations; fails if one has an error.
fn bound(script: &str, variables: Variables<'_>) -> Result<Bound, Vec<Diagnostic>> {
    let bound = Bound::of(script, variables, Wanted::Inserts)?;
    if bound.diagnostics.iter().any(Diagnostic::is_error) { Err(bound.diagnostics) } else { Ok(bound) }
}

/// Names a job after the tables it writes, as Flink does.
fn job_name(plan: &Plan) -> String {
    let tables = plan.sinks.iter().map(|sink| format!("{CATALOG}.{DATABASE}.{}", sink.name));
    format!("insert-into_{}", tables.collect::<Vec<_>>().join(","))
}

/// Names a query's job by its text, on one line and shortened.
fn query_name(statement: &str) -> String {
    let line = compose::bare(statement).split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUERY_NAME_CHARS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Returns whether a statement only queries: it declares, sets, starts and stops nothing.
pub fn only_asks(statement: &str, variables: Variables<'_>) -> bool {
    let command = read(statement, variables);
    command.is_ok_and(|command| {
        matches!(
            command,
            Command::Show(_)
                | Command::Describe(_)
                | Command::DescribeJob(_)
                | Command::Explain { .. }
                | Command::Query
                | Command::Set(None | Some((_, None)))
        )
    })
}

fn use_catalog(name: &Ident) -> Result<Outcome, Vec<Diagnostic>> {
    if name.value == CATALOG {
        return Ok(Outcome::Done);
    }
    let message = format!("a catalog with name [{}] does not exist", cut(&name.value));
    let error = Diagnostic::error(name.span, message);
    Err(vec![error.with_hint(format!("the only one is {CATALOG}"))])
}

fn use_database(name: &ObjectName) -> Result<Outcome, Vec<Diagnostic>> {
    if let [catalog, _] = name.parts.as_slice() {
        use_catalog(catalog)?;
    }
    let last = name.last();
    if last.value == DATABASE {
        return Ok(Outcome::Done);
    }
    let name = cut(&last.value);
    let message = format!("a database with name [{name}] does not exist in the catalog: [{CATALOG}]");
    Err(vec![Diagnostic::error(last.span, message).with_hint(format!("the only one is {DATABASE}"))])
}

fn whole(statement: &str) -> Span {
    Span { start: 0, end: statement.len() }
}

fn word(value: &str) -> Text {
    Text { value: value.to_owned(), span: Span::default() }
}
