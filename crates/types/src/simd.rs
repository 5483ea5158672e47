//! Comparisons of 16 to 64 bytes at once, with one result bit for each byte. They use SSE2 on x86-64, which
//! always has it, and loops that compilers vectorise elsewhere.

#[cfg(not(target_arch = "x86_64"))]
pub use portable::{equal, quotes_and_backslashes, specials, specials_and_controls};
#[cfg(target_arch = "x86_64")]
pub use sse2::{equal, quotes_and_backslashes, specials, specials_and_controls};

/// Returns the `N` bytes from `i` on, if there are that many.
#[inline(always)]
pub fn at<const N: usize>(b: &[u8], i: usize) -> Option<&[u8; N]> {
    if b.len().checked_sub(i)? < N {
        return None;
    }
    // SAFETY: `i + N` is not beyond the end. (Safe alternatives check twice, for every key of a record.)
    Some(unsafe { &*b.as_ptr().add(i).cast() })
}

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };

    #[inline(always)]
    fn load<const N: usize>(bytes: &[u8; N], at: usize) -> __m128i {
        assert!(at + 16 <= N);
        // SAFETY: 16 bytes from `at` are inside the array, and the instruction asks for no alignment.
        unsafe { _mm_loadu_si128(bytes.as_ptr().add(at).cast()) }
    }

    #[inline(always)]
    fn is(block: __m128i, byte: u8) -> __m128i {
        // SAFETY: every x86-64 processor has SSE2.
        unsafe { _mm_cmpeq_epi8(block, _mm_set1_epi8(byte as i8)) }
    }

    #[inline(always)]
    fn bits(block: __m128i) -> u32 {
        // SAFETY: every x86-64 processor has SSE2.
        unsafe { _mm_movemask_epi8(block) as u32 }
    }

    /// Returns which bytes are a quote or a backslash.
    #[inline(always)]
    pub fn specials(bytes: &[u8; 16]) -> u32 {
        let block = load(bytes, 0);
        // SAFETY: every x86-64 processor has SSE2.
        bits(unsafe { _mm_or_si128(is(block, b'"'), is(block, b'\\')) })
    }

    /// Returns which bytes are a quote, a backslash or a control character (below a blank).
    #[inline(always)]
    pub fn specials_and_controls(bytes: &[u8; 16]) -> u32 {
        let block = load(bytes, 0);
        // SAFETY: every x86-64 processor has SSE2.
        bits(unsafe {
            let controls = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
            _mm_or_si128(controls, _mm_or_si128(is(block, b'"'), is(block, b'\\')))
        })
    }

    /// Returns which bytes are quotes, and which are backslashes.
    #[inline(always)]
    pub fn quotes_and_backslashes(bytes: &[u8; 64]) -> (u64, u64) {
        let (mut quotes, mut backslashes) = (0, 0);
        for part in 0..4 {
            let block = load(bytes, part * 16);
            quotes |= u64::from(bits(is(block, b'"'))) << (part * 16);
            backslashes |= u64::from(bits(is(block, b'\\'))) << (part * 16);
        }
        (quotes, backslashes)
    }

    /// Returns which bytes are equal.
    #[inline(always)]
    pub fn equal(a: &[u8; 32], b: &[u8; 32]) -> u32 {
        // SAFETY: every x86-64 processor has SSE2.
        let half = |at| bits(unsafe { _mm_cmpeq_epi8(load(a, at), load(b, at)) });
        half(0) | half(16) << 16
    }
}

#[cfg(any(test, not(target_arch = "x86_64")))]
mod portable {
    /// Returns which bytes are a quote or a backslash.
    #[inline(always)]
    pub fn specials(bytes: &[u8; 16]) -> u32 {
        bits(bytes, |byte| byte == b'"' || byte == b'\\') as u32
    }

    /// Returns which bytes are a quote, a backslash or a control character (below a blank).
    #[inline(always)]
    pub fn specials_and_controls(bytes: &[u8; 16]) -> u32 {
        bits(bytes, |byte| byte == b'"' || byte == b'\\' || byte < b' ') as u32
    }

    /// Returns which bytes are quotes, and which are backslashes.
    #[inline(always)]
    pub fn quotes_and_backslashes(bytes: &[u8; 64]) -> (u64, u64) {
        (bits(bytes, |byte| byte == b'"'), bits(bytes, |byte| byte == b'\\'))
    }

    /// Returns which bytes are equal.
    #[inline(always)]
    pub fn equal(a: &[u8; 32], b: &[u8; 32]) -> u32 {
        a.iter().zip(b).enumerate().fold(0, |mask, (i, (x, y))| mask | u32::from(x == y) << i)
    }

    fn bits<const N: usize>(bytes: &[u8; N], hit: impl Fn(u8) -> bool) -> u64 {
        bytes.iter().enumerate().fold(0, |mask, (i, &byte)| mask | u64::from(hit(byte)) << i)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bit_stands_for_its_byte() {
        let mut bytes = [b'x'; 64];
        bytes[0] = b'"';
        bytes[15] = b'\\';
        bytes[63] = b'"';
        let (a, mut b) = ([7; 32], [7; 32]);
        b[31] = 8;
        b[16] = 8;
        assert_eq!(quotes_and_backslashes(&bytes), (1 | 1 << 63, 1 << 15));
        assert_eq!(portable::quotes_and_backslashes(&bytes), (1 | 1 << 63, 1 << 15));
        let start = bytes.first_chunk().unwrap();
        assert_eq!((specials(start), portable::specials(start)), (1 | 1 << 15, 1 | 1 << 15));
        let controls: [u8; 16] =
            std::array::from_fn(|n| [0, 0x1f, b' ', 0x7f, 0x80, 0xff, b'"', b'\\'][n % 8]);
        assert_eq!(specials_and_controls(&controls), 0b1100_0011_1100_0011);
        assert_eq!(portable::specials_and_controls(&controls), 0b1100_0011_1100_0011);
        let same = !(1 << 31 | 1 << 16);
        assert_eq!((equal(&a, &b), portable::equal(&a, &b)), (same, same));
    }

    #[test]
    fn only_whole_blocks_are_given() {
        assert_eq!(at::<4>(b"abcdef", 2), Some(b"cdef"));
        assert_eq!(at::<4>(b"abcdef", 3), None);
        assert_eq!(at::<4>(b"abcdef", 7), None);
        assert_eq!(at::<4>(b"abcdef", usize::MAX), None);
        assert_eq!(at::<16>(b"abcdef", 0), None);
    }
}
