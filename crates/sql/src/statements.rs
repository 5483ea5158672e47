//! The statements of a script with their places, for code that rewrites a script and keeps the rest of it.
//!
//! Places are bytes of the filled script: the text in which each `${NAME:default}` is replaced by its value.
//! [`Statements::origin`] leads back to the script that the user wrote.
//!
//! ```text
//! INSERT INTO faculty /*+ … */ (a, b) SELECT … FROM … ON CONFLICT DO NOTHING
//! ╰───────┬─────────╯                 ╰──────┬──────╯
//!        head                              query
//! ╰──────────────────────────────────┬─────────────────────────────────────╯
//!                                statement
//! ```

use crate::error::{Diagnostic, Span};
use crate::parse;
use crate::parse::ast::{ColumnKind, CreateTable, Insert, Statement as Parsed, Text};
use crate::session::Variables;
use crate::variables::{self, Filled};

/// A script, cut into its statements.
#[derive(Debug)]
pub struct Statements {
    filled: Filled,
    list: Vec<Statement>,
}

/// A statement. Each `INSERT` of a statement set is a statement; the words around them are in none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The statement without its `;`.
    pub span: Span,
    pub kind: StatementKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementKind {
    Set {
        key: String,
        value: String,
    },
    CreateTable(TableDeclaration),
    CreateView,
    Insert(Insertion),
    /// `EXPLAIN`, which a script only checks, or a query, which it refuses.
    Other,
}

/// `CREATE TABLE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDeclaration {
    pub name: String,
    /// From the beginning of the statement to the name.
    pub head: Span,
    /// The physical columns in order, each with the place of its type.
    pub columns: Vec<(String, Span)>,
    /// The options of `WITH (…)` in order.
    pub options: Vec<(String, String)>,
    /// The place of each option, from its key to its value.
    pub option_places: Vec<Span>,
}

/// `INSERT INTO`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insertion {
    /// The last part of the table's name.
    pub table: String,
    /// From `INSERT` to the table's name.
    pub head: Span,
    /// The hints behind the name, if there are any.
    pub hints: Option<Span>,
    /// The columns that the statement names; empty for all columns of the table.
    pub columns: Vec<String>,
    pub query: Span,
    pub has_on_conflict: bool,
}

impl Statements {
    /// Cuts a script into its statements.
    ///
    /// # Errors
    /// Returns the findings of the parser, in places of `script`, if one is an error.
    pub fn of(script: &str, variables: Variables<'_>) -> Result<Statements, Vec<Diagnostic>> {
        let filled = variables::fill(script, variables);
        if filled.diagnostics.iter().any(Diagnostic::is_error) {
            return Err(filled.diagnostics);
        }

        // Places are wanted in the filled text, so the parser is given that text as if it were the script.
        let parsed = crate::compile::with_room(|| parse::parse(&Filled::finished(filled.text.clone())));
        if parsed.diagnostics.iter().any(Diagnostic::is_error) {
            let back = |found: Diagnostic| Diagnostic { span: filled.origin(found.span), ..found };
            return Err(parsed.diagnostics.into_iter().map(back).collect());
        }

        let all = parsed.statements.iter().zip(parsed.spans);
        let list = all.map(|(statement, span)| Statement { span, kind: kind(statement) }).collect();
        Ok(Statements { filled, list })
    }

    pub fn iter(&self) -> impl Iterator<Item = &Statement> {
        self.list.iter()
    }

    /// Returns a part of the filled script.
    pub fn text(&self, span: Span) -> &str {
        &self.filled.text[span.start..span.end]
    }

    /// Returns the place in the user's script of a part of the filled script.
    pub fn origin(&self, span: Span) -> Span {
        self.filled.origin(span)
    }
}

fn kind(statement: &Parsed) -> StatementKind {
    match statement {
        Parsed::Set { key, value } => {
            StatementKind::Set { key: key.value.clone(), value: value.value.clone() }
        }
        Parsed::CreateTable(table) => StatementKind::CreateTable(declaration(table)),
        Parsed::CreateView(_) => StatementKind::CreateView,
        Parsed::Insert(insert) => StatementKind::Insert(insertion(insert)),
        Parsed::Unreadable(_) | Parsed::Query(_) | Parsed::Explain { .. } => StatementKind::Other,
    }
}

fn declaration(table: &CreateTable) -> TableDeclaration {
    let physical = table.columns.iter().filter_map(|column| match &column.kind {
        ColumnKind::Physical(type_name) => Some((column.name.value.clone(), type_name.span)),
        ColumnKind::Metadata { .. } | ColumnKind::Computed(_) => None,
    });
    let option = |(key, value): &(Text, Text)| (key.value.clone(), value.value.clone());
    TableDeclaration {
        name: table.name.value.clone(),
        head: Span { start: table.span.start, end: table.name.span.end },
        columns: physical.collect(),
        options: table.options.iter().map(option).collect(),
        option_places: table.options.iter().map(|(key, value)| key.span.to(value.span)).collect(),
    }
}

fn insertion(insert: &Insert) -> Insertion {
    let table = insert.table.span();
    let hints = insert.hints.first().zip(insert.hints.last());
    Insertion {
        table: insert.table.last().value.clone(),
        head: Span { start: insert.span.start, end: table.end },
        hints: hints.map(|(first, last)| first.span.to(last.span)),
        columns: insert.columns.iter().map(|column| column.value.clone()).collect(),
        query: insert.query_span,
        has_on_conflict: insert.on_conflict.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: &str = "SET 'a' = '${NAME:b}';\n\
        -- Kept by nobody.\n\
        CREATE TABLE IF NOT EXISTS học (n INT NOT NULL, m AS n + 1, PRIMARY KEY (n) NOT ENFORCED)\n\
        WITH ('connector' = '${C:x}', 'it''s' = 'y');\n\
        CREATE VIEW v AS SELECT 1 AS n;\n\
        EXECUTE STATEMENT SET BEGIN\n\
        INSERT INTO học /*+ OPTIONS('a' = 'b') */ (n) (SELECT n FROM v) UNION ALL VALUES (1);\n\
        INSERT INTO `học` WITH w AS (SELECT 2 AS n) SELECT n FROM w ON CONFLICT DO NOTHING;\n\
        END;\n\
        EXPLAIN INSERT INTO học SELECT n FROM v";

    fn statements() -> Statements {
        Statements::of(SCRIPT, &|name| (name == "C").then(|| "kafka".to_owned())).expect("a script")
    }

    fn inserts(statements: &Statements) -> Vec<Insertion> {
        let insert = |statement: &Statement| match &statement.kind {
            StatementKind::Insert(insert) => Some(insert.clone()),
            _ => None,
        };
        statements.iter().filter_map(insert).collect()
    }

    #[test]
    fn each_statement_has_its_text() {
        let statements = statements();
        let texts: Vec<&str> = statements.iter().map(|statement| statements.text(statement.span)).collect();
        assert_eq!(texts[0], "SET 'a' = 'b'");
        assert!(texts[1].starts_with("CREATE TABLE IF") && texts[1].ends_with("'y')"), "{}", texts[1]);
        assert_eq!(texts[2], "CREATE VIEW v AS SELECT 1 AS n");
        assert!(
            texts[3].starts_with("INSERT INTO học /*+") && texts[3].ends_with("VALUES (1)"),
            "{}",
            texts[3]
        );
        assert!(texts[4].ends_with("ON CONFLICT DO NOTHING"), "{}", texts[4]);
        assert_eq!((texts.len(), texts[5]), (6, "EXPLAIN INSERT INTO học SELECT n FROM v"));
    }

    #[test]
    fn a_declaration_has_its_columns_and_options() {
        let statements = statements();
        let declaration = statements.iter().find_map(|statement| match &statement.kind {
            StatementKind::CreateTable(table) => Some(table),
            _ => None,
        });
        let table = declaration.expect("a table");
        assert_eq!((table.name.as_str(), table.columns.len()), ("học", 1), "m is computed");
        assert_eq!(statements.text(table.head), "CREATE TABLE IF NOT EXISTS học");
        assert_eq!(statements.text(table.columns[0].1), "INT NOT NULL");
        assert_eq!(table.options[1], ("it's".to_owned(), "y".to_owned()));
        assert_eq!(statements.text(table.option_places[0]), "'connector' = 'kafka'");
    }

    #[test]
    fn an_insert_has_its_query() {
        let statements = statements();
        let inserts = inserts(&statements);
        let texts: Vec<(&str, &str)> =
            inserts.iter().map(|of| (statements.text(of.head), statements.text(of.query))).collect();
        assert_eq!(texts[0], ("INSERT INTO học", "(SELECT n FROM v) UNION ALL VALUES (1)"));
        assert_eq!(texts[1], ("INSERT INTO `học`", "WITH w AS (SELECT 2 AS n) SELECT n FROM w"));
        assert_eq!(
            (inserts[0].columns.as_slice(), inserts[0].hints.is_some()),
            (&["n".to_owned()][..], true)
        );
        assert_eq!((inserts[1].table.as_str(), inserts[1].has_on_conflict), ("học", true));
    }

    #[test]
    fn places_lead_back_to_the_script_that_was_written() {
        let statements = statements();
        let query = inserts(&statements)[1].query;
        let origin = statements.origin(query);
        assert_eq!(&SCRIPT[origin.start..origin.end], statements.text(query));
        assert_ne!(origin, query, "the value of a variable has another length than its name");
    }

    #[test]
    fn mistakes_are_told_at_their_places() {
        let found =
            Statements::of("SET 'a' = '${B:much longer}'; SELEC 1", &|_| None).expect_err("a mistake");
        assert_eq!(found[0].span, Span { start: 30, end: 35 });
        assert!(Statements::of("SET 'a' = '${B}'", &|_| None).is_err());
    }
}
