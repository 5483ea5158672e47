//! A byte buffer that is filled repeatedly and keeps track of the memory that was initialized before.
//!
//! A `Vec` forgets that when it is cleared. It would have to be zeroed in front of each block that is
//! inflated into it, which costs a tenth of the time to read records.

/// A reusable byte buffer; see the module documentation.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    /// All bytes that were ever initialized. Those behind `length` have no meaning.
    bytes: Vec<u8>,
    length: usize,
}

impl Buffer {
    /// Returns an empty buffer that reuses the memory of a `Vec`.
    pub fn reuse(bytes: Vec<u8>) -> Buffer {
        Buffer { bytes, length: 0 }
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn clear(&mut self) {
        self.length = 0;
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Returns the bytes that the buffer holds, and `room` bytes behind them to be filled;
    /// [`advance`](Buffer::advance) then says how many were.
    pub fn with_room(&mut self, room: usize) -> (&[u8], &mut [u8]) {
        let end = self.length + room;
        if end > self.bytes.len() {
            self.bytes.resize(end, 0);
        }
        let (held, room) = self.bytes[..end].split_at_mut(self.length);
        (held, room)
    }

    /// Returns `room` bytes to be filled behind the bytes that the buffer holds.
    pub fn room(&mut self, room: usize) -> &mut [u8] {
        self.with_room(room).1
    }

    /// Adds `bytes` filled bytes of the room to the buffer.
    pub fn advance(&mut self, bytes: usize) {
        self.length += bytes;
        assert!(self.length <= self.bytes.len(), "there was room");
    }

    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.room(bytes.len()).copy_from_slice(bytes);
        self.advance(bytes.len());
    }

    /// Returns the memory of the buffer. Behind the bytes that the buffer held, its content has no meaning.
    pub fn into_memory(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_holds_what_was_filled_and_nothing_of_earlier_times() {
        let mut buffer = Buffer::default();
        buffer.extend_from_slice(b"earlier times");
        let mut buffer = Buffer::reuse(buffer.into_memory());
        assert_eq!(buffer.len(), 0);

        buffer.extend_from_slice(b"ab");
        let (held, room) = buffer.with_room(20);
        assert_eq!((held, room.len()), (&b"ab"[..], 20));
        room[0] = b'c';
        buffer.advance(1);
        assert_eq!((buffer.as_slice(), buffer.len()), (&b"abc"[..], 3));
        assert!(buffer.into_memory().starts_with(b"abc"));
    }
}
