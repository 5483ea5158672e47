//! Skips unread values; only their grammar is checked.

use super::number;
use super::options::Fault;
use super::scan;

/// Largest nesting depth of objects and arrays, including the record itself.
pub(super) const MAX_DEPTH: u32 = 128;

/// Returns the end of the value at `i` (after blanks), which is inside `depth` objects and arrays. Does not
/// recurse.
#[inline(never)]
pub(super) fn value(b: &[u8], mut i: usize, depth: u32) -> Result<usize, Fault> {
    let room = MAX_DEPTH.saturating_sub(depth);
    // One bit for each open container, the innermost lowest; 1 is an object.
    let (mut open, mut count) = (0u128, 0u32);

    loop {
        i = scan::blanks(b, i);
        let Some(&first) = b.get(i) else {
            return Err(Fault::malformed("the record ends inside a value", i));
        };
        match first {
            b'"' => i = string(b, i)?,
            b'{' | b'[' => {
                if count == room {
                    return Err(Fault::malformed("nested too deeply", i));
                }
                let object = first == b'{';
                (open, count) = (open << 1 | u128::from(object), count + 1);
                i = scan::blanks(b, i + 1);
                if b.get(i) != Some(if object { &b'}' } else { &b']' }) {
                    if object {
                        i = key(b, i)?;
                    }
                    continue;
                }
                (open, count, i) = (open >> 1, count - 1, i + 1);
            }
            _ => i = word(b, i)?,
        }
        loop {
            if count == 0 {
                return Ok(i);
            }
            i = scan::blanks(b, i);
            let object = open & 1 == 1;
            match b.get(i) {
                Some(b',') => {
                    i += 1;
                    if object {
                        i = key(b, scan::blanks(b, i))?;
                    }
                    break;
                }
                Some(b'}') if object => {}
                Some(b']') if !object => {}
                _ if object => return Err(Fault::malformed("expected `,` or `}`", i)),
                _ => return Err(Fault::malformed("expected `,` or `]`", i)),
            }
            (open, count, i) = (open >> 1, count - 1, i + 1);
        }
    }
}

/// Returns the end of `null`, `true`, `false` or a number.
fn word(b: &[u8], i: usize) -> Result<usize, Fault> {
    for word in [&b"null"[..], b"true", b"false"] {
        if scan::has(b, i, word) {
            return Ok(i + word.len());
        }
    }
    number::end(b, i).ok_or(Fault::malformed("expected a value", i))
}

/// Returns the end of the string whose opening quote is at `i`.
fn string(b: &[u8], i: usize) -> Result<usize, Fault> {
    match scan::string(b, i + 1) {
        Some(inside) => Ok(inside.end + 1),
        None => Err(Fault::malformed("a string without its end", i)),
    }
}

/// Returns the end of `"key":`.
fn key(b: &[u8], i: usize) -> Result<usize, Fault> {
    if b.get(i) != Some(&b'"') {
        return Err(Fault::malformed("expected a key", i));
    }
    let i = scan::blanks(b, string(b, i)?);
    if b.get(i) == Some(&b':') { Ok(i + 1) } else { Err(Fault::malformed("expected `:`", i)) }
}
