//! Handles rows of a query that updates its rows: they are kept as current rows or written out as they come.

use super::{Chunk, Inner, TableKey};
use engine::connector::{ConnectorError, Rows};
use engine::operator::changes::{Kinds, RowKind};
use engine::row;
use std::io::Write;

/// A row of an updating query in a chunk.
pub(super) struct Change {
    pub(super) row: usize,
    /// Its key in the store or log, if it has one.
    pub(super) key: Option<Vec<u8>>,
}

/// Takes the rows of an updating query: keeps them as current rows, or writes them out.
pub(super) fn take_changes(
    mut inner: parking_lot::MutexGuard<'_, Inner>,
    rows: &Rows<'_>,
    key: &TableKey,
    head: &[u8],
    chunk: &mut Chunk,
    changes: Vec<Change>,
) -> Result<(), ConnectorError> {
    let Inner { out, final_rows, changelog, changes: written, failure, .. } = &mut *inner;
    for (change, line) in changes.into_iter().zip(&chunk.lines) {
        let text = &chunk.data[line.text..line.end];
        if *changelog {
            *written += 1;
            if let Err(error) = out.write_all(text) {
                failure.get_or_insert(error);
            }
            continue;
        }

        let kind = match rows.kinds {
            Kinds::All(kind) => kind,
            Kinds::Each(kinds) => kinds[change.row],
        };
        let line = without_op(text, kind);
        let mut place = head.to_vec();
        place.push(0);
        let has_key = change.key.is_some() || !key.fields.is_empty();
        match change.key {
            _ if !key.fields.is_empty() => {
                let values = key.fields.iter().map(|&field| rows.columns[field].get(change.row));
                row::write_all(values, &mut place);
            }
            Some(key) => place.extend(key),
            None => place.extend_from_slice(&line),
        }
        final_rows.apply(kind, place, has_key, &line);
    }
    Ok(())
}

/// Returns a line without its kind of change, which does not matter for a current row.
fn without_op(line: &[u8], kind: RowKind) -> Vec<u8> {
    let op = format!(",\"op\":\"{}\"", kind.code()).into_bytes();
    // The kind follows the table's name, before anything that a row may contain.
    match line.windows(op.len()).position(|window| *window == *op) {
        Some(at) => [&line[..at], &line[at + op.len()..]].concat(),
        None => line.to_vec(),
    }
}
