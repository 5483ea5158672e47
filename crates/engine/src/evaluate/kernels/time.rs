//! Conversions of text to time, which reuse from row to row the minute of the previous text and the offset of
//! a zone.

use jiff::tz::TimeZone;
use sql::functions::timestamp::{TimeSeparator, TimestampParser, zone_offset_ms};
use sql::functions::zone::WallClock;

use super::KernelCall;
use crate::column::Column;
use crate::evaluate::slots::Slot;
use crate::evaluate::vector::Vector;

/// The memory of a time kernel.
pub(crate) struct TimeMemory {
    parser: TimestampParser,
    clock: WallClock,
}

impl TimeMemory {
    pub(crate) fn new(time_zone: &TimeZone) -> TimeMemory {
        TimeMemory { parser: TimestampParser::new(), clock: WallClock::new(time_zone.clone()) }
    }
}

/// Computes `$PARSE_TIMESTAMP(text)`: wall-clock time, null if the text cannot be read.
pub(crate) fn parse(work: KernelCall<'_>, memory: &mut TimeMemory, target: &mut Slot) -> bool {
    let parser = &mut memory.parser;
    each_text(work, target, |text| parser.parse(text, TimeSeparator::BlankOrT))
}

/// Computes `$PARSE_TIMESTAMP_LTZ(text)`: the instant of that time in the session's time zone.
pub(crate) fn parse_ltz(work: KernelCall<'_>, memory: &mut TimeMemory, target: &mut Slot) -> bool {
    let TimeMemory { parser, clock } = memory;
    each_text(work, target, |text| {
        parser.parse(text, TimeSeparator::BlankOrT).map(|wall_ms| clock.instant_ms(wall_ms))
    })
}

#[inline(always)]
fn each_text(work: KernelCall<'_>, target: &mut Slot, mut f: impl FnMut(&[u8]) -> Option<i64>) -> bool {
    let (Vector::Text { views, data }, Column::Int(out)) = (work.arg(0), &mut target.column) else {
        return false;
    };
    work.rows.each(|row| match views[row].of(data).and_then(&mut f) {
        Some(value) => out.set(row, value),
        None => out.set_null(row),
    });
    true
}

/// Times that are unchanged when written and read again: from year 1 to the end of 9999.
const READABLE_MS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// Computes `$AT_ZONE(time, zone)`: the instant of a wall-clock time at an offset. The registry's code
/// handles names of zones.
pub(crate) fn at_zone(work: KernelCall<'_>, target: &mut Slot) -> bool {
    let (Vector::Int { values, valid }, Vector::Text { views, data }) = (work.arg(0), work.arg(1)) else {
        return false;
    };
    let Column::Int(out) = &mut target.column else { return false };
    work.rows
        .try_each(|row| {
            match views[row].of(data) {
                Some(zone) if valid[row] != 0 => {
                    let offset_ms =
                        zone_offset_ms(zone).filter(|_| READABLE_MS.contains(&values[row])).ok_or(())?;
                    out.set(row, values[row] - offset_ms);
                }
                _ => out.set_null(row),
            }
            Ok::<(), ()>(())
        })
        .is_ok()
}
