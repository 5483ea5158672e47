//! Mending a fjall journal that a power cut has torn.
//!
//! fjall itself drops a batch at the end of its journal that stops short. It refuses to open, however, where the end is
//! all there and something before it is not: the disk may write the pages of one batch in any order, and be cut off
//! between them. Here the journal is walked as fjall's recovery walks it, up to the first batch that is not intact, and
//! cut there; what is cut off is kept beside it.
//!
//! The format is that of fjall 3 (`journal/entry.rs`): a batch is a start (tag 1, items, sequence number), items (tag 2,
//! value type, compression, keyspace, lengths, key, value) or clears (tag 4, keyspace), and an end (tag 3, XXH3 of what
//! lies between, magic bytes); integers are little endian.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::disk::Fault;

/// What to do where intact batches follow a damaged one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterDamage {
    /// Refuse. Every batch was synced before the next was written, so this is no torn end but damage to what was
    /// acknowledged.
    Refuse,
    /// Cut them off too. Several batches were under way, and they can be written again.
    Cut,
}

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const CLEAR: u8 = 4;
const MAGIC: &[u8] = &[b'F', b'J', b'L', 3];

/// Cuts the newest journal in a directory at the first batch that is not intact.
pub(crate) fn mend(directory: &Path, after: AfterDamage) -> Result<(), Fault> {
    let Some(path) = newest_journal(directory)? else {
        return Ok(());
    };
    let bytes = fs::read(&path)?;
    let intact = intact_bytes(&bytes);
    let torn = &bytes[intact..];
    if after == AfterDamage::Refuse && another_batch_follows(torn) {
        return Err(Fault::Damaged { place: format!("byte {intact} of {}", path.display()) });
    }
    let written = torn.len() - torn.iter().rev().take_while(|byte| **byte == 0).count();
    tracing::warn!(
        journal = %path.display(), kept_bytes = intact, cut_bytes = written,
        "the end of the journal was torn by a crash and is cut off; what was acknowledged stands before it"
    );
    let mut aside = fs::File::create(path.with_extension("torn"))?;
    aside.write_all(&torn[..written])?;
    aside.sync_all()?;
    let journal = fs::OpenOptions::new().write(true).open(&path)?;
    journal.set_len(intact as u64)?;
    journal.sync_all()?;
    Ok(())
}

fn newest_journal(directory: &Path) -> std::io::Result<Option<PathBuf>> {
    let mut newest: Option<(u64, PathBuf)> = None;
    for file in fs::read_dir(directory)? {
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

/// The length of the run of intact batches at the beginning.
fn intact_bytes(journal: &[u8]) -> usize {
    let mut rest = journal;
    while let Some(Batch { rest: after, intact: true }) = Batch::read(rest) {
        rest = after;
    }
    journal.len() - rest.len()
}

/// Whether an intact batch stands behind the damaged one that `torn` begins with.
fn another_batch_follows(torn: &[u8]) -> bool {
    let mut rest = torn;
    while let Some(Batch { rest: after, intact }) = Batch::read(rest) {
        if intact {
            return true;
        }
        rest = after;
    }
    false
}

/// A batch whose pieces are all there, though its content may not be what was written.
struct Batch<'a> {
    rest: &'a [u8],
    intact: bool,
}

impl<'a> Batch<'a> {
    fn read(journal: &'a [u8]) -> Option<Batch<'a>> {
        let mut rest = journal;
        if take(&mut rest, 1)? != [START] {
            return None;
        }
        let announced = u32::from_le_bytes(take(&mut rest, 4)?.try_into().ok()?);
        take(&mut rest, 8)?;
        let items = rest;
        let mut count = 0;
        loop {
            let before_tag = rest;
            match take(&mut rest, 1)? {
                [ITEM] => {
                    take(&mut rest, 1 + 1 + 8)?;
                    let key = u16::from_le_bytes(take(&mut rest, 2)?.try_into().ok()?);
                    take(&mut rest, 4)?;
                    let value = u32::from_le_bytes(take(&mut rest, 4)?.try_into().ok()?);
                    take(&mut rest, usize::from(key).checked_add(value as usize)?)?;
                }
                [CLEAR] => {
                    take(&mut rest, 8)?;
                }
                [END] => {
                    let checksum = u64::from_le_bytes(take(&mut rest, 8)?.try_into().ok()?);
                    let magic = take(&mut rest, MAGIC.len())?;
                    let content = &items[..items.len() - before_tag.len()];
                    let intact = count == announced
                        && magic == MAGIC
                        && checksum == xxhash_rust::xxh3::xxh3_64(content);
                    return Some(Batch { rest, intact });
                }
                _ => return None,
            }
            count += 1;
        }
    }
}

/// Splits off the first bytes, `None` if there are not as many.
fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(taken)
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
        assert_eq!(intact_bytes(&journal), written);
        assert!(!another_batch_follows(&journal[written..]));
    }

    #[test]
    fn a_batch_with_a_hole_ends_the_intact_part() {
        let mut journal = batch(b"one");
        let first = journal.len();
        let mut second = batch(b"two");
        let hole = second.len() - 15;
        second[hole] = 0;
        journal.extend(second);
        assert_eq!(intact_bytes(&journal), first);
        assert!(!another_batch_follows(&journal[first..]));
        journal.extend(batch(b"three"));
        assert!(another_batch_follows(&journal[first..]));
    }

    #[test]
    fn every_cut_leaves_the_batches_before_it() {
        let mut journal = batch(b"one");
        let first = journal.len();
        journal.extend(batch(b"two"));
        for cut in first..journal.len() {
            assert_eq!(intact_bytes(&journal[..cut]), first);
        }
    }
}
