//! Output of the commands: results to stdout, messages to stderr.

use std::borrow::Cow;
use std::io::{self, Write as _};

use super::Failure;

/// Writes a line to stdout.
///
/// Fails when the reader is gone, as behind `| head`; the caller then ends.
pub(crate) fn print(line: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush())
        .map_err(|error| Failure::writing("stdout", error))
}

/// Escapes line ends and cursor movements in a name or message, so that it fits into a line.
pub(crate) fn on_one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect::<String>().into()
}

/// Writes a line to stderr. Where even that fails, nobody can be told.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_on_its_line() {
        assert_eq!(on_one_line("đi học"), "đi học");
        assert_eq!(on_one_line("a\nb\u{1b}[2J"), "a\\nb\\u{1b}[2J");
    }
}
