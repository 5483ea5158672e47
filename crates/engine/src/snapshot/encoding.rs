//! The encoding of a snapshot: `WEIRSNAP`, the version (u16), the payload's length (u64) and CRC-32 (u32),
//! all little-endian, then the payload in postcard's encoding.
//!
//! Every released version stays readable: a new version gets its own types, a conversion, and snapshots that
//! are kept as test data (see `crates/jobs/tests/restored/old_formats.rs`).

use serde::Serialize;

use super::image::{PipelineImage, Snapshot};
use super::wire::SnapshotV1;

const MAGIC: &[u8; 8] = b"WEIRSNAP";
const HEADER: usize = 8 + 2 + 8 + 4;

/// The version that [`encode`] writes.
pub const VERSION: u16 = 2;

/// The reason why bytes are not a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    #[error("this is not a snapshot of Weir: it does not begin with `WEIRSNAP`")]
    NotASnapshot,
    #[error(
        "this version of Weir reads snapshots of format 1 to {VERSION}, and this one has format {0}: use a newer version of Weir"
    )]
    Version(u16),
    #[error(
        "the snapshot is truncated: it has {there} of {expected} bytes. Use a copy, or another checkpoint or savepoint"
    )]
    CutShort { there: u64, expected: u64 },
    #[error(
        "the snapshot is damaged: its checksum is {found:08x} instead of {expected:08x}. Use a copy, or another checkpoint or savepoint"
    )]
    Checksum { found: u32, expected: u32 },
    #[error("the snapshot is inconsistent: {0}. Use another checkpoint or savepoint")]
    Malformed(String),
}

/// The bytes of each part of a snapshot, by pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sizes {
    pub sources: Vec<Vec<u64>>,
    pub states: Vec<Vec<u64>>,
}

/// Encodes a snapshot.
pub fn encode(snapshot: &Snapshot) -> Vec<u8> {
    encode_sized(snapshot).0
}

/// As [`encode`], and also returns the bytes of each part.
pub fn encode_sized(snapshot: &Snapshot) -> (Vec<u8>, Sizes) {
    let mut sizes = Sizes::default();
    // The encoding of a whole is the concatenation of its parts, with the length before each sequence.
    let Snapshot { pipelines, operators } = snapshot;
    let mut bytes = append(vec![0; HEADER], &pipelines.len());

    for PipelineImage { table, reads, sources, states } in pipelines {
        bytes = append(append(bytes, table), reads);
        let sized;
        (bytes, sized) = append_each(bytes, sources);
        sizes.sources.push(sized);
        let sized;
        (bytes, sized) = append_each(bytes, states);
        sizes.states.push(sized);
    }

    bytes = append(bytes, operators);

    let payload = &bytes[HEADER..];
    let (length, checksum) = (payload.len() as u64, crc32fast::hash(payload));
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..10].copy_from_slice(&VERSION.to_le_bytes());
    bytes[10..18].copy_from_slice(&length.to_le_bytes());
    bytes[18..22].copy_from_slice(&checksum.to_le_bytes());
    (bytes, sizes)
}

fn append(bytes: Vec<u8>, part: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(part, bytes).expect("memory takes any snapshot")
}

fn append_each(bytes: Vec<u8>, parts: &[impl Serialize]) -> (Vec<u8>, Vec<u64>) {
    let mut bytes = append(bytes, &parts.len());
    let mut sizes = Vec::with_capacity(parts.len());
    for part in parts {
        let before = bytes.len();
        bytes = append(bytes, part);
        sizes.push((bytes.len() - before) as u64);
    }
    (bytes, sizes)
}

/// Decodes a snapshot and validates it. Never panics, whatever the bytes.
pub fn decode(bytes: &[u8]) -> Result<Snapshot, SnapshotError> {
    let Some((header, payload)) = bytes.split_at_checked(HEADER) else {
        return Err(if bytes.starts_with(MAGIC) {
            SnapshotError::CutShort { there: bytes.len() as u64, expected: HEADER as u64 }
        } else {
            SnapshotError::NotASnapshot
        });
    };

    if !header.starts_with(MAGIC) {
        return Err(SnapshotError::NotASnapshot);
    }
    let version = u16::from_le_bytes(array(&header[8..10]));
    if version > VERSION || version == 0 {
        return Err(SnapshotError::Version(version));
    }
    let length = u64::from_le_bytes(array(&header[10..18]));

    if payload.len() as u64 != length {
        return Err(SnapshotError::CutShort {
            there: bytes.len() as u64,
            expected: length.saturating_add(HEADER as u64),
        });
    }

    let expected = u32::from_le_bytes(array(&header[18..22]));
    let found = crc32fast::hash(payload);
    if found != expected {
        return Err(SnapshotError::Checksum { found, expected });
    }
    let malformed = |error: postcard::Error| SnapshotError::Malformed(error.to_string());

    let snapshot: Snapshot = match version {
        1 => postcard::from_bytes::<SnapshotV1>(payload).map_err(malformed)?.into(),
        _ => postcard::from_bytes(payload).map_err(malformed)?,
    };

    snapshot.validate().map_err(SnapshotError::Malformed)?;
    Ok(snapshot)
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::Split;
    use crate::snapshot::{AggregationImage, BoundsImage, ReplayImage, SourceImage, SplitImage};

    fn snapshot() -> Snapshot {
        let split = Split { topic: "t".into(), partition: 0 };
        let topic_id = Some("an id".to_owned());
        let bounds = BoundsImage { offset: 6, current: 1, others: 2, clock: Some(3) };
        let replay = Some(ReplayImage { bounds: vec![bounds], reached: 9 });
        let splits = vec![SplitImage { split, offset: 7, watermark: Some(5), topic_id, replay }];
        let source = SourceImage { splits, ..SourceImage::default() };
        let pipeline = PipelineImage { table: "t".into(), sources: vec![source], ..PipelineImage::default() };
        Snapshot { pipelines: vec![pipeline], operators: Vec::new() }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(decode(&encode(&snapshot())).unwrap(), snapshot());
    }

    #[test]
    fn written_in_parts_it_is_the_whole_and_the_parts_are_measured() {
        let mut snapshot = snapshot();
        let state = AggregationImage { watermark: 5, ..AggregationImage::default() };
        snapshot.pipelines[0].states = vec![state; 2];
        snapshot.pipelines.push(PipelineImage::default());
        let (bytes, sizes) = encode_sized(&snapshot);
        assert_eq!(&bytes[HEADER..], postcard::to_allocvec(&snapshot).unwrap());
        let source = postcard::to_allocvec(&snapshot.pipelines[0].sources[0]).unwrap().len() as u64;
        assert_eq!(sizes, Sizes { sources: vec![vec![source], vec![]], states: vec![vec![6; 2], vec![]] });
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let bytes = encode(&snapshot());
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&damaged).is_err(), "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn the_error_says_what_is_wrong() {
        let bytes = encode(&snapshot());
        assert_eq!(decode(b"hello, I am a text file"), Err(SnapshotError::NotASnapshot));
        let mut newer = bytes.clone();
        newer[8] = 9;
        assert_eq!(decode(&newer), Err(SnapshotError::Version(9)));
        let short = decode(&bytes[..bytes.len() - 1]).unwrap_err();
        assert!(short.to_string().starts_with("the snapshot is truncated"), "{short}");
    }
}
