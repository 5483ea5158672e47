//! Writes for whoever called: results to stdout, remarks to stderr.

use std::io::{self, Write as _};

use super::Failure;

/// Writes a line to stdout.
///
/// Fails when nobody reads any more, as behind `| head`; the caller ends then.
pub(crate) fn print(line: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush())
        .map_err(|error| Failure::failed(anyhow::Error::new(error).context("writing to stdout")))
}

/// Writes a line to stderr. Where even that fails there is nobody to tell.
pub(crate) fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
