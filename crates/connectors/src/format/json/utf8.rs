//! UTF-8 check of plain texts, once for each batch: all bytes are in one buffer, whose check is almost free.

use engine::batch::Batch;
use engine::column::{Column, Texts};

/// Marks rows with text that is not UTF-8 in `dead`, which has one element for each row. Returns false if
/// there are none.
pub(super) fn mark_invalid(texts: &Texts, dead: &mut [bool]) -> bool {
    if let Ok(text) = simdutf8::basic::from_utf8(&texts.data) {
        // Texts can be invalid even if the buffer is valid, if one ends inside of a character.
        let whole = |start: u32, len: u32| {
            text.is_char_boundary(start as usize) && text.is_char_boundary(start as usize + len as usize)
        };
        if texts.views[..dead.len()].iter().all(|view| view.is_null() || whole(view.start, view.len)) {
            return false;
        }
    }
    let mut found = false;
    for (view, dead) in texts.views.iter().zip(dead) {
        if view.of(&texts.data).is_some_and(|bytes| std::str::from_utf8(bytes).is_err()) {
            (*dead, found) = (true, true);
        }
    }
    found
}

/// Removes the marked rows from the batch.
pub(super) fn drop_rows(batch: &mut Batch, dead: &[bool]) {
    for column in &mut batch.columns {
        match column {
            Column::Bool(values) => keep(values, dead),
            Column::Int(numbers) => {
                keep(&mut numbers.values, dead);
                keep(&mut numbers.valid, dead);
            }
            Column::Double(numbers) => {
                keep(&mut numbers.values, dead);
                keep(&mut numbers.valid, dead);
            }
            Column::Wide(numbers) => {
                keep(&mut numbers.values, dead);
                keep(&mut numbers.valid, dead);
            }
            Column::Text(texts) | Column::Bytes(texts) => keep(&mut texts.views, dead),
            Column::Coded(coded) => keep(&mut coded.codes, dead),
        }
    }

    keep(&mut batch.origin.records, dead);
    if !batch.kinds.is_empty() {
        keep(&mut batch.kinds, dead);
    }
    batch.rows -= dead.iter().filter(|&&dead| dead).count();
}

/// Keeps the values of rows that are not marked.
fn keep<T>(values: &mut Vec<T>, dead: &[bool]) {
    let mut dead = dead.iter();
    values.retain(|_| !dead.next().copied().unwrap_or(false));
}
