//! Decompression of record batches: gzip, snappy, lz4 and zstd, in the framings that Kafka's clients write.
//!
//! A batch is inflated once, into the buffer from which its records are decoded.

mod lz4;

use libdeflater::{DecompressionError, Decompressor};

use super::buffer::Buffer;

/// Size above which an inflated batch is refused: 512 MiB.
const INFLATED_MAX: usize = 512 << 20;
/// Expected ratio of inflated to compressed bytes for a gzip stream whose size is unknown.
const GZIP_RATIO: usize = 8;
/// Bytes read from a stream in one step.
const READ_BYTES: usize = 64 << 10;
/// Magic bytes in front of the blocks of snappy-java.
const XERIAL_MAGIC: &[u8] = b"\x82SNAPPY\0";
/// The magic and two versions of four bytes each.
const XERIAL_HEADER: usize = 16;

/// How a batch is compressed: the low three bits of its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl Codec {
    pub fn of(attributes: i16) -> Option<Codec> {
        Some(match attributes & 7 {
            0 => Codec::None,
            1 => Codec::Gzip,
            2 => Codec::Snappy,
            3 => Codec::Lz4,
            4 => Codec::Zstd,
            _ => return None,
        })
    }
}

/// Codec state that is reused from batch to batch.
pub(super) struct Inflater {
    gzip: Decompressor,
    snappy: snap::raw::Decoder,
}

impl Inflater {
    pub fn new() -> Inflater {
        Inflater { gzip: Decompressor::new(), snappy: snap::raw::Decoder::new() }
    }

    /// Inflates `bytes` and appends the result to `into`.
    ///
    /// Fails with a reason where the bytes are damaged, or inflate to more than 512 MiB.
    pub fn inflate(&mut self, codec: Codec, bytes: &[u8], into: &mut Buffer) -> Result<(), String> {
        match codec {
            Codec::None => {
                into.extend_from_slice(bytes);
                Ok(())
            }
            Codec::Gzip => self.gzip(bytes, into),
            Codec::Snappy => self.snappy(bytes, into),
            Codec::Lz4 => lz4::inflate(bytes, into),
            Codec::Zstd => read(
                zstd::stream::read::Decoder::with_buffer(bytes).map_err(|error| error.to_string())?,
                into,
            ),
        }
    }

    fn gzip(&mut self, bytes: &[u8], into: &mut Buffer) -> Result<(), String> {
        // The last four bytes hold the size (RFC 1952), modulo 2^32 and of the last member only, so it is a
        // hint.
        let told = bytes.last_chunk::<4>().map_or(0, |size| u32::from_le_bytes(*size) as usize);
        let guess = bytes.len().saturating_mul(GZIP_RATIO);
        let mut room = if told <= guess.saturating_mul(16) { told } else { guess }.clamp(64, INFLATED_MAX);

        loop {
            match self.gzip.gzip_decompress(bytes, into.room(room)) {
                Ok(length) => {
                    into.advance(length);
                    return Ok(());
                }
                Err(DecompressionError::InsufficientSpace) if room < INFLATED_MAX => {
                    room = room.saturating_mul(4).min(INFLATED_MAX);
                }
                Err(error) => return Err(format!("gzip: {error}")),
            }
        }
    }

    fn snappy(&mut self, bytes: &[u8], into: &mut Buffer) -> Result<(), String> {
        let Some(mut blocks) =
            bytes.strip_prefix(XERIAL_MAGIC).and_then(|rest| rest.get(XERIAL_HEADER - 8..))
        else {
            return self.snappy_block(bytes, into);
        };
        while let Some((length, rest)) = blocks.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            let block = rest.get(..length).ok_or("snappy: a block is cut short")?;
            self.snappy_block(block, into)?;
            blocks = &rest[length..];
        }
        Ok(())
    }

    fn snappy_block(&mut self, block: &[u8], into: &mut Buffer) -> Result<(), String> {
        let length = snap::raw::decompress_len(block).map_err(|error| format!("snappy: {error}"))?;
        if into.len().saturating_add(length) > INFLATED_MAX {
            return Err(too_large());
        }
        let written = self.snappy.decompress(block, into.room(length));
        into.advance(written.map_err(|error| format!("snappy: {error}"))?);
        Ok(())
    }
}

fn read(mut reader: impl std::io::Read, into: &mut Buffer) -> Result<(), String> {
    let start = into.len();
    loop {
        let length = reader.read(into.room(READ_BYTES)).map_err(|error| error.to_string())?;
        if length == 0 {
            return Ok(());
        }
        into.advance(length);
        if into.len() - start > INFLATED_MAX {
            return Err(too_large());
        }
    }
}

fn too_large() -> String {
    format!("it inflates to more than {} MiB", INFLATED_MAX >> 20)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn inflate(codec: Codec, bytes: &[u8]) -> Result<Vec<u8>, String> {
        let mut into = Buffer::default();
        into.extend_from_slice(b"before ");
        Inflater::new().inflate(codec, bytes, &mut into).map(|()| into.as_slice().to_vec())
    }

    /// Returns `text` compressed by each codec.
    fn compressed(text: &[u8]) -> Vec<(Codec, Vec<u8>)> {
        let mut gzip = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
        let mut zipped = vec![0; gzip.gzip_compress_bound(text.len())];
        let length = gzip.gzip_compress(text, &mut zipped).unwrap();
        zipped.truncate(length);

        let block = snap::raw::Encoder::new().compress_vec(text).unwrap();
        let mut framed = [XERIAL_MAGIC, &1_u32.to_be_bytes(), &1_u32.to_be_bytes()].concat();
        for _ in 0..2 {
            framed.extend_from_slice(&u32::try_from(block.len()).unwrap().to_be_bytes());
            framed.extend_from_slice(&block);
        }

        let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
        lz4.write_all(text).unwrap();
        vec![
            (Codec::None, text.to_vec()),
            (Codec::Gzip, zipped),
            (Codec::Snappy, block),
            (Codec::Snappy, framed),
            (Codec::Lz4, lz4.finish().unwrap()),
            (Codec::Zstd, zstd::encode_all(text, 3).unwrap()),
        ]
    }

    #[test]
    fn every_codec_gives_back_what_was_compressed() {
        for text in [&b"Sinh vi\xc3\xaan ".repeat(20_000)[..], b"x", b""] {
            for (number, (codec, bytes)) in compressed(text).into_iter().enumerate() {
                let times = if number == 3 { 2 } else { 1 };
                let expected = [b"before ", &text.repeat(times)[..]].concat();
                assert!(inflate(codec, &bytes).unwrap() == expected, "{codec:?} of {} bytes", text.len());
            }
        }
    }

    #[test]
    fn damaged_bytes_are_an_error_and_no_panic() {
        for (codec, bytes) in compressed(&b"Weir ".repeat(1_000)).into_iter().skip(1) {
            assert!(inflate(codec, &bytes[..bytes.len() / 2]).is_err(), "{codec:?}");
            for place in 0..bytes.len().min(64) {
                let mut damaged = bytes.clone();
                damaged[place] ^= 0x5a;
                // Some bytes do not matter; a changed byte may cause an error but no panic.
                let _ = inflate(codec, &damaged);
            }
        }
    }
}
