//! Parts of texts: a part of a text is a view into the same bytes, nothing is copied.

use sql::functions::timestamp::offset_suffix;
use types::Scalar;

use super::KernelCall;
use crate::column::{Column, View};
use crate::evaluate::select::Operand;
use crate::evaluate::slots::Slot;
use crate::evaluate::vector::Vector;
use crate::selection::Selection;

/// A buffer of up to this many bytes per row is searched as a whole for non-ASCII characters.
const BYTES_A_ROW: usize = 128;

/// The result of such a function for one row.
pub(super) enum TextPart {
    Null,
    /// Start and end, in bytes of the text.
    Range(usize, usize),
    /// Not one run of the text: the row needs the registry's code.
    Torn,
}

/// Computes `CHAR_LENGTH(text)`, in code points.
pub(crate) fn char_length(work: KernelCall<'_>, target: &mut Slot) -> bool {
    let (Vector::Text { views, data }, Column::Int(out)) = (work.arg(0), &mut target.column) else {
        return false;
    };
    let ascii = is_ascii(work.rows, data);
    work.rows.each(|row| {
        let view = views[row];
        out.valid[row] = !view.is_null() as u8;
        out.values[row] = match view.of(data) {
            None => 0,
            Some(text) if ascii => text.len() as i64,
            Some(text) => text.iter().filter(|byte| begins(**byte)).count() as i64,
        };
    });
    true
}

/// Computes `LEFT(text, count)`.
pub(crate) fn left(work: KernelCall<'_>, target: &mut Slot) -> bool {
    let Some(counts) = Ints::of(work.arg(1)) else { return false };
    parts(work, target, |row, text, ascii| match counts.at(row) {
        None => TextPart::Null,
        Some(count) => TextPart::Range(0, if count <= 0 { 0 } else { forward(text, count as usize, ascii) }),
    })
}

/// Computes `RIGHT(text, count)`.
pub(crate) fn right(work: KernelCall<'_>, target: &mut Slot) -> bool {
    let Some(counts) = Ints::of(work.arg(1)) else { return false };
    parts(work, target, |row, text, ascii| match counts.at(row) {
        None => TextPart::Null,
        Some(count) if count <= 0 => TextPart::Range(text.len(), text.len()),
        Some(count) => TextPart::Range(back(text, count as usize, ascii).0, text.len()),
    })
}

/// Computes `SUBSTRING(text, from[, count])`. `from` counts from 1 (0 is treated as 1), or from the end if
/// negative.
pub(crate) fn substring(work: KernelCall<'_>, target: &mut Slot) -> bool {
    let Some(froms) = Ints::of(work.arg(1)) else { return false };
    let counts = match work.args.len() {
        2 => Ints { values: Operand::Same(i64::MAX), valid: Operand::Same(1) },
        _ => match Ints::of(work.arg(2)) {
            Some(counts) => counts,
            None => return false,
        },
    };

    parts(work, target, |row, text, ascii| {
        let (Some(from), Some(count)) = (froms.at(row), counts.at(row)) else { return TextPart::Null };
        if count < 0 {
            return TextPart::Null;
        }
        let start = match from {
            0 | 1 => 0,
            2.. => forward(text, from as usize - 1, ascii),
            _ => match back(text, from.unsigned_abs() as usize, ascii) {
                (start, true) => start,
                (_, false) => text.len(),
            },
        };
        TextPart::Range(start, start + forward(&text[start..], count as usize, ascii))
    })
}

/// Computes `$OFFSET_OF(text)`: the zone offset at the end of the text, or null.
pub(crate) fn offset_of(work: KernelCall<'_>, target: &mut Slot) -> bool {
    parts(work, target, |_, text, _| match offset_suffix(text) {
        None => TextPart::Null,
        Some(suffix) => {
            let start = suffix.as_ptr() as usize - text.as_ptr() as usize;
            TextPart::Range(start, start + suffix.len())
        }
    })
}

/// Computes `$STRIP_OFFSET(text)`: the text without its zone offset.
pub(crate) fn strip_offset(work: KernelCall<'_>, target: &mut Slot) -> bool {
    parts(work, target, |_, text, _| match offset_suffix(text) {
        None => TextPart::Range(0, text.len()),
        Some(suffix) => {
            let start = suffix.as_ptr() as usize - text.as_ptr() as usize;
            // A line terminator may follow the offset.
            if start + suffix.len() == text.len() { TextPart::Range(0, start) } else { TextPart::Torn }
        }
    })
}

#[inline(always)]
pub(super) fn parts(
    work: KernelCall<'_>,
    target: &mut Slot,
    part: impl Fn(usize, &[u8], bool) -> TextPart,
) -> bool {
    let (Vector::Text { views, data }, Some(buffer)) = (work.arg(0), work.operands.buffer(work.args[0]))
    else {
        return false;
    };

    let ascii = is_ascii(work.rows, data);
    let views_of = |row: usize| match views[row].of(data) {
        None => Some(View::NULL),
        Some(text) => match part(row, text, ascii) {
            TextPart::Null => Some(View::NULL),
            TextPart::Range(from, to) => {
                Some(View { start: views[row].start + from as u32, len: (to - from) as u32 })
            }
            TextPart::Torn => None,
        },
    };

    if let Some(texts) = target.texts_in(buffer) {
        let write = |row: usize| {
            texts.views[row] = views_of(row).ok_or(())?;
            Ok::<(), ()>(())
        };
        return work.rows.try_each(write).is_ok();
    }

    // Views of earlier rows of the batch may point into another buffer.
    target.own(work.operands);
    let Column::Text(texts) = &mut target.column else { return false };

    work.rows
        .try_each(|row| {
            match views_of(row).ok_or(())?.of(data) {
                None => texts.views[row] = View::NULL,
                Some(text) => texts.set(row, text),
            }
            Ok::<(), ()>(())
        })
        .is_ok()
}

/// Whole numbers, one per row or one for all.
#[derive(Clone, Copy)]
struct Ints<'a> {
    values: Operand<'a, i64>,
    valid: Operand<'a, u8>,
}

impl<'a> Ints<'a> {
    fn of(vector: Vector<'a>) -> Option<Ints<'a>> {
        match vector {
            Vector::Int { values, valid } => {
                Some(Ints { values: Operand::Each(values), valid: Operand::Each(valid) })
            }
            Vector::Const(Scalar::Int(value)) => {
                Some(Ints { values: Operand::Same(value), valid: Operand::Same(1) })
            }
            _ => None,
        }
    }

    #[inline(always)]
    fn at(self, row: usize) -> Option<i64> {
        (self.valid.at(row) != 0).then(|| self.values.at(row))
    }
}

/// Returns whether all bytes are ASCII; also false if finding out would cost more than it helps.
pub(super) fn is_ascii(rows: Selection<'_>, data: &[u8]) -> bool {
    data.len() <= rows.len() * BYTES_A_ROW && data.is_ascii()
}

/// Returns whether a byte begins a character.
#[inline(always)]
fn begins(byte: u8) -> bool {
    byte as i8 >= -64
}

/// Returns the end of the first `count` characters.
#[inline(always)]
fn forward(text: &[u8], count: usize, ascii: bool) -> usize {
    let end = count.min(text.len());
    if ascii || text[..end].is_ascii() {
        return end;
    }
    (0..text.len()).filter(|&at| begins(text[at])).nth(count).unwrap_or(text.len())
}

/// Returns the start of the last `count` characters (at least one), and whether there are that many.
#[inline(always)]
fn back(text: &[u8], count: usize, ascii: bool) -> (usize, bool) {
    if count > text.len() {
        return (0, false);
    }
    let start = text.len() - count;
    if ascii || text[start..].is_ascii() {
        return (start, true);
    }
    match (0..text.len()).rev().filter(|&at| begins(text[at])).nth(count - 1) {
        Some(start) => (start, true),
        None => (0, false),
    }
}
