//! Parses statements of interactive sessions: besides those of scripts, statements that query, drop and stop
//! things.

use sqlparser::tokenizer::Token;

use super::ast::{Ident, ObjectName, Statement, Text};
use super::{Parsed, Parser, as_syntax, lexer};
use crate::error::{Diagnostic, Span, did_you_mean};
use crate::variables::Filled;

/// One parsed statement, as far as a session needs it.
#[derive(Debug)]
pub(crate) enum Command {
    /// `CREATE TABLE` or `CREATE VIEW`.
    Create(Box<Statement>),
    Drop {
        what: ObjectKind,
        name: ObjectName,
        if_exists: bool,
    },
    /// `SET`, `SET 'key'`, or `SET 'key' = 'value'`.
    Set(Option<(Text, Option<Text>)>),
    /// `RESET` or `RESET 'key'`.
    Reset(Option<Text>),
    Show(Show),
    Describe(ObjectName),
    DescribeJob(Text),
    /// An `EXPLAIN`; the explained text starts at `start`.
    Explain {
        what: Explained,
        start: usize,
    },
    UseCatalog(Ident),
    /// `USE [catalog.]database`.
    Use(ObjectName),
    /// An `INSERT`.
    Insert,
    /// `EXECUTE STATEMENT SET BEGIN … END`.
    StatementSet,
    /// `BEGIN STATEMENT SET`; its inserts follow as separate statements.
    BeginStatementSet,
    EndStatementSet,
    Query,
    StopJob {
        id: Text,
        with_savepoint: bool,
        with_drain: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ObjectKind {
    Table,
    View,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Explained {
    Insert,
    StatementSet,
    Query,
}

#[derive(Debug)]
pub(crate) enum Show {
    Tables(Option<Like>),
    Views(Option<Like>),
    Functions(Option<Like>),
    /// `SHOW USER FUNCTIONS`: always empty, because users cannot define functions.
    UserFunctions,
    Jobs,
    Catalogs,
    Databases,
    Modules,
    /// Modules, and whether each is used.
    FullModules,
    /// `SHOW JARS`: always empty, because users cannot add any.
    Jars,
    Columns(ObjectName, Option<Like>),
    CurrentCatalog,
    CurrentDatabase,
    Create(ObjectKind, ObjectName),
}

/// `[NOT] LIKE 'pattern'`.
#[derive(Debug)]
pub(crate) struct Like {
    pub(crate) pattern: String,
    pub(crate) negated: bool,
    pub(crate) ignores_case: bool,
}

const STARTS: &[&str] = &[
    "CREATE", "DROP", "INSERT", "SELECT", "SET", "RESET", "EXECUTE", "BEGIN", "END", "EXPLAIN", "SHOW",
    "DESCRIBE", "DESC", "USE", "STOP",
];

/// Parses one statement with an optional `;` behind it.
///
/// # Errors
/// Returns everything that is wrong with the statement.
pub(crate) fn command(filled: &Filled) -> Result<Command, Vec<Diagnostic>> {
    let (lexemes, failure) = lexer::lexemes(filled);
    if let Some(failure) = failure {
        let mut failures = vec![failure];
        as_syntax(&mut failures);
        return Err(failures);
    }
    let mut parser = Parser::new(lexemes);
    let read = parser.command().and_then(|command| parser.end_of_command().map(|()| command));
    let mut diagnostics = parser.diagnostics;
    match read {
        Ok(command) if !diagnostics.iter().any(Diagnostic::is_error) => return Ok(command),
        Ok(_) => {}
        Err(error) => diagnostics.push(*error),
    }
    as_syntax(&mut diagnostics);
    Err(diagnostics)
}

impl Parser {
    fn end_of_command(&mut self) -> Parsed<()> {
        while self.tokens.accept(&Token::SemiColon) {}
        if self.tokens.is_end() {
            return Ok(());
        }
        let error = Diagnostic::error(self.tokens.span(), "one statement at a time");
        Err(Box::new(error.with_hint("send the text behind the `;` as a separate statement")))
    }

    fn command(&mut self) -> Parsed<Command> {
        let start = self.tokens.span();
        if self.begins_query() {
            self.top_query()?;
            return Ok(Command::Query);
        }

        if self.tokens.accept_word("CREATE") {
            return self.create(start).map(|declaration| Command::Create(Box::new(declaration)));
        }
        if self.tokens.accept_word("DROP") {
            return self.drop();
        }
        if self.tokens.accept_word("INSERT") {
            return self.insert(start).map(|_| Command::Insert);
        }

        if self.tokens.accept_words(&["EXECUTE", "STATEMENT", "SET"]) {
            self.tokens.expect_word("BEGIN")?;
            return self.statement_set(start).map(|_| Command::StatementSet);
        }

        if self.tokens.accept_word("EXECUTE") {
            self.tokens.expect_word("INSERT")?;
            return self.insert(start).map(|_| Command::Insert);
        }

        if self.tokens.accept_words(&["BEGIN", "STATEMENT", "SET"]) {
            return Ok(Command::BeginStatementSet);
        }
        if self.tokens.accept_word("END") {
            return Ok(Command::EndStatementSet);
        }
        if self.tokens.accept_word("SET") {
            return self.session_set();
        }

        if self.tokens.accept_word("RESET") {
            let key = if self.is_at_end_of_command() {
                None
            } else {
                Some(self.tokens.text("a key in single quotes")?)
            };
            return Ok(Command::Reset(key));
        }

        if self.tokens.accept_word("EXPLAIN") {
            return self.explain_command(start);
        }
        if self.tokens.accept_word("SHOW") {
            return self.show().map(Command::Show);
        }

        if self.tokens.accept_word("DESCRIBE") || self.tokens.accept_word("DESC") {
            if self.tokens.is_word("JOB") && matches!(self.tokens.peek_nth(1), Token::SingleQuotedString(_)) {
                self.tokens.advance();
                return self.tokens.text("the job's id in single quotes").map(Command::DescribeJob);
            }
            self.tokens.accept_word("EXTENDED");
            return self.tokens.object_name("a table's name").map(Command::Describe);
        }

        if self.tokens.accept_words(&["USE", "CATALOG"]) {
            return self.tokens.ident("a catalog's name").map(Command::UseCatalog);
        }
        if self.tokens.accept_word("USE") {
            return self.tokens.object_name("a database's name").map(Command::Use);
        }
        if self.tokens.accept_words(&["STOP", "JOB"]) {
            return self.stop_job();
        }
        Err(self.refused_command())
    }

    fn is_at_end_of_command(&self) -> bool {
        matches!(self.tokens.peek(), Token::SemiColon | Token::EOF)
    }

    fn session_set(&mut self) -> Parsed<Command> {
        if self.is_at_end_of_command() {
            return Ok(Command::Set(None));
        }
        let key = self.tokens.text("a key in single quotes")?;
        let value = if self.tokens.accept(&Token::Eq) {
            Some(self.tokens.text("a value in single quotes")?)
        } else {
            None
        };
        Ok(Command::Set(Some((key, value))))
    }

    /// Parses what follows `DROP`.
    fn drop(&mut self) -> Parsed<Command> {
        self.tokens.accept_word("TEMPORARY");
        let what = self.object_kind("`TABLE` or `VIEW`: there is nothing else to drop")?;
        let if_exists = self.tokens.accept_words(&["IF", "EXISTS"]);
        Ok(Command::Drop { what, name: self.tokens.object_name("its name")?, if_exists })
    }

    fn object_kind(&mut self, expected: &str) -> Parsed<ObjectKind> {
        if self.tokens.accept_word("TABLE") {
            Ok(ObjectKind::Table)
        } else if self.tokens.accept_word("VIEW") {
            Ok(ObjectKind::View)
        } else {
            Err(self.tokens.unexpected(expected))
        }
    }

    /// Parses what follows `EXPLAIN`.
    fn explain_command(&mut self, start: Span) -> Parsed<Command> {
        self.explained_details()?;
        let from = self.tokens.span();
        let what = if self.begins_query() {
            self.top_query()?;
            Explained::Query
        } else if self.tokens.accept_words(&["STATEMENT", "SET", "BEGIN"]) {
            self.statement_set(start)?;
            Explained::StatementSet
        } else {
            self.tokens.expect_word("INSERT")?;
            self.insert(from)?;
            Explained::Insert
        };
        Ok(Command::Explain { what, start: from.start })
    }

    /// Parses what follows `SHOW`.
    fn show(&mut self) -> Parsed<Show> {
        if self.tokens.accept_word("CREATE") {
            let what = self.object_kind("`TABLE` or `VIEW`")?;
            return Ok(Show::Create(what, self.tokens.object_name("its name")?));
        }

        if self.tokens.accept_word("CURRENT") {
            return if self.tokens.accept_word("CATALOG") {
                Ok(Show::CurrentCatalog)
            } else if self.tokens.accept_word("DATABASE") {
                Ok(Show::CurrentDatabase)
            } else {
                Err(self.tokens.unexpected("`CATALOG` or `DATABASE`"))
            };
        }

        if self.tokens.accept_word("USER") {
            return if self.tokens.accept_word("FUNCTIONS") {
                Ok(Show::UserFunctions)
            } else {
                Err(self.tokens.unexpected("`FUNCTIONS`"))
            };
        }

        if self.tokens.accept_word("COLUMNS") {
            if !self.tokens.accept_word("FROM") && !self.tokens.accept_word("IN") {
                return Err(self.tokens.unexpected("`FROM`"));
            }
            let name = self.tokens.object_name("a table's name")?;
            return Ok(Show::Columns(name, self.pattern()?));
        }

        if self.tokens.accept_word("FULL") {
            self.tokens.expect_word("MODULES")?;
            return Ok(Show::FullModules);
        }

        if self.tokens.accept_word("TABLES") {
            return self.like().map(Show::Tables);
        }
        if self.tokens.accept_word("VIEWS") {
            return self.like().map(Show::Views);
        }
        if self.tokens.accept_word("FUNCTIONS") {
            return self.like().map(Show::Functions);
        }

        let plain = [
            ("JOBS", Show::Jobs),
            ("JARS", Show::Jars),
            ("CATALOGS", Show::Catalogs),
            ("DATABASES", Show::Databases),
            ("MODULES", Show::Modules),
        ];

        for (word, show) in plain {
            if self.tokens.accept_word(word) {
                return Ok(show);
            }
        }

        for word in ["COLUMNS", "PARTITIONS", "PROCEDURES", "MODELS", "MATERIALIZED", "FULL"] {
            if self.tokens.is_word(word) {
                let error = Diagnostic::error(self.tokens.span(), format!("SHOW {word} is not supported"));
                let hint = (word == "COLUMNS").then(|| "DESCRIBE shows a table's columns".to_owned());
                return Err(Box::new(Diagnostic { hint, ..error }));
            }
        }

        Err(self.tokens.unexpected(
            "`TABLES`, `VIEWS`, `COLUMNS`, `FUNCTIONS`, `JOBS`, `JARS`, `CATALOGS`, `DATABASES`, `MODULES`, `CURRENT CATALOG`, \
             `CURRENT DATABASE`, `CREATE TABLE` or `CREATE VIEW`",
        ))
    }

    /// Parses `[FROM|IN [catalog.]database] [[NOT] LIKE|ILIKE 'pattern']`.
    fn like(&mut self) -> Parsed<Option<Like>> {
        if self.tokens.accept_word("FROM") || self.tokens.accept_word("IN") {
            self.tokens.object_name("a database's name")?;
        }
        self.pattern()
    }

    /// Parses `[[NOT] LIKE|ILIKE 'pattern']`.
    fn pattern(&mut self) -> Parsed<Option<Like>> {
        let negated = self.tokens.accept_word("NOT");
        let ignores_case = self.tokens.is_word("ILIKE");
        if self.tokens.accept_word("LIKE") || self.tokens.accept_word("ILIKE") {
            let pattern = self.tokens.text("a pattern in single quotes")?.value;
            return Ok(Some(Like { pattern, negated, ignores_case }));
        }
        if negated { Err(self.tokens.unexpected("`LIKE`")) } else { Ok(None) }
    }

    /// Parses what follows `STOP JOB`.
    fn stop_job(&mut self) -> Parsed<Command> {
        let id = self.tokens.text("the job's id in single quotes")?;
        let (mut with_savepoint, mut with_drain) = (false, false);
        while self.tokens.accept_word("WITH") {
            if self.tokens.accept_word("SAVEPOINT") {
                with_savepoint = true;
            } else if self.tokens.accept_word("DRAIN") {
                with_drain = true;
            } else {
                return Err(self.tokens.unexpected("`SAVEPOINT` or `DRAIN`"));
            }
        }
        Ok(Command::StopJob { id, with_savepoint, with_drain })
    }

    fn refused_command(&self) -> Box<Diagnostic> {
        let Token::Word(word) = self.tokens.peek() else { return self.tokens.unexpected("a statement") };
        let name = word.value.to_ascii_uppercase();
        let hint = match name.as_str() {
            "ALTER" => "drop it and create it again",
            "UPDATE" | "DELETE" | "MERGE" | "TRUNCATE" | "UPSERT" => "write rows with INSERT INTO … SELECT",
            "LOAD" | "UNLOAD" | "ADD" | "REMOVE" | "CALL" | "ANALYZE" | "COMPILE" => {
                "there are no modules, jars, procedures, statistics or compiled plans here"
            }
            _ => {
                let message = format!("`{}` does not begin a statement", word.value);
                let mut error = Diagnostic::error(self.tokens.span(), message);
                error.hint = did_you_mean(&name, STARTS.iter().copied());
                return Box::new(error);
            }
        };
        Box::new(Diagnostic::error(self.tokens.span(), format!("{name} is not supported")).with_hint(hint))
    }
}
