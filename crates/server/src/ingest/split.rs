//! Splits a body into events. The body is a JSON object, a JSON array or NDJSON, recognised by its content.
//!
//! An array or a single object is one document: if it is malformed, all of it is refused. In NDJSON each line
//! stands for itself. Indexes count array elements, or lines that are not blank.
//!
//! A document may be UTF-16 or UTF-32, by its byte order mark or its first characters; topics store UTF-8.
//! Lines are UTF-8, unless a byte order mark says otherwise.

use bytes::Bytes;
use memchr::memchr;
use storage::log::NewRecord;
use types::WideEncoding;

use super::event::{Reason, Rules, record};
use super::scan::{self, Malformed};

/// The events of a body in order, accepted and rejected ones apart.
#[derive(Debug, Default)]
pub(crate) struct Events {
    pub(crate) records: Vec<NewRecord>,
    /// Index and reason, ascending; the first [`LISTED_MAX`] of them.
    pub(crate) rejected: Vec<(usize, Reason)>,
    /// Number of rejected events, listed or not.
    pub(crate) rejected_count: usize,
}

/// Maximum of listed rejections. A hundred are enough to see what is wrong with a million.
pub(crate) const LISTED_MAX: usize = 100;

/// Events between two requests to the budget.
const STEP_EVENTS: usize = 1_024;

/// Approximate memory of an event besides its bytes.
const EVENT_OVERHEAD_BYTES: usize = size_of::<NewRecord>() + 32;

/// The body could not be read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the body is empty")]
    Empty,
    #[error("the body is neither UTF-8, nor UTF-16, nor UTF-32")]
    NotText,
    #[error("the JSON array is malformed at byte {at}")]
    Array { at: usize },
    #[error("the body is neither a JSON object, nor a JSON array, nor NDJSON")]
    NotJson,
    #[error("there is no room for so many events")]
    NoRoom,
}

/// Splits a body. `record_bytes_max` bounds a single event. `room` reserves memory for the events besides
/// their bytes, and refuses by returning false.
pub(crate) fn events(
    body: &Bytes,
    rules: Rules,
    record_bytes_max: usize,
    room: &mut dyn FnMut(usize) -> bool,
) -> Result<Events, Unreadable> {
    if let Some(encoding) = WideEncoding::of(body) {
        let text = narrowed(body, encoding, room)?;
        let form = if encoding.has_mark() { Form::Any } else { Form::Document };
        return read(&text, form, Reading::new(&text, rules, record_bytes_max, room));
    }

    let body = &body.strip_prefix(b"\xEF\xBB\xBF").map_or_else(|| body.clone(), |rest| body.slice_ref(rest));
    read(body, Form::Any, Reading::new(body, rules, record_bytes_max, room))
}

/// The permitted forms of a body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Any,
    /// An object or an array.
    Document,
}

/// Converts the body to UTF-8.
fn narrowed(
    body: &Bytes,
    encoding: WideEncoding,
    room: &mut dyn FnMut(usize) -> bool,
) -> Result<Bytes, Unreadable> {
    // Two bytes become at most three, and four become four.
    if !room(body.len().saturating_mul(3) / 2) {
        return Err(Unreadable::NoRoom);
    }
    let mut text = Vec::new();
    encoding.decode(body, &mut text).map_err(|_| Unreadable::NotText)?;
    Ok(Bytes::from(text))
}

fn read(body: &Bytes, form: Form, mut reading: Reading<'_>) -> Result<Events, Unreadable> {
    let start = scan::blanks(body);
    let text = simdutf8::basic::from_utf8(body).is_ok();
    match body.get(start) {
        None => return Err(Unreadable::Empty),
        Some(b'[') if !text => return Err(Unreadable::NotText),
        Some(b'[') => reading.array(start)?,
        Some(b'{') if text && reading.only_object(start) => {}
        Some(_) if form == Form::Document => return Err(Unreadable::NotJson),
        Some(_) => reading.lines(if text { Encoding::Utf8 } else { Encoding::Unknown })?,
    }
    Ok(reading.events)
}

/// Whether the lines are known to be UTF-8.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Unknown,
}

struct Reading<'a> {
    body: &'a Bytes,
    rules: Rules,
    record_bytes_max: usize,
    room: &'a mut dyn FnMut(usize) -> bool,
    count: usize,
    /// Number of events that are no JSON, or no UTF-8.
    unread: usize,
    events: Events,
}

impl<'a> Reading<'a> {
    fn new(
        body: &'a Bytes,
        rules: Rules,
        record_bytes_max: usize,
        room: &'a mut dyn FnMut(usize) -> bool,
    ) -> Reading<'a> {
        Reading { body, rules, record_bytes_max, room, count: 0, unread: 0, events: Events::default() }
    }

    fn array(&mut self, open: usize) -> Result<(), Unreadable> {
        let mut at = open + 1;
        at += scan::blanks(&self.body[at..]);
        if self.body.get(at) == Some(&b']') {
            return self.end(at + 1);
        }

        loop {
            let Ok((scanned, used)) = scan::value(&self.body[at..]) else {
                return Err(Unreadable::Array { at });
            };
            let start = at + scan::blanks(&self.body[at..]);
            at += used;
            let verdict = self.sized(start, at).and_then(|body| record(scanned, body, self.rules));
            self.note(verdict)?;
            at += scan::blanks(&self.body[at..]);
            match self.body.get(at) {
                Some(b',') => at += 1,
                Some(b']') => return self.end(at + 1),
                _ => return Err(Unreadable::Array { at }),
            }
        }
    }

    fn end(&self, at: usize) -> Result<(), Unreadable> {
        match self.body[at..].iter().position(|b| !b.is_ascii_whitespace()) {
            None => Ok(()),
            Some(more) => Err(Unreadable::Array { at: at + more }),
        }
    }

    /// Takes the body if it is a single object, which may span lines; otherwise returns false.
    fn only_object(&mut self, start: usize) -> bool {
        let Ok((scanned, used)) = scan::value(&self.body[start..]) else { return false };
        let end = start + used;
        if end + scan::blanks(&self.body[end..]) != self.body.len() {
            return false;
        }
        let verdict = self.sized(start, end).and_then(|body| record(scanned, body, self.rules));
        self.note(verdict).is_ok()
    }

    fn lines(&mut self, encoding: Encoding) -> Result<(), Unreadable> {
        let mut start = 0;
        while start < self.body.len() {
            let end = memchr(b'\n', &self.body[start..]).map_or(self.body.len(), |length| start + length);
            let blanks = scan::blanks(&self.body[start..end]);
            let length = self.body[start + blanks..end].trim_ascii_end().len();
            if length > 0 {
                let from = start + blanks;
                let verdict = self.sized(from, from + length).and_then(|line| self.line(line, encoding));
                self.note(verdict)?;
            }
            start = end + 1;
        }
        // Garbage fails the request; a single good line makes the body a batch with bad events.
        if self.events.records.is_empty() && self.unread == self.events.rejected_count {
            return Err(Unreadable::NotJson);
        }
        Ok(())
    }

    fn line(&self, line: Bytes, encoding: Encoding) -> Result<NewRecord, Reason> {
        if encoding == Encoding::Unknown && simdutf8::basic::from_utf8(&line).is_err() {
            return Err(Reason::NotText);
        }
        match scan::value(&line) {
            Ok((scanned, used)) if used == line.len() => record(scanned, line.clone(), self.rules),
            Ok(_) | Err(Malformed) => Err(Reason::Malformed),
        }
    }

    /// Returns the bytes of one event, which share the body's memory.
    fn sized(&self, start: usize, end: usize) -> Result<Bytes, Reason> {
        if end - start > self.record_bytes_max {
            return Err(Reason::TooLarge { limit: self.record_bytes_max });
        }
        Ok(self.body.slice(start..end))
    }

    fn note(&mut self, verdict: Result<NewRecord, Reason>) -> Result<(), Unreadable> {
        match verdict {
            Ok(record) => {
                let taken = self.events.records.len();
                let asks = taken > 0 && taken.is_multiple_of(STEP_EVENTS);
                if asks && !(self.room)(STEP_EVENTS * EVENT_OVERHEAD_BYTES) {
                    return Err(Unreadable::NoRoom);
                }
                self.events.records.push(record);
            }
            Err(reason) => {
                self.unread += usize::from(matches!(reason, Reason::Malformed | Reason::NotText));
                self.events.rejected_count += 1;
                if self.events.rejected.len() < LISTED_MAX {
                    self.events.rejected.push((self.count, reason));
                }
            }
        }

        self.count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = r#"{"query_id":"a","ts":"2025-12-09T11:30:00"}"#;

    /// Encodes UTF-16, little endian.
    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn a_document_in_utf_16_is_taken_as_utf_8_and_lines_need_a_mark() {
        let pretty = GOOD.replace(',', ",\n  ");
        for text in [pretty.clone(), format!("\u{feff}{pretty}"), format!("[{pretty}]")] {
            let found = read(wide(&text)).expect("readable");
            assert_eq!(bodies(&found), [pretty.as_bytes()], "{text}");
            assert_eq!(found.records[0].key.as_deref(), Some(&b"a"[..]));
        }
        let lines = format!("{GOOD}\n{GOOD}\n");
        assert_eq!(read(wide(&lines)).expect_err("no mark"), Unreadable::NotJson);
        assert_eq!(read(wide(&format!("\u{feff}{lines}"))).expect("readable").records.len(), 2);

        let beyond: Vec<u8> = [0x7B_u32, 0x11_0000].iter().flat_map(|code| code.to_be_bytes()).collect();
        assert_eq!(read(beyond).expect_err("no text"), Unreadable::NotText);
    }

    fn read(body: impl AsRef<[u8]>) -> Result<Events, Unreadable> {
        events(&Bytes::copy_from_slice(body.as_ref()), Rules::Query, 1_000, &mut |_| true)
    }

    fn bodies(events: &Events) -> Vec<&[u8]> {
        events.records.iter().map(|r| &r.body[..]).collect()
    }

    #[test]
    fn an_object_may_span_lines_and_keeps_its_bytes() {
        let pretty = GOOD.replace(',', ",\n  ");
        let found = read(format!("\u{feff} \n{pretty}\n\n")).expect("readable");
        assert_eq!(bodies(&found), [pretty.as_bytes()]);
        assert_eq!(found.records[0].key.as_deref(), Some(&b"a"[..]));
    }

    #[test]
    fn array_elements_are_counted_from_zero_and_judged_one_by_one() {
        let found = read(format!("[ {GOOD} , 7, {{}}, {GOOD}]")).expect("readable");
        assert_eq!(bodies(&found), [GOOD.as_bytes(), GOOD.as_bytes()]);
        assert_eq!(found.rejected, [(1, Reason::NotAnObject), (2, Reason::NoId)]);
    }

    #[test]
    fn lines_are_judged_one_by_one_and_blank_ones_do_not_count() {
        let found = read(format!("\n{GOOD}\r\n \n{{\"query_id\":\nnull\n{GOOD}")).expect("readable");
        assert_eq!(found.records.len(), 2);
        assert_eq!(found.rejected, [(1, Reason::Malformed), (2, Reason::NotAnObject)]);
    }

    #[test]
    fn each_reason_has_its_case() {
        let reasons = [
            (r#"{"ts":"x"}"#, Reason::NoId),
            (r#"{"query_id":null,"ts":"x"}"#, Reason::NullId),
            (r#"{"query_id":1,"ts":"x"}"#, Reason::IdNotAString),
            (r#"{"query_id":"\ud800","ts":"x"}"#, Reason::IdNotText),
            (r#"{"query_id":"a"}"#, Reason::NoTime),
            (r#"{"query_id":"a","ts":null,"timestamp":3}"#, Reason::NoTime),
        ];
        for (event, reason) in reasons {
            assert_eq!(read(event).expect("readable").rejected, [(0, reason)], "{event}");
        }
        let long = format!(r#"{{"query_id":"a","ts":"x","t":"{}"}}"#, "y".repeat(1_000));
        assert_eq!(read(long).expect("readable").rejected, [(0, Reason::TooLarge { limit: 1_000 })]);
    }

    #[test]
    fn an_escaped_query_id_is_the_key_as_it_is_meant() {
        let found = read(r#"{"query_id":"\u00e9\n","ts":"x"}"#).expect("readable");
        assert_eq!(found.records[0].key.as_deref(), Some("é\n".as_bytes()));
    }

    #[test]
    fn what_is_no_json_at_all_is_an_error_of_the_request() {
        for (body, error) in [
            ("", Unreadable::Empty),
            (" \n ", Unreadable::Empty),
            ("hello\nworld", Unreadable::NotJson),
            ("{\"query_id\":", Unreadable::NotJson),
            ("[{}", Unreadable::Array { at: 3 }),
            ("[{},]", Unreadable::Array { at: 4 }),
            ("[] x", Unreadable::Array { at: 3 }),
        ] {
            assert_eq!(read(body).expect_err(body), error, "{body}");
        }
        assert_eq!(read(b"[\"\xff\"]").expect_err("not text"), Unreadable::NotText);
        assert!(read("[]").expect("readable").records.is_empty());
    }

    #[test]
    fn of_many_rejected_events_the_first_are_listed_and_all_are_counted() {
        let found = read("{}\n".repeat(5_000)).expect("readable");
        assert_eq!((found.rejected.len(), found.rejected_count), (LISTED_MAX, 5_000));
        assert_eq!(found.rejected[99], (99, Reason::NoId));
        let found = read(format!("[{}{{}}]", "{},".repeat(4_999))).expect("readable");
        assert_eq!((found.rejected.len(), found.rejected_count), (LISTED_MAX, 5_000));
    }

    #[test]
    fn events_that_find_no_room_are_not_read_on() {
        let body = Bytes::from(format!("{GOOD}\n").repeat(5_000));
        let mut left = 2;
        let read = events(&body, Rules::Query, 1_000, &mut |_| {
            left -= 1;
            left >= 0
        });
        assert_eq!((read.err(), left), (Some(Unreadable::NoRoom), -1));
    }

    #[test]
    fn a_line_that_is_not_text_does_not_spoil_the_others() {
        let mut body = format!("{GOOD}\n").into_bytes();
        body.extend_from_slice(b"{\"query_id\":\"\xff\",\"ts\":\"x\"}\n");
        let found = read(body).expect("readable");
        assert_eq!((found.records.len(), found.rejected), (1, vec![(1, Reason::NotText)]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn any_body_is_taken_apart_without_losing_a_line(
            lines in prop::collection::vec(0u8..3, 0..8),
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        ) {
            let mut body: Vec<u8> = lines
                .iter()
                .map(|kind| match kind { 0 => GOOD, 1 => "{}", _ => "{\"query_id\":[1,{\"a\":\"b\"}]}" })
                .collect::<Vec<_>>()
                .join("\n")
                .into_bytes();

            for (place, byte) in edits {
                if !body.is_empty() {
                    let place = place.index(body.len());
                    body[place] = byte;
                }
            }

            if let Ok(found) = read(&body) {
                for record in &found.records {
                    prop_assert!(serde_json::from_slice::<serde_json::Value>(&record.body).is_ok_and(|v| v["query_id"].is_string()));
                }
                let first = body.iter().find(|b| !b.is_ascii_whitespace());
                let count = body.split(|&b| b == b'\n').filter(|l| !l.trim_ascii().is_empty()).count();
                let taken = found.records.len() + found.rejected_count;
                // One object may span lines.
                let whole = matches!(first, Some(b'{') if taken == 1) || matches!(first, Some(b'['));
                prop_assert!(taken == count || whole);
            }
        }
    }
}
