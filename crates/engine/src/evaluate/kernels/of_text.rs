//! Functions of one text and literals: parts of texts, predicates on texts, and computed texts.
//!
//! A part is a view into the same bytes. A computed text is written directly into the column's buffer.

use sql::functions::MAX_VALUE_BYTES;
use sql::functions::of_text::{PartCode, TextWriteCode, TruthCode};

use super::text::{TextPart, is_ascii, parts};
use super::{KernelCall, MAX_BATCH_BYTES};
use types::Scalar;

use crate::column::{Column, View, tri};
use crate::evaluate::slots::Slot;
use crate::evaluate::vector::Vector;

/// Returns a text of a batch. `ascii`: all bytes of its buffer are known to be ASCII.
#[inline(always)]
fn text(bytes: &[u8], ascii: bool) -> &str {
    match ascii {
        // SAFETY: ASCII is UTF-8.
        true => unsafe { std::str::from_utf8_unchecked(bytes) },
        false => std::str::from_utf8(bytes).unwrap_or_default(),
    }
}

/// Computes `SPLIT_INDEX`, `REGEXP_EXTRACT`, `TRIM` and similar functions.
pub(crate) fn part(code: &PartCode, work: KernelCall<'_>, target: &mut Slot) -> bool {
    parts(work, target, |_, bytes, ascii| match code(text(bytes, ascii)) {
        None => TextPart::Null,
        Some(range) => TextPart::Range(range.start, range.end),
    })
}

/// Computes `LIKE`, `REGEXP` and similar functions.
pub(crate) fn truth(code: &TruthCode, work: KernelCall<'_>, target: &mut Slot) -> bool {
    let (Vector::Text { views, data }, Column::Bool(out)) = (work.arg(0), &mut target.column) else {
        return false;
    };
    let ascii = is_ascii(work.rows, data);
    work.rows.each(|row| {
        out[row] = match views[row].of(data) {
            None => tri::NULL,
            Some(bytes) => tri::of(code(text(bytes, ascii))),
        };
    });
    true
}

/// Computes `REPLACE`, `LOWER` and similar functions.
pub(crate) fn write(code: &TextWriteCode, work: KernelCall<'_>, target: &mut Slot) -> bool {
    let Vector::Text { views, data } = work.arg(0) else { return false };
    target.own(work.operands);
    let Column::Text(texts) = &mut target.column else { return false };

    let ascii = is_ascii(work.rows, data);
    work.rows.each(|row| {
        texts.views[row] = match views[row].of(data) {
            None => View::NULL,
            Some(bytes) => {
                let start = texts.data.len();
                code(text(bytes, ascii), &mut texts.data);
                View { start: start as u32, len: (texts.data.len() - start) as u32 }
            }
        };
    });
    texts.data.len() <= MAX_BATCH_BYTES
}

/// Computes `CONCAT`, which is null if a part is.
pub(crate) fn concat(work: KernelCall<'_>, target: &mut Slot) -> bool {
    const FEW: usize = 8;
    let count = work.args.len();
    if count > FEW {
        return false;
    }
    let mut vectors = [Vector::Const(Scalar::Null); FEW];
    for (place, vector) in vectors[..count].iter_mut().enumerate() {
        *vector = work.arg(place);
    }
    let vectors = &vectors[..count];

    target.own(work.operands);
    let Column::Text(texts) = &mut target.column else { return false };
    let joined = work.rows.try_each(|row| {
        let start = texts.data.len();
        let is_whole = vectors.iter().all(|vector| match vector.bytes(row) {
            Some(bytes) => {
                texts.data.extend_from_slice(bytes);
                true
            }
            None => false,
        });

        if !is_whole {
            texts.data.truncate(start);
            texts.views[row] = View::NULL;
            return Ok(());
        }
        let len = texts.data.len() - start;
        texts.views[row] = View { start: start as u32, len: len as u32 };
        // For a value that is too long, the registry's code reports the error.
        if len > MAX_VALUE_BYTES || texts.data.len() > MAX_BATCH_BYTES { Err(()) } else { Ok(()) }
    });
    joined.is_ok()
}
