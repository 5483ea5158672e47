//! Keys of state: a short key is stored in the entry itself, so that a look-up reads no second place in
//! memory.

use std::ops::Deref;

use crate::aggregate::keys::prefetch;

/// The most bytes of a key that is stored in its entry: three whole numbers, or a short text and a number.
const SHORT: usize = 22;

/// A key of 24 bytes.
#[derive(Debug)]
pub(super) enum Key {
    Short { length: u8, bytes: [u8; SHORT] },
    Long(Box<[u8]>),
}

const _: () = assert!(size_of::<Key>() == 24);

impl Key {
    #[inline]
    pub fn of(key: &[u8]) -> Key {
        if key.len() > SHORT {
            return Key::Long(key.into());
        }
        let mut bytes = [0; SHORT];
        bytes[..key.len()].copy_from_slice(key);
        Key::Short { length: key.len() as u8, bytes }
    }

    /// Returns the bytes outside the key itself.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        match self {
            Key::Short { .. } => 0,
            Key::Long(bytes) => bytes.len(),
        }
    }

    /// Prefetches the memory of a key that is not stored in its entry.
    #[inline]
    pub fn prefetch(&self) {
        if let Key::Long(bytes) = self {
            prefetch(bytes, 0);
        }
    }

    pub fn into_boxed(self) -> Box<[u8]> {
        match self {
            Key::Short { .. } => (*self).into(),
            Key::Long(bytes) => bytes,
        }
    }
}

impl Deref for Key {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Key::Short { length, bytes } => &bytes[..usize::from(*length)],
            Key::Long(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_every_length_are_kept() {
        for length in 0..60 {
            let bytes: Vec<u8> = (0..length).collect();
            let key = Key::of(&bytes);
            assert_eq!(*key, *bytes);
            assert_eq!(key.heap_bytes(), if bytes.len() > SHORT { bytes.len() } else { 0 });
            assert_eq!(*key.into_boxed(), *bytes);
        }
    }
}
