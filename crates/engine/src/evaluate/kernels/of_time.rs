//! Fields and texts of times. The value of the previous row is reused while the unit of time is the same.

use std::ops::Range;

use sql::functions::of_time::{TimeCode, TimeResult};

use super::{KernelCall, MAX_BATCH_BYTES};
use crate::column::{Column, View};
use crate::evaluate::select::map;
use crate::evaluate::slots::Slot;
use crate::evaluate::vector::Vector;

/// Computes `HOUR`, `EXTRACT`, `DATE_FORMAT` and similar functions.
pub(crate) fn of_time(code: &TimeCode, work: KernelCall<'_>, target: &mut Slot) -> bool {
    let Vector::Int { values, valid } = work.arg(0) else { return false };
    match &code.gives {
        TimeResult::Field(field) => {
            let Column::Int(out) = &mut target.column else { return false };
            let mut last = (0..0, 0);
            work.rows.each(|row| {
                let ms = values[row];
                if !last.0.contains(&ms) {
                    last = (unit(ms, code.unit_ms), field(ms));
                }
                out.values[row] = if valid[row] == 0 { 0 } else { last.1 };
            });
            map(work.rows, valid, &mut out.valid, |valid| valid);
            true
        }
        TimeResult::Text(write) => {
            target.own(work.operands);
            let Column::Text(texts) = &mut target.column else { return false };
            let mut written = String::new();
            let mut last = (0..0, View::NULL);

            let put = |row: usize| {
                let ms = values[row];
                if valid[row] == 0 {
                    texts.views[row] = View::NULL;
                    return Ok(());
                }
                if !last.0.contains(&ms) {
                    written.clear();
                    if !write(ms, &mut written) || texts.data.len() + written.len() > MAX_BATCH_BYTES {
                        return Err(());
                    }
                    let view = View { start: texts.data.len() as u32, len: written.len() as u32 };
                    texts.data.extend_from_slice(written.as_bytes());
                    last = (unit(ms, code.unit_ms), view);
                }
                texts.views[row] = last.1;
                Ok(())
            };
            work.rows.try_each(put).is_ok()
        }
    }
}

/// Returns the unit that contains a time; empty at the ends of time, where the unit has no bounds.
fn unit(ms: i64, length: i64) -> Range<i64> {
    let start = ms.checked_sub(ms.rem_euclid(length));
    match start.and_then(|start| Some((start, start.checked_add(length)?))) {
        Some((start, end)) => start..end,
        None => 0..0,
    }
}
