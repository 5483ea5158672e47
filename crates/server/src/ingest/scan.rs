//! A validating scanner for one JSON object: checks that it is well formed, and finds the three fields that
//! ingest reads.
//!
//! Events are stored as they arrived and decoded later by their readers, so the scanner builds nothing: it
//! looks at 16 bytes of a string at once, and keeps one bit per level of nesting. It accepts exactly the
//! language of RFC 8259, down to [`DEPTH_MAX`] levels. The text must be valid UTF-8.

use types::simd;

/// Maximum nesting of objects and arrays, the event itself included; most decoders refuse more as well.
pub(crate) const DEPTH_MAX: u32 = 127;

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Held<'a> {
    #[default]
    Missing,
    Null,
    /// A string without its quotes, with its escapes.
    Text(&'a [u8]),
    Other,
}

/// The fields of an object that ingest reads. Of a repeated field the last counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fields<'a> {
    pub(crate) query_id: Held<'a>,
    pub(crate) timestamp: Held<'a>,
    pub(crate) ts: Held<'a>,
}

/// The text is not well-formed JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The value at the front of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scanned<'a> {
    Object(Fields<'a>),
    /// Well formed, but no object.
    Other,
}

/// Scans one value at the front of `text`. Returns it, and the bytes that it and the blanks before it take.
pub(crate) fn value(text: &[u8]) -> Result<(Scanned<'_>, usize), Malformed> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.blanks();
    let scanned = if scanner.peek() == Some(b'{') {
        Scanned::Object(scanner.event()?)
    } else {
        scanner.nested()?;
        Scanned::Other
    };
    Ok((scanned, scanner.at))
}

/// Returns the number of blanks at the front of `text`.
pub(crate) fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count()
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn take(&mut self, expected: u8) -> Result<(), Malformed> {
        if self.peek() != Some(expected) {
            return Err(Malformed);
        }
        self.at += 1;
        Ok(())
    }

    /// Scans the outermost object and returns its fields.
    fn event(&mut self) -> Result<Fields<'a>, Malformed> {
        let mut fields = Fields::default();
        self.take(b'{')?;
        self.blanks();

        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(fields);
        }

        loop {
            let key = self.string()?;
            self.blanks();
            self.take(b':')?;
            self.blanks();
            let held = match self.peek() {
                Some(b'"') => Held::Text(self.string()?),
                Some(b'n') => {
                    self.literal(b"null")?;
                    Held::Null
                }
                _ => {
                    self.nested()?;
                    Held::Other
                }
            };
            if let Some(field) = fields.named(key) {
                *field = held;
            }
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(fields);
                }
                _ => return Err(Malformed),
            }
            self.blanks();
        }
    }

    /// Scans any value below the outermost object. A loop, not a recursion: input must not control the
    /// stack's depth.
    fn nested(&mut self) -> Result<(), Malformed> {
        // Bit i tells whether the container at level i is an object.
        let mut objects: u128 = 0;
        let mut depth: u32 = 0;

        loop {
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    // The event itself is one level.
                    if depth + 1 >= DEPTH_MAX {
                        return Err(Malformed);
                    }
                    self.at += 1;
                    self.blanks();
                    let close = open + 2;
                    if self.peek() == Some(close) {
                        self.at += 1;
                    } else {
                        objects = (objects << 1) | u128::from(open == b'{');
                        depth += 1;
                        if open == b'{' {
                            self.key()?;
                        }
                        continue;
                    }
                }
                Some(b'"') => {
                    self.string()?;
                }
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => return Err(Malformed),
            }
            // A value is complete: close the containers that it completes, or go to its successor.
            loop {
                if depth == 0 {
                    return Ok(());
                }
                self.blanks();
                let in_object = objects & 1 == 1;
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.blanks();
                        if in_object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if in_object => {}
                    Some(b']') if !in_object => {}
                    _ => return Err(Malformed),
                }
                self.at += 1;
                objects >>= 1;
                depth -= 1;
            }
        }
    }

    fn key(&mut self) -> Result<(), Malformed> {
        self.string()?;
        self.blanks();
        self.take(b':')?;
        self.blanks();
        Ok(())
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), Malformed> {
        if !self.text[self.at..].starts_with(word) {
            return Err(Malformed);
        }
        self.at += word.len();
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(Malformed) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<(), Malformed> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }

        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }

        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }

        Ok(())
    }

    /// Scans a string; returns the text between its quotes.
    fn string(&mut self) -> Result<&'a [u8], Malformed> {
        self.take(b'"')?;
        let start = self.at;
        let mut block = start;

        // Look at each block once: an escape moves the next byte to look at, not the block.
        while let Some(bytes) = simd::at::<16>(self.text, block) {
            let mut found = simd::specials_and_controls(bytes);
            // Leave out what an escape of the block before has skipped.
            found &= u32::MAX.unbounded_shl((self.at - block) as u32);
            while found != 0 {
                self.at = block + found.trailing_zeros() as usize;
                if let Some(inner) = self.special(start)? {
                    return Ok(inner);
                }
                found &= u32::MAX.unbounded_shl((self.at - block) as u32);
            }
            block += 16;
            self.at = self.at.max(block);
        }

        loop {
            match self.peek() {
                Some(b'"' | b'\\' | 0..0x20) | None => {
                    if let Some(inner) = self.special(start)? {
                        return Ok(inner);
                    }
                }
                Some(_) => self.at += 1,
            }
        }
    }

    /// Scans a byte that cannot stand for itself in a string. Returns the text from `start` on if the byte ends it.
    #[inline(always)]
    fn special(&mut self, start: usize) -> Result<Option<&'a [u8]>, Malformed> {
        match self.peek() {
            Some(b'"') => {
                let inner = &self.text[start..self.at];
                self.at += 1;
                Ok(Some(inner))
            }
            Some(b'\\') => self.escape().map(|()| None),
            // The end of the text, or a control character.
            _ => Err(Malformed),
        }
    }

    #[inline(always)]
    fn escape(&mut self) -> Result<(), Malformed> {
        match self.text.get(self.at + 1) {
            Some(b'u') => {
                let &[a, b, c, d] = simd::at(self.text, self.at + 2).ok_or(Malformed)?;
                if !(HEX[a as usize] & HEX[b as usize] & HEX[c as usize] & HEX[d as usize]) {
                    return Err(Malformed);
                }
                self.at += 6;
            }
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            _ => return Err(Malformed),
        }
        Ok(())
    }
}

/// Whether a byte is a hexadecimal digit.
const HEX: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_hexdigit();
        byte += 1;
    }
    table
};

impl<'a> Fields<'a> {
    fn named(&mut self, key: &[u8]) -> Option<&mut Held<'a>> {
        match key {
            b"query_id" => Some(&mut self.query_id),
            b"timestamp" => Some(&mut self.timestamp),
            b"ts" => Some(&mut self.ts),
            _ if key.contains(&b'\\') => match unescape(key)?.as_str() {
                "query_id" => Some(&mut self.query_id),
                "timestamp" => Some(&mut self.timestamp),
                "ts" => Some(&mut self.ts),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Decodes the text between two quotes; `None` where an escape names half a surrogate pair.
pub(crate) fn unescape(inner: &[u8]) -> Option<String> {
    if !inner.contains(&b'\\') {
        return std::str::from_utf8(inner).ok().map(str::to_owned);
    }
    let mut quoted = Vec::with_capacity(inner.len() + 2);
    quoted.push(b'"');
    quoted.extend_from_slice(inner);
    quoted.push(b'"');
    serde_json::from_slice(&quoted).ok()
}

#[cfg(test)]
mod tests;
