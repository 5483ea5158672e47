//! Inflates frames of lz4, block by block, into the buffer of the batch.
//!
//! ```text
//! magic 4 | flags 1 | block descriptor 1 | content size 8, if flagged | dictionary id 4, if flagged
//! checksum 1
//! blocks: length 4, its highest bit set where the block is stored as it is | bytes | checksum 4, if flagged
//! length 0 | content checksum 4, if flagged
//! ```
//!
//! Blocks may refer to the 64 KiB before them, which precede them in the buffer (librdkafka writes such
//! frames, Java's client does not). The frame's checksums are not checked, because the batch has one. A
//! general frame reader would inflate into a buffer of its own and copy everything once more.
//!
//! <https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md>

use std::ffi::{c_char, c_int};

// Links the C library.
use lz4_sys as _;

use super::{INFLATED_MAX, too_large};
use crate::log::kafka::fetch::batch::Bytes;
use crate::log::kafka::fetch::buffer::Buffer;

const MAGIC: u32 = 0x184d_2204;
const INDEPENDENT: u8 = 1 << 5;
const BLOCK_CHECKSUMS: u8 = 1 << 4;
const CONTENT_SIZE: u8 = 1 << 3;
const DICTIONARY_ID: u8 = 1;
/// Bit of a block's length that marks a block as stored uncompressed.
const STORED: u32 = 1 << 31;
/// Maximum distance of a reference to earlier blocks.
const WINDOW: usize = 64 << 10;

/// Inflates a frame and appends the result to `into`.
pub(super) fn inflate(bytes: &[u8], into: &mut Buffer) -> Result<(), String> {
    let cut_short = || "lz4: the frame is cut short".to_owned();
    let mut rest = Bytes(bytes);
    if rest.array().map(u32::from_le_bytes) != Some(MAGIC) {
        return Err("lz4: the magic number is wrong".to_owned());
    }
    let [flags, descriptor] = rest.array().ok_or_else(cut_short)?;
    if flags >> 6 != 1 || flags & DICTIONARY_ID != 0 {
        return Err("lz4: unsupported version or dictionary".to_owned());
    }
    let block_bytes_max = match descriptor >> 4 & 7 {
        size @ 4..=7 => 1 << (8 + 2 * size),
        size => return Err(format!("lz4: unknown block size {size}")),
    };
    let skipped = usize::from(flags & CONTENT_SIZE != 0) * 8 + 1;
    rest.slice(skipped).ok_or_else(cut_short)?;

    let start = into.len();
    loop {
        let length = rest.array().map(u32::from_le_bytes).ok_or_else(cut_short)?;
        if length == 0 {
            return Ok(());
        }
        let block = rest.slice((length & !STORED) as usize).ok_or_else(cut_short)?;
        if into.len() - start + block_bytes_max > INFLATED_MAX {
            return Err(too_large());
        }
        if length & STORED != 0 {
            into.extend_from_slice(block);
        } else {
            let is_independent = flags & INDEPENDENT != 0;
            inflate_block(block, block_bytes_max, if is_independent { into.len() } else { start }, into)?;
        }
        if flags & BLOCK_CHECKSUMS != 0 {
            rest.slice(4).ok_or_else(cut_short)?;
        }
    }
}

/// Inflates a block that may refer to the buffer's content from `from` on, and appends the result.
fn inflate_block(block: &[u8], bytes_max: usize, from: usize, into: &mut Buffer) -> Result<(), String> {
    let (before, room) = into.with_room(bytes_max);
    let window = &before[from.max(before.len().saturating_sub(WINDOW))..];

    // No length exceeds `c_int::MAX`: the length of a batch is an `i32`, and the room has 4 MiB at most.
    let (block_bytes, room_bytes, window_bytes) =
        (block.len() as c_int, room.len() as c_int, window.len() as c_int);
    // SAFETY: the pointers are valid for the lengths given with them. Whatever the block holds, the function writes
    // only into the room and reads only the block, the window and the part of the room that it has written.
    let inflated = unsafe {
        LZ4_decompress_safe_usingDict(
            block.as_ptr().cast(),
            room.as_mut_ptr().cast(),
            block_bytes,
            room_bytes,
            window.as_ptr().cast(),
            window_bytes,
        )
    };

    let length = usize::try_from(inflated)
        .map_err(|_| format!("lz4: a block is malformed before byte {}", -inflated))?;
    into.advance(length);
    Ok(())
}

// `lz4-sys` compiles this function of lz4's stable interface and declares only the form without a window.
unsafe extern "C" {
    /// Inflates one block. Returns its length, or a negative number if the block is malformed or does not fit the
    /// destination. The function has a fast path for a window that ends where the destination begins, as here.
    fn LZ4_decompress_safe_usingDict(
        source: *const c_char,
        destination: *mut c_char,
        source_bytes: c_int,
        destination_bytes_max: c_int,
        window: *const c_char,
        window_bytes: c_int,
    ) -> c_int;
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};

    use super::*;

    #[test]
    fn frames_of_all_kinds_are_inflated() {
        // Long enough for several blocks, and repetitive.
        let text: Vec<u8> = (0..200_000_u32).flat_map(|n| (n % 5_000).to_le_bytes()).collect();
        for mode in [BlockMode::Independent, BlockMode::Linked] {
            for (checksums, size) in [(false, None), (true, Some(text.len() as u64))] {
                let info = FrameInfo::new()
                    .block_mode(mode)
                    .block_size(BlockSize::Max64KB)
                    .block_checksums(checksums)
                    .content_checksum(checksums)
                    .content_size(size);
                let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
                encoder.write_all(&text).unwrap();
                let frame = encoder.finish().unwrap();

                let mut into = Buffer::default();
                into.extend_from_slice(b"before");
                inflate(&frame, &mut into).unwrap();
                assert!(into.as_slice().strip_prefix(b"before") == Some(&text[..]), "{mode:?} {checksums}");
                for length in [3, 6, 20, frame.len() / 2, frame.len() - 9] {
                    assert!(inflate(&frame[..length], &mut Buffer::default()).is_err(), "{mode:?} {length}");
                }
            }
        }
    }
}
