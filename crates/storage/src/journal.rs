//! Repairs a fjall journal that a power cut has torn, before fjall opens it.
//!
//! The disk may write the pages of a batch in any order and stop in between. fjall drops a batch that stops
//! short. It does not open a journal whose last batch ends well but has a hole before its end. Where a
//! batch breaks off in its middle, fjall silently drops everything behind it, which may include
//! acknowledged writes. So [`mend`] walks the newest journal first, as fjall's recovery does, cuts it at
//! the first batch that is not intact, and keeps the cut bytes in a file beside it.
//!
//! The format is that of fjall 3 (`journal/entry.rs`); integers are little endian:
//!
//! ```text
//! batch = start   tag 1, number of items, sequence number
//!         items   tag 2, value type, compression, keyspace, lengths, key, value
//!         clears  tag 4, keyspace
//!         end     tag 3, XXH3 of the items and clears, magic bytes
//! ```
//!
//! The file is allocated in advance and filled with zeroes.

use std::fs::{self, File};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::disk::Fault;

/// Policy for a journal in which intact batches follow a damaged one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterDamage {
    /// Refuses to open. Every batch was synced before the next was written, so acknowledged data is damaged
    /// and this is no torn end.
    Refuse,
    /// Cuts the intact batches off too. Several batches were in flight, and they can be written again.
    Cut,
}

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const MAGIC: &[u8; 4] = &[b'F', b'J', b'L', 3];

/// Bytes behind the last intact batch that are checked to be zero before the file counts as undamaged.
const ZEROES_LOOKED_AT: u64 = 64 << 10;

/// Cuts the newest journal in a directory behind its last intact batch.
pub(crate) fn mend(directory: &Path, after: AfterDamage) -> Result<(), Fault> {
    let Some(path) = newest_journal(directory)? else {
        return Ok(());
    };
    let mut file = File::open(&path)?;
    let intact = intact_bytes(BufReader::with_capacity(64 << 10, &file))?;
    file.seek(SeekFrom::Start(intact))?;
    let mut torn = Vec::new();
    (&file).take(ZEROES_LOOKED_AT).read_to_end(&mut torn)?;
    if torn.iter().all(|byte| *byte == 0) {
        return Ok(());
    }
    file.read_to_end(&mut torn)?;
    torn.truncate(torn.len() - torn.iter().rev().take_while(|byte| **byte == 0).count());
    if after == AfterDamage::Refuse && holds_a_batch(&torn)? {
        return Err(Fault::Damaged { place: format!("byte {intact} of {}", path.display()) });
    }

    tracing::warn!(
        journal = %path.display(), kept_bytes = intact, cut_bytes = torn.len(),
        "a crash tore the end of the journal, which is cut off; all acknowledged data stands before it"
    );

    let mut aside = File::create(path.with_extension("torn"))?;
    aside.write_all(&torn)?;
    aside.sync_all()?;
    let journal = File::options().write(true).open(&path)?;
    journal.set_len(intact)?;
    journal.sync_all()?;
    Ok(())
}

fn newest_journal(directory: &Path) -> std::io::Result<Option<PathBuf>> {
    let mut newest: Option<(u64, PathBuf)> = None;
    let files = match fs::read_dir(directory) {
        // The database does not exist yet.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        files => files?,
    };

    for file in files {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "jnl") {
            continue;
        }
        let Some(number) = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok())
        else {
            continue;
        };
        if newest.as_ref().is_none_or(|(highest, _)| number > *highest) {
            newest = Some((number, path));
        }
    }

    Ok(newest.map(|(_, path)| path))
}

/// Returns the length of the run of intact batches at the beginning.
fn intact_bytes(journal: impl Read) -> std::io::Result<u64> {
    let mut walk = Walk { journal, walked: 0, content: Xxh3::new() };
    let mut intact = 0;
    while walk.batch()? {
        intact = walk.walked;
    }
    Ok(intact)
}

/// Returns whether an intact batch starts at any byte.
fn holds_a_batch(bytes: &[u8]) -> std::io::Result<bool> {
    for (at, tag) in bytes.iter().enumerate() {
        if *tag == START && intact_bytes(&bytes[at..])? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A batch-by-batch walk through a journal.
struct Walk<R> {
    journal: R,
    walked: u64,
    /// Hash of the current batch's items so far.
    content: Xxh3,
}

impl<R: Read> Walk<R> {
    /// Walks over a batch and returns whether it was intact. The walk ends after one that was not.
    fn batch(&mut self) -> std::io::Result<bool> {
        let Some([START]) = self.take()? else {
            return Ok(false);
        };
        let (Some(announced), Some(_sequence_number)) = (self.take()?, self.take::<8>()?) else {
            return Ok(false);
        };
        self.content.reset();
        for _ in 0..u32::from_le_bytes(announced) {
            if !self.item()? {
                return Ok(false);
            }
        }
        let expected = self.content.digest();
        let (end, checksum, magic) = (self.take()?, self.take()?, self.take()?);
        Ok(end == Some([END])
            && checksum.map(u64::from_le_bytes) == Some(expected)
            && magic.as_ref() == Some(MAGIC))
    }

    /// Walks over an item or clear and returns whether all of it was there.
    fn item(&mut self) -> std::io::Result<bool> {
        let rest = match self.take()? {
            Some([ITEM]) => {
                let (Some(_kind), Some(key), Some(_plain), Some(value)) =
                    (self.take::<10>()?, self.take()?, self.take::<4>()?, self.take()?)
                else {
                    return Ok(false);
                };
                u64::from(u16::from_le_bytes(key)) + u64::from(u32::from_le_bytes(value))
            }
            Some([CLEAR]) => 8,
            _ => return Ok(false),
        };
        self.pass(rest)
    }

    fn take<const N: usize>(&mut self) -> std::io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        match self.journal.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        self.walked += N as u64;
        self.content.update(&bytes);
        Ok(Some(bytes))
    }

    /// Walks over `count` bytes and returns whether all of them were there.
    fn pass(&mut self, count: u64) -> std::io::Result<bool> {
        let mut buffer = [0; 8 << 10];
        let mut left = count;
        while left > 0 {
            let wanted = left.min(buffer.len() as u64) as usize;
            let read = self.journal.read(&mut buffer[..wanted])?;
            if read == 0 {
                return Ok(false);
            }
            self.content.update(&buffer[..read]);
            self.walked += read as u64;
            left -= read as u64;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(value: &[u8]) -> Vec<u8> {
        let mut content = vec![ITEM, 0, 0];
        content.extend(7u64.to_le_bytes());
        content.extend(3u16.to_le_bytes());
        content.extend((value.len() as u32).to_le_bytes());
        content.extend((value.len() as u32).to_le_bytes());
        content.extend(b"key");
        content.extend(value);
        let mut bytes = vec![START];
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(1u64.to_le_bytes());
        bytes.extend(&content);
        bytes.push(END);
        bytes.extend(xxhash_rust::xxh3::xxh3_64(&content).to_le_bytes());
        bytes.extend(MAGIC);
        bytes
    }

    #[test]
    fn an_intact_journal_ends_where_the_zeroes_begin() {
        let mut journal = batch(b"one");
        journal.extend(batch(b"two"));
        let written = journal.len();
        journal.resize(written + 100, 0);
        assert_eq!(intact_bytes(&journal[..]).unwrap(), written as u64);
        assert!(!holds_a_batch(&journal[written..]).unwrap());
    }

    #[test]
    fn a_batch_with_a_hole_ends_the_intact_part() {
        let mut journal = batch(b"one");
        let first = journal.len();
        let mut second = batch(b"two");
        let hole = second.len() - 15;
        second[hole] = 0;
        journal.extend(second);
        assert_eq!(intact_bytes(&journal[..]).unwrap(), first as u64);
        assert!(!holds_a_batch(&journal[first..]).unwrap());
        journal.extend(batch(b"three"));
        assert!(holds_a_batch(&journal[first..]).unwrap());
    }

    #[test]
    fn every_cut_leaves_the_batches_before_it() {
        let mut journal = batch(b"one");
        let first = journal.len();
        journal.extend(batch(b"two"));
        for cut in first..journal.len() {
            assert_eq!(intact_bytes(&journal[..cut]).unwrap(), first as u64);
        }
    }
}
