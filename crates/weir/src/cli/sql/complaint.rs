//! Shows errors to people: findings at their places in the script, as `weir check` draws them.

use std::io::{IsTerminal as _, stderr};
use std::ops::Range;

use sql::error::{Diagnostic, Span, quoted_lines, render};

use crate::cli::Failure;
use crate::cli::gateway::{Finding, Refusal};
use crate::cli::terminal::complain;

/// Maximum of lines shown behind a finding; Flink's parser lists every word that it expected.
const LINES_MAX: usize = 8;

/// A statement with its place in a script.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    /// The file, or another name of the script.
    pub(super) name: &'a str,
    pub(super) script: &'a str,
    pub(super) statement: Range<usize>,
}

impl Place<'_> {
    pub(super) fn text(&self) -> &str {
        &self.script[self.statement.clone()]
    }

    /// Returns file and line, such as `job.sql:12`.
    pub(super) fn line(&self) -> String {
        let before = &self.script[..self.statement.start];
        format!("{}:{}", self.name, before.matches('\n').count() + 1)
    }

    pub(super) fn show(&self, refusal: &Refusal) {
        for finding in &refusal.findings {
            complain(self.drawn(finding, stderr().is_terminal()).trim_end());
        }
    }

    fn drawn(&self, finding: &Finding, color: bool) -> String {
        let mut more: Vec<&str> = finding.more.iter().map(|line| line.trim()).collect();
        if more.len() > LINES_MAX {
            more.truncate(LINES_MAX);
            more.push("…");
        }
        let Some(span) = finding.span(self.text()) else {
            return quoted_lines(format!("error: {}\n{}", finding.message, more.join("\n")));
        };
        let at = self.statement.start;
        let mut diagnostic =
            Diagnostic::error(Span { start: at + span.start, end: at + span.end }, &finding.message);
        if !more.is_empty() {
            diagnostic = diagnostic.with_hint(more.join("\n"));
        }
        render(&[diagnostic], self.script, self.name, color)
    }
}

/// Returns the failure of an unreachable gateway.
pub(super) fn unreachable(error: anyhow::Error) -> Failure {
    let advice = "start one with `weir up`, or set its URL with --gateway";
    Failure::external(anyhow::anyhow!("{error:#}\n{advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::gateway::Refusal;

    #[test]
    fn a_finding_is_drawn_at_its_place_in_the_script() {
        let script = "SET 'a' = 'b';\nSELECT nosuch\nFROM t;";
        let place = Place { name: "job.sql", script, statement: 15..script.len() };
        let body = r#"{"errors":["a.B: unknown column (line 1, column 8)\ndid you mean `such`?"]}"#;
        let refusal = Refusal::of(body).unwrap();
        let drawn = place.drawn(&refusal.findings[0], false);
        assert!(drawn.contains("job.sql:2:8") && drawn.contains("unknown column"), "{drawn}");
        assert!(drawn.contains("did you mean `such`?"), "{drawn}");
        assert_eq!(place.line(), "job.sql:2");
    }

    #[test]
    fn a_terminal_shows_the_control_characters_of_a_finding_and_does_not_obey_them() {
        let place = Place { name: "job.sql", script: "SELECT 1;", statement: 0..9 };
        let body = serde_json::json!({"errors": ["a.B: no table `\u{1b}[2J`\nor `b`"]}).to_string();
        let drawn = place.drawn(&Refusal::of(&body).unwrap().findings[0], false);
        assert_eq!(drawn, "error: no table `\\u{1b}[2J`\nor `b`");
    }

    #[test]
    fn a_finding_without_a_place_is_told_and_not_at_any_length() {
        let place = Place { name: "job.sql", script: "SELECT 1;", statement: 0..9 };
        let more: Vec<String> = (0..20).map(|line| format!("line{line}")).collect();
        let body = serde_json::json!({"errors": [format!("a.B: out of luck\n{}", more.join("\n"))]});
        let refusal = Refusal::of(&body.to_string()).unwrap();
        let drawn = place.drawn(&refusal.findings[0], false);
        assert!(drawn.starts_with("error: out of luck\nline0\n"), "{drawn}");
        assert!(drawn.contains("line7\n…") && !drawn.contains("line8"), "{drawn}");
    }
}
