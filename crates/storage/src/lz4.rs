//! Blocks of lz4: compressed into and inflated from buffers of known sizes, by lz4's own library.
//!
//! <https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md>

use std::ffi::c_int;

use lz4_sys::{LZ4_compress_default, LZ4_compressBound, LZ4_decompress_safe};

/// Longest sequence of bytes that one block holds, a limit of lz4.
pub(crate) const INFLATED_BYTES_MAX: usize = 0x7e00_0000;
/// Most bytes that one byte of a block inflates to.
pub(crate) const RATIO_MAX: usize = 255;

/// Returns the most bytes that a block of `bytes` has; `None` where they do not fit a block.
pub(crate) fn bound(bytes: usize) -> Option<usize> {
    let bytes = if bytes > INFLATED_BYTES_MAX { None } else { c_int::try_from(bytes).ok() };
    // SAFETY: a pure function of its argument.
    bytes.and_then(|bytes| usize::try_from(unsafe { LZ4_compressBound(bytes) }).ok())
}

/// Compresses bytes and appends the block to `into`. Returns the block's length; appends nothing and returns
/// `None` where the bytes do not fit a block.
pub(crate) fn compress(bytes: &[u8], into: &mut Vec<u8>) -> Option<usize> {
    into.reserve(bound(bytes.len())?);
    let room = into.spare_capacity_mut();
    let room_bytes = c_int::try_from(room.len()).unwrap_or(c_int::MAX);

    // SAFETY: the pointers are valid for the lengths given with them, and the function writes only into the room.
    let compressed = unsafe {
        LZ4_compress_default(
            bytes.as_ptr().cast(),
            room.as_mut_ptr().cast(),
            bytes.len() as c_int,
            room_bytes,
        )
    };

    let length = usize::try_from(compressed).ok().filter(|length| *length > 0)?;
    // SAFETY: the function has written `length` bytes behind the vector's end, within its capacity.
    unsafe { into.set_len(into.len() + length) };
    Some(length)
}

/// Inflates a block of exactly `inflated_bytes` and appends them to `into`. Returns whether the block is
/// intact; appends nothing if it is not.
pub(crate) fn inflate(block: &[u8], inflated_bytes: usize, into: &mut Vec<u8>) -> bool {
    if inflated_bytes > INFLATED_BYTES_MAX || inflated_bytes > block.len().saturating_mul(RATIO_MAX) {
        return false;
    }
    into.reserve(inflated_bytes);
    let room = into.spare_capacity_mut();
    let Ok(block_bytes) = c_int::try_from(block.len()) else { return false };

    // SAFETY: the pointers are valid for the lengths given with them. Whatever the block holds, the function reads
    // only the block and the part of the room that it has written, and writes only into the room.
    let inflated = unsafe {
        LZ4_decompress_safe(
            block.as_ptr().cast(),
            room.as_mut_ptr().cast(),
            block_bytes,
            inflated_bytes as c_int,
        )
    };

    if usize::try_from(inflated) != Ok(inflated_bytes) {
        return false;
    }
    // SAFETY: the function has written `inflated_bytes` bytes behind the vector's end, within its capacity.
    unsafe { into.set_len(into.len() + inflated_bytes) };
    true
}
