//! Chunks: records of one partition between the network and the reader.

use std::sync::Arc;

use parking_lot::Mutex;
use types::{Offset, PartitionId, Timestamp};

use super::buffer::Buffer;
use crate::log::{Attributes, Fetched, RecordRef, Span, Wanted};

/// Size at which a chunk is handed over. It should stay in the cache of the core that decodes it.
pub(super) const CHUNK_BYTES: usize = 512 << 10;
/// Buffers kept for reuse. Fresh buffers cost page faults, a quarter of the time to read records.
const POOL_BUFFERS: usize = 6;
/// Size above which a buffer goes back to the allocator.
const POOL_BUFFER_BYTES_MAX: usize = 8 << 20;

/// Records of one partition in offset order, or only the offset up to which the partition was read.
#[derive(Debug)]
pub(in crate::log::kafka) struct Chunk {
    pub fetched: Fetched,
    /// The offset to read after the chunk. It may lie behind the last record: transaction markers and
    /// records that compaction dropped have offsets too.
    pub next: u64,
    /// Generation of the partition's position. It grows with each
    /// [`Fetcher::read_from`](super::Fetcher::read_from), and the reader drops chunks of earlier
    /// generations.
    pub generation: u64,
}

impl Chunk {
    /// Returns a chunk without records: the partition was read up to `next`.
    pub fn nothing_of(partition: PartitionId, generation: u64, next: u64) -> Chunk {
        let fetched = Fetched { partition: Some(partition), ..Fetched::default() };
        Chunk { fetched, next, generation }
    }
}

/// A pool of buffers that readers have returned.
#[derive(Default)]
pub(super) struct Pool {
    buffers: Mutex<Vec<Arc<Vec<u8>>>>,
}

impl Pool {
    /// Returns an empty buffer.
    fn take(&self) -> Buffer {
        let mut buffers = self.buffers.lock();
        let free = buffers.iter().position(|buffer| Arc::strong_count(buffer) == 1);
        let buffer = free.map(|at| buffers.swap_remove(at)).and_then(Arc::into_inner);
        Buffer::reuse(buffer.unwrap_or_default())
    }

    /// Shares a buffer with the reader. The pool reuses it once the reader has dropped it.
    fn share(&self, buffer: Buffer) -> Arc<Vec<u8>> {
        let buffer = buffer.into_memory();
        let is_kept = buffer.capacity() <= POOL_BUFFER_BYTES_MAX && buffer.capacity() >= CHUNK_BYTES / 8;
        let shared = Arc::new(buffer);
        if is_kept {
            let mut buffers = self.buffers.lock();
            if buffers.len() == POOL_BUFFERS {
                buffers.remove(0);
            }
            buffers.push(shared.clone());
        }
        shared
    }
}

/// Collects records into a chunk.
pub(super) struct ChunkBuilder<'a> {
    pool: &'a Pool,
    wanted: Wanted,
    partition: PartitionId,
    generation: u64,
    pub data: Buffer,
    records: Vec<RecordRef>,
    attributes: Vec<Attributes>,
}

impl<'a> ChunkBuilder<'a> {
    pub fn new(pool: &'a Pool, wanted: Wanted, partition: PartitionId, generation: u64) -> ChunkBuilder<'a> {
        let (records, attributes) = (Vec::new(), Vec::new());
        ChunkBuilder { pool, wanted, partition, generation, data: pool.take(), records, attributes }
    }

    pub fn wanted(&self) -> Wanted {
        self.wanted
    }

    pub fn reserve(&mut self, records: usize) {
        self.records.reserve(records);
        if self.wanted.any() {
            self.attributes.reserve(records);
        }
    }

    /// Adds a record whose body lies in `data`, without key and headers.
    #[inline]
    pub fn push_body(&mut self, offset: u64, time_ms: i64, body: Span) {
        self.records.push(RecordRef {
            offset: Offset(offset),
            appended: Timestamp(time_ms),
            start: body.start,
            end: body.end,
        });
    }

    /// Adds a record whose body and attributes lie in `data`.
    pub fn push(&mut self, offset: u64, time_ms: i64, body: Span, attributes: Attributes) {
        self.push_body(offset, time_ms, body);
        if self.wanted.any() {
            self.attributes.push(attributes);
        }
    }

    pub fn is_full(&self) -> bool {
        self.data.len() + self.records.len() * size_of::<RecordRef>() >= CHUNK_BYTES
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Returns the chunk so far; the builder continues with an empty one.
    pub fn take(&mut self, next: u64) -> Chunk {
        let data = std::mem::take(&mut self.data);
        let data = if self.records.is_empty() { Arc::default() } else { self.pool.share(data) };
        if !data.is_empty() {
            self.data = self.pool.take();
        }
        let fetched = Fetched {
            partition: Some(self.partition),
            records: std::mem::take(&mut self.records),
            attributes: std::mem::take(&mut self.attributes),
            data,
        };
        Chunk { fetched, next, generation: self.generation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_filled_again_once_its_reader_is_done() {
        let pool = Pool::default();
        let mut first = pool.take();
        first.extend_from_slice(&[1; CHUNK_BYTES]);
        let place = first.as_slice().as_ptr();

        let shared = pool.share(first);
        let other = pool.take();
        assert_ne!(other.as_slice().as_ptr(), place, "its reader still holds it");
        drop(shared);
        let again = pool.take();
        assert_eq!((again.as_slice().as_ptr(), again.len()), (place, 0));
    }
}
