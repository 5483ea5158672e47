//! The walk over one record: from member to member, storing each value directly in its column.
//!
//! Common cases are inlined and selected by the action and the value's first byte. Everything else goes to
//! [`Decoder::other`], which handles all types.

use engine::column::{Column, View, tri};
use engine::dictionary::InvalidText;

use super::decoder::Decoder;
use super::layout::{Action, Learned, Member, Step};
use super::leaf::ValueKind;
use super::options::{Fault, FaultKind};
use super::{number, scan, skip, text, time};

/// The walk ended early; [`Decoder::fault`] has the reason. The type is empty, so that results fit into
/// registers.
#[derive(Debug)]
pub(super) struct Stop;

/// The position at which the walk continues.
pub(super) type Walked = Result<usize, Stop>;

/// The token after a value or after an object's `{`.
enum Next {
    Member(Member),
    /// The object's end; the position is behind it.
    End(usize),
}

impl Decoder {
    #[cold]
    #[inline(never)]
    pub(super) fn stop<T>(&mut self, fault: Fault) -> Result<T, Stop> {
        self.fault = fault;
        Err(Stop)
    }

    #[cold]
    fn malformed<T>(&mut self, what: &'static str, at: usize) -> Result<T, Stop> {
        self.stop(Fault::malformed(what, at))
    }

    /// Reads the object whose `{` is at `i` into the current row.
    pub(super) fn object(&mut self, columns: &mut [Column], b: &[u8], node: usize, i: usize) -> Walked {
        if self.layout.nodes[node].seen == self.row_id {
            // A second object with the same name replaces the first.
            self.null_node(columns, node);
        }
        self.object_members(columns, b, node, i)
    }

    fn object_members(&mut self, columns: &mut [Column], b: &[u8], node: usize, i: usize) -> Walked {
        self.layout.nodes[node].seen = self.row_id;
        // An object is never inside itself, so its learned data can be taken out meanwhile.
        let mut learned = self.layout.nodes[node].learned.take().unwrap_or_default();
        let end = self.members(columns, b, node, &mut learned, i);
        self.layout.nodes[node].learned = Some(learned);
        end
    }

    #[inline(always)]
    fn members(
        &mut self,
        columns: &mut [Column],
        b: &[u8],
        node: usize,
        learned: &mut Learned,
        i: usize,
    ) -> Walked {
        let Member { mut step, value: mut at, mut next } = match learned.first(b, i) {
            Some(member) => member,
            None => match self.member(b, node, learned, i, 0, true)? {
                Next::Member(member) => member,
                Next::End(end) => return Ok(end),
            },
        };

        loop {
            at = self.value(columns, b, node, step, at)?;
            if let Some(entry) = learned.entries.get(next)
                && entry.matches(b, at)
            {
                step = entry.step;
                at += entry.len as usize;
                next += 1;
                continue;
            }
            if b.get(at) == Some(&b'}') {
                return Ok(at + 1);
            }
            match self.member(b, node, learned, at, next, false)? {
                Next::Member(member) => Member { step, value: at, next } = member,
                Next::End(end) => return Ok(end),
            }
        }
    }

    /// Finds a member other than the expected one, or the object's end, and learns it. `start` is at the `{`
    /// or behind a value.
    #[inline(never)]
    fn member(
        &mut self,
        b: &[u8],
        node: usize,
        learned: &mut Learned,
        start: usize,
        next: usize,
        first: bool,
    ) -> Result<Next, Stop> {
        if !first && let Some(member) = learned.ahead(b, start, next) {
            return Ok(Next::Member(member));
        }
        let mut i = scan::blanks(b, start);

        match b.get(i) {
            Some(b'{') if first => {}
            Some(b',') if !first => {}
            Some(b'}') if !first => return Ok(Next::End(i + 1)),
            _ => return self.malformed("expected `,` or `}`", i),
        }

        i = scan::blanks(b, i + 1);
        match b.get(i) {
            Some(b'"') => {}
            Some(b'}') if first => return Ok(Next::End(i + 1)),
            _ => return self.malformed("expected a key", i),
        }

        let name = i + 1;
        let Some(inside) = scan::string(b, name) else {
            return self.malformed("a key without its end", i);
        };
        i = scan::blanks(b, inside.end + 1);
        if b.get(i) != Some(&b':') {
            return self.malformed("expected `:`", i);
        }
        i = scan::blanks(b, i + 1);
        let object = b.get(i) == Some(&b'{');
        let raw = &b[name..inside.end];

        let step = if inside.escaped {
            let mut unescaped = Vec::new();
            if text::unescape(raw, &mut unescaped).is_err() {
                return self.malformed("an invalid escape", name);
            }
            self.layout.resolve(node, &unescaped, object)
        } else {
            self.layout.resolve(node, raw, object)
        };

        let next = learned.learn(&b[start..i], step, next);
        Ok(Next::Member(Member { step, value: i, next }))
    }

    /// Reads the value at `i`.
    #[inline(always)]
    fn value(&mut self, columns: &mut [Column], b: &[u8], node: usize, step: Step, i: usize) -> Walked {
        let Some(&first) = b.get(i) else { return self.malformed("the record ends before a value", i) };
        let target = step.target as usize;
        let row = self.row;

        match step.action {
            Action::Skip => match first {
                b'"' => {
                    let Some(inside) = scan::string(b, i + 1) else { return self.unfinished(i) };
                    return Ok(inside.end + 1);
                }
                b'n' if scan::has(b, i, b"null") => return Ok(i + 4),
                b'-' | b'0'..=b'9' => {
                    if let Some(end) = number::end(b, i) {
                        return Ok(end);
                    }
                }
                _ => {}
            },
            Action::Object if first == b'{' => return self.object(columns, b, target, i),
            Action::Object if scan::has(b, i, b"null") => {
                // Leaves are null initially, unless the row already had such an object.
                if self.layout.nodes[target].seen == self.row_id {
                    self.null_node(columns, target);
                }
                return Ok(i + 4);
            }
            Action::Text if first == b'"' => {
                let Some(inside) = scan::string(b, i + 1) else { return self.unfinished(i) };
                if put_text(&mut columns[target], row, &b[i + 1..inside.end], inside.escaped).is_err() {
                    return self.malformed("an invalid escape or invalid UTF-8", i);
                }
                return Ok(inside.end + 1);
            }
            Action::Int32 | Action::Int64 if matches!(first, b'-' | b'0'..=b'9') => {
                if let Some((value, end)) = number::short_integer(b, i)
                    && (step.action == Action::Int64 || i32::try_from(value).is_ok())
                {
                    let Column::Int(column) = &mut columns[target] else { unreachable!("made for its leaf") };
                    column.set(row, value);
                    return Ok(end);
                }
            }
            Action::Millis if first == b'"' => {
                let Some(inside) = scan::string(b, i + 1) else { return self.unfinished(i) };
                if !inside.escaped
                    && let Some(ms) = self.milliseconds(target, &b[i + 1..inside.end])
                {
                    let Column::Int(column) = &mut columns[target] else { unreachable!("made for its leaf") };
                    column.set(row, ms);
                    return Ok(inside.end + 1);
                }
            }
            Action::Double if matches!(first, b'-' | b'0'..=b'9') => {
                if let Some((value, end)) = number::short_double(b, i) {
                    let Column::Double(column) = &mut columns[target] else {
                        unreachable!("made for its leaf")
                    };
                    column.set(row, value);
                    return Ok(end);
                }
            }
            Action::Boolean => {
                let (value, len) = match first {
                    b't' if scan::has(b, i, b"true") => (tri::TRUE, 4),
                    b'f' if scan::has(b, i, b"false") => (tri::FALSE, 5),
                    _ => return self.other(columns, b, node, step, i),
                };
                let Column::Bool(column) = &mut columns[target] else { unreachable!("made for its leaf") };
                column[row] = value;
                return Ok(i + len);
            }
            Action::Presence if first == b'"' => {
                let Some(inside) = scan::string(b, i + 1) else { return self.unfinished(i) };
                if !inside.escaped && b[i + 1..inside.end].is_ascii() {
                    let Column::Bool(column) = &mut columns[target] else {
                        unreachable!("made for its leaf")
                    };
                    column[row] = tri::TRUE;
                    return Ok(inside.end + 1);
                }
            }
            _ => {}
        }

        self.other(columns, b, node, step, i)
    }

    /// Parses a text without escapes to milliseconds for a leaf of whole milliseconds.
    #[inline]
    fn milliseconds(&mut self, leaf: usize, text: &[u8]) -> Option<i64> {
        let ValueKind::Timestamp { digits, zone } = self.leaves[leaf].kind else { return None };
        let day = |text: &[u8]| self.last_day.number(text);
        let moment = time::timestamp_with(text, self.options.timestamp_format, zone, day)?;
        Some(moment.cut(digits).milliseconds())
    }

    #[cold]
    fn unfinished(&mut self, i: usize) -> Walked {
        self.malformed("a string without its end", i)
    }

    /// Reads values that the fast paths do not handle: nulls, other types, unexpected blanks.
    #[inline(never)]
    fn other(&mut self, columns: &mut [Column], b: &[u8], node: usize, step: Step, i: usize) -> Walked {
        let at = scan::blanks(b, i);
        if at > i {
            // The literal was learned from a producer that writes no blanks.
            return self.value(columns, b, node, step, at);
        }

        let depth = self.layout.nodes[node].depth;
        match step.action {
            Action::Skip => self.skip(b, i, depth),
            Action::Whole if b.get(i) == Some(&b'{') => {
                // A second object with the same name replaces the first.
                let object = step.target as usize;
                self.null_node(columns, object);
                if let Some(whole) = self.layout.nodes[object].whole {
                    self.leaf(columns, b, whole as usize, i, depth)?;
                }
                self.object_members(columns, b, object, i)
            }
            Action::Object | Action::Whole => {
                let node = step.target as usize;
                self.null_node(columns, node);
                if !scan::has(b, i, b"null") {
                    for leaf in 0..self.layout.nodes[node].leaves.len() {
                        let leaf = self.layout.nodes[node].leaves[leaf];
                        self.wrong_type(leaf as usize, i)?;
                    }
                }
                self.skip(b, i, depth)
            }
            _ if scan::has(b, i, b"null") => {
                columns[step.target as usize].set_null(self.row);
                Ok(i + 4)
            }
            _ => self.leaf(columns, b, step.target as usize, i, depth),
        }
    }

    pub(super) fn skip(&mut self, b: &[u8], i: usize, depth: u32) -> Walked {
        match skip::value(b, i, depth) {
            Ok(end) => Ok(end),
            Err(fault) => self.stop(fault),
        }
    }

    /// Counts a value of the wrong type, or stops the walk if that is an error.
    #[cold]
    pub(super) fn wrong_type(&mut self, leaf: usize, at: usize) -> Result<(), Stop> {
        self.leaves[leaf].type_errors += 1;
        if self.options.ignore_parse_errors {
            return Ok(());
        }
        self.stop(Fault { kind: FaultKind::WrongType { leaf: leaf as u32 }, at })
    }

    fn null_node(&mut self, columns: &mut [Column], node: usize) {
        for &leaf in &self.layout.nodes[node].leaves {
            columns[leaf as usize].set_null(self.row);
        }
    }
}

/// Stores the inside of a JSON string in a text column.
#[inline(always)]
fn put_text(column: &mut Column, row: usize, raw: &[u8], escaped: bool) -> Result<(), InvalidText> {
    match column {
        Column::Text(texts) if escaped => {
            let start = texts.data.len();
            text::unescape(raw, &mut texts.data)?;
            texts.views[row] = View { start: start as u32, len: (texts.data.len() - start) as u32 };
        }
        Column::Text(texts) => texts.set(row, raw),
        Column::Coded(coded) if escaped => {
            let code = coded.dictionary.code_escaped(raw, text::unescape)?;
            coded.set_code(row, code);
        }
        Column::Coded(coded) => coded.set(row, raw)?,
        _ => unreachable!("made for its leaf"),
    }
    Ok(())
}
