//! Converts findings about a statement to exceptions of Flink's planner, so that its clients print what they
//! print for Flink.

use jobs::SubmitError;
use sql::error::{Diagnostic, DiagnosticKind, Span, quoted_lines};
use sql::session::{CATALOG, DATABASE};
use types::with_causes;

use super::fault::{EXECUTION, Fault, VALIDATION};

const PARSER: &str = "org.apache.flink.table.api.SqlParserException";
const PARSER_END: &str = "org.apache.flink.table.api.SqlParserEOFException";
const CALCITE_PARSER: &str = "org.apache.calcite.sql.parser.SqlParseException";
const GENERATED_PARSER: &str = "org.apache.flink.sql.parser.impl.ParseException";
const CALCITE_CONTEXT: &str = "org.apache.calcite.runtime.CalciteContextException";
const VALIDATOR: &str = "org.apache.calcite.sql.validate.SqlValidatorException";
const TABLE_EXISTS: &str = "org.apache.flink.table.catalog.exceptions.TableAlreadyExistException";

/// Returns the fault of findings, whose places are relative to the statement.
pub(super) fn fault(findings: &[Diagnostic], statement: &str) -> Fault {
    let errors: Vec<&Diagnostic> = findings.iter().filter(|finding| finding.is_error()).collect();
    let Some(first) = errors.first() else {
        return Fault::new(EXECUTION, "the statement was refused without a reason");
    };
    let all = || errors.iter().map(|error| told(error, statement)).collect::<Vec<_>>().join("\n");

    match &first.kind {
        // By these words Flink's client recognises an incomplete statement, and reads on.
        DiagnosticKind::EndOfInput => {
            let (line, column) = place(first.span.start, statement);
            let message = format!("Encountered \"<EOF>\" at line {line}, column {column}.\n{}", all());
            Fault::new(PARSER_END, message.clone())
                .caused_by(CALCITE_PARSER, message.clone())
                .caused_by(GENERATED_PARSER, message)
        }
        DiagnosticKind::Syntax => {
            let message = all();
            Fault::new(PARSER, format!("SQL parse failed. {message}")).caused_by(CALCITE_PARSER, message)
        }
        DiagnosticKind::NoSuchObject(name) if errors.len() == 1 => {
            let hint = first.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
            validator(first.span, statement, format!("Object '{}' not found{hint}", printable(name)))
        }
        DiagnosticKind::NoSuchTable(name) if errors.len() == 1 => {
            let hint = first.hint.as_ref().map(|hint| format!(" {hint}")).unwrap_or_default();
            let table = format!("{CATALOG}.{DATABASE}.{}", printable(name));
            Fault::new(VALIDATION, format!("Table with identifier '{table}' does not exist.{hint}"))
        }
        DiagnosticKind::ObjectExists(name) => {
            let name = printable(name);
            let path = format!("`{CATALOG}`.`{DATABASE}`.`{name}`");
            Fault::new(VALIDATION, format!("Could not execute CreateTable in path {path}")).caused_by(
                TABLE_EXISTS,
                format!("Table (or view) {DATABASE}.{name} already exists in Catalog {CATALOG}."),
            )
        }
        DiagnosticKind::NoSuchObject(_)
        | DiagnosticKind::NoSuchTable(_)
        | DiagnosticKind::Meaning
        | DiagnosticKind::RefusedByFlink
        | DiagnosticKind::NotUsedHere => validator(first.span, statement, all()),
    }
}

/// Returns the fault of a script that a session composed and that did not start. The statement is at its end.
pub(super) fn submit_fault(error: &SubmitError, script: &str, statement_at: usize) -> Fault {
    let SubmitError::Script(findings) = error else {
        return Fault::new(EXECUTION, with_causes(error));
    };
    let statement = script.get(statement_at..).unwrap_or_default();
    let moved: Vec<Diagnostic> = findings
        .iter()
        .map(|finding| {
            let start = finding.span.start.checked_sub(statement_at);
            // Errors in a table's options are found when the table is used, and their places precede the
            // statement.
            let end = finding.span.end.saturating_sub(statement_at);
            let span = start.map_or(Span::default(), |start| Span { start, end });
            Diagnostic { span, ..finding.clone() }
        })
        .collect();
    fault(&moved, statement)
}

/// Returns a name as the texts of findings have it: without characters that a terminal executes.
fn printable(name: &str) -> String {
    quoted_lines(name.to_owned())
}

fn validator(span: Span, statement: &str, message: String) -> Fault {
    if span == Span::default() {
        return Fault::new(VALIDATION, format!("SQL validation failed. {message}"))
            .caused_by(VALIDATOR, message);
    }
    let (line, column) = place(span.start, statement);
    let (last_line, last_column) = place(span.end.saturating_sub(1).max(span.start), statement);
    let context =
        format!("From line {line}, column {column} to line {last_line}, column {last_column}: {message}");
    Fault::new(VALIDATION, format!("SQL validation failed. {context}"))
        .caused_by(CALCITE_CONTEXT, context)
        .caused_by(VALIDATOR, message)
}

/// Formats a finding with its place, detail and hint, one per line.
fn told(finding: &Diagnostic, statement: &str) -> String {
    let mut text = finding.message.clone();
    if finding.span != Span::default() {
        let (line, column) = place(finding.span.start, statement);
        text.push_str(&format!(" (line {line}, column {column})"));
    }
    for more in finding.detail.iter().chain(&finding.hint) {
        text.push('\n');
        text.push_str(more);
    }
    text
}

/// Returns line and column of a byte, counted from 1.
fn place(at: usize, statement: &str) -> (usize, usize) {
    let before = &statement[..statement.floor_char_boundary(at.min(statement.len()))];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
