//! Finds the ends of a record's parts: blanks, strings and words.

use types::simd;

/// Returns the first byte from `i` on that is not a blank.
#[inline(always)]
pub(super) fn blanks(b: &[u8], mut i: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = b.get(i) {
        i += 1;
    }
    i
}

/// Returns whether `word` is at `i`.
#[inline(always)]
pub(super) fn has(b: &[u8], i: usize, word: &[u8]) -> bool {
    b.get(i..).is_some_and(|rest| rest.starts_with(word))
}

/// The inside of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inside {
    /// Position of the closing quote.
    pub(super) end: usize,
    /// Whether it contains a backslash. The escape itself has not been checked.
    pub(super) escaped: bool,
}

/// Finds the end of the string whose first character is at `i`; `None` if it does not end.
#[inline(always)]
pub(super) fn string(b: &[u8], i: usize) -> Option<Inside> {
    let at = special(b, i)?;
    if b[at] == b'"' { Some(Inside { end: at, escaped: false }) } else { escaped_string(b, at) }
}

/// Returns the first quote or backslash from `i` on.
#[inline(always)]
fn special(b: &[u8], i: usize) -> Option<usize> {
    let mut rest = b.get(i..)?;
    while let Some((bytes, behind)) = rest.split_first_chunk() {
        let bits = simd::specials(bytes);
        if bits != 0 {
            return Some(b.len() - rest.len() + bits.trailing_zeros() as usize);
        }
        rest = behind;
    }
    special_near_end(b, b.len() - rest.len())
}

/// Returns the first quote or backslash from `i` on, if fewer than 16 bytes are left.
#[inline(never)]
fn special_near_end(b: &[u8], i: usize) -> Option<usize> {
    let position = match b.last_chunk() {
        // The last 16 bytes overlap bytes that were checked already; their bits are shifted out.
        Some(bytes) => {
            let bits = simd::specials(bytes) >> (i - (b.len() - 16));
            (bits != 0).then(|| bits.trailing_zeros() as usize)
        }
        None => b[i..].iter().position(|&byte| byte == b'"' || byte == b'\\'),
    };
    position.map(|position| i + position)
}

/// Finds the end of a string from its first backslash on, 64 bytes at a time. Escaped characters are found
/// without a loop: a run of backslashes escapes every second one of itself, and the carry of a subtraction
/// passes along the run (G. Langdale, D. Lemire, "Parsing Gigabytes of JSON per Second", 2019).
#[inline(never)]
fn escaped_string(b: &[u8], mut i: usize) -> Option<Inside> {
    const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
    let mut carry = 0u64;

    while let Some(bytes) = simd::at(b, i) {
        let (quotes, backslashes) = simd::quotes_and_backslashes(bytes);
        let escaped = if backslashes == 0 {
            std::mem::take(&mut carry)
        } else {
            let starts = backslashes & !carry;
            let runs = ((starts << 1) | ODD).wrapping_sub(starts) ^ ODD;
            let escaped = runs ^ (backslashes | carry);
            carry = (runs & backslashes) >> 63;
            escaped
        };
        let ends = quotes & !escaped;
        if ends != 0 {
            return Some(Inside { end: i + ends.trailing_zeros() as usize, escaped: true });
        }
        i += 64;
    }

    i += carry as usize;
    loop {
        match b.get(i)? {
            b'"' => return Some(Inside { end: i, escaped: true }),
            b'\\' => i += 2,
            _ => i += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds the end in the simplest way.
    fn naive(b: &[u8], mut i: usize) -> Option<Inside> {
        let mut escaped = false;
        loop {
            match b.get(i)? {
                b'"' => return Some(Inside { end: i, escaped }),
                b'\\' => (escaped, i) = (true, i + 2),
                _ => i += 1,
            }
        }
    }

    #[test]
    fn strings_end_at_the_first_quote_that_is_not_escaped() {
        let mut seed = 0x2545_F491_4F6C_DD1Du64;
        for _ in 0..20_000 {
            let mut next = || {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                seed
            };

            let rare = 2 + next() % 60;
            let len = next() % 200;
            let bytes: Vec<u8> = (0..len)
                .map(|_| match next() % rare {
                    0 => b'"',
                    1 | 2 => b'\\',
                    _ => b'a',
                })
                .collect();

            for i in [0, bytes.len() / 2, bytes.len()] {
                assert_eq!(
                    string(&bytes, i),
                    naive(&bytes, i),
                    "{:?} from {i}",
                    String::from_utf8_lossy(&bytes)
                );
            }
        }
    }
}
