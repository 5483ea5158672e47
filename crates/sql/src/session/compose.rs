//! Builds a script from a session's settings and declarations, followed by a statement.

use std::fmt::Write as _;
use std::ops::Range;

use super::{Declared, Session, matters};
use crate::error::{Diagnostic, DiagnosticKind, Span};

/// A script that ends with a statement.
pub(super) struct Composed {
    pub(super) text: String,
    pub(super) statement_at: usize,
    /// The range of each object's declaration; empty if it is left out.
    objects: Vec<Range<usize>>,
}

impl Session {
    fn composed(&self, statement: &str, left_out: &[usize]) -> Composed {
        let mut text = String::new();
        for (key, value) in self.settings.iter().filter(|(key, _)| matters(key)) {
            // Writing to a `String` does not fail.
            let _ = writeln!(text, "SET '{}' = '{}';", key.replace('\'', "''"), value.replace('\'', "''"));
        }
        let mut objects = vec![];
        for (at, Declared { text: declaration, .. }) in self.objects.iter().enumerate() {
            let start = text.len();
            if !left_out.contains(&at) {
                text.push_str(bare(declaration));
                // The `;` is on its own line because the declaration may end with a comment.
                text.push_str("\n;\n");
            }
            objects.push(start..text.len());
        }
        let statement_at = text.len();
        text.push_str(statement);
        Composed { text, statement_at, objects }
    }

    /// Compiles a statement at the end of the session's script.
    ///
    /// Declarations that became invalid because something they read was dropped are left out, unless the
    /// statement needs them.
    pub(super) fn compiled<T>(
        &self,
        statement: &str,
        compile: &dyn Fn(&str) -> Result<T, Vec<Diagnostic>>,
    ) -> Result<(T, Composed), Vec<Diagnostic>> {
        let mut left_out: Vec<usize> = vec![];
        let mut reasons: Vec<Diagnostic> = vec![];

        loop {
            let composed = self.composed(statement, &left_out);
            let found = match compile(&composed.text) {
                Ok(compiled) => return Ok((compiled, composed)),
                Err(found) => found,
            };
            let errors = found.into_iter().filter(Diagnostic::is_error);
            let (own, others): (Vec<Diagnostic>, Vec<Diagnostic>) =
                errors.partition(|error| error.span.start >= composed.statement_at);
            if !own.is_empty() {
                let names_left_out = own.iter().any(|error| {
                    matches!(&error.kind, DiagnosticKind::NoSuchObject(name) | DiagnosticKind::NoSuchTable(name)
                        if left_out.iter().any(|at| self.objects[*at].name == *name))
                });
                if names_left_out {
                    return Err(reasons);
                }
                return Err(own.into_iter().map(|error| moved(error, composed.statement_at)).collect());
            }
            let is_of = |range: &Range<usize>| others.iter().any(|error| range.contains(&error.span.start));
            let broken: Vec<usize> = (0..self.objects.len())
                .filter(|at| !left_out.contains(at) && is_of(&composed.objects[*at]))
                .collect();
            let of_objects = others.iter().map(|error| self.elsewhere(error, &composed));
            reasons.extend(of_objects);
            if broken.is_empty() {
                return Err(reasons);
            }
            left_out.extend(broken);
        }
    }

    /// Attributes an error to an earlier declaration or setting.
    fn elsewhere(&self, error: &Diagnostic, composed: &Composed) -> Diagnostic {
        let object = composed.objects.iter().position(|range| range.contains(&error.span.start));
        let message = match object {
            Some(at) => format!("`{}`: {}", self.objects[at].name, error.message),
            None => error.message.clone(),
        };
        Diagnostic { message, span: Span::default(), ..error.clone() }
    }
}

/// Removes the `;` at the end of a statement.
pub(super) fn bare(statement: &str) -> &str {
    statement.trim_end_matches(|c: char| c.is_whitespace() || c == ';')
}

fn moved(error: Diagnostic, by: usize) -> Diagnostic {
    let span = Span { start: error.span.start - by, end: error.span.end.saturating_sub(by) };
    Diagnostic { span, ..error }
}
