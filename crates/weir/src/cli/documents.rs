//! What the commands of documents share: saving a document under a condition, and reading it.

use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use ureq::http::StatusCode;

use super::Failure;
use super::api::Api;
use super::terminal::print;

/// The conditions of a change: there is no such document; there is one.
const IS_NEW: (&str, &str) = ("If-None-Match", "*");
const EXISTS: (&str, &str) = ("If-Match", "*");

/// Saves a document of a kind, such as `dashboard`.
pub(super) fn put(
    api: &Api,
    kind: &str,
    path: &str,
    name: &str,
    document: &[u8],
    replace: bool,
) -> Result<(), Failure> {
    if replace {
        match api.put(path, EXISTS, document)? {
            Ok(_) => return print(&format!("replaced {name}")),
            // There is nothing to replace.
            Err(refused) if refused.status == StatusCode::PRECONDITION_FAILED => {}
            Err(refused) => return Err(refused.into()),
        }
    }

    match api.put(path, IS_NEW, document)? {
        Ok(_) => print(&format!("created {name}")),
        Err(refused) if refused.status == StatusCode::PRECONDITION_FAILED => {
            Err(Failure::failed(anyhow::anyhow!(
                "the {kind} `{name}` exists already: replace it with --replace, or choose another name"
            )))
        }
        Err(refused) => Err(refused.into()),
    }
}

/// Reads a document from a file or from stdin.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    if file == Path::new("-") {
        let mut document = Vec::new();
        let read = std::io::stdin().read_to_end(&mut document);
        return read.map(|_| document).context("reading the document from stdin").map_err(Failure::failed);
    }
    std::fs::read(file).with_context(|| format!("reading {}", file.display())).map_err(Failure::failed)
}
