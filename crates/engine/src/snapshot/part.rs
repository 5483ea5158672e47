//! Parts: the state of one operator for one range of key groups, and the traits that store and read it.
//!
//! A snapshot is an envelope (sources, positions, and the operators by identity, kind and version) and parts.
//! A small part is in the envelope; a large part is a separate file. The engine knows no files: the caller
//! that takes a snapshot stores its parts ([`PartKeeper`]), and the caller that restores a snapshot reads
//! them ([`PartReader`]).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::state::{KeyGroups, StateImage};

/// One operator's state for a range of key groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorPart {
    pub groups: KeyGroups,
    pub content: PartContent,
}

/// The location of a part's bytes, which are those of [`StateImage::for_each_piece`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartContent {
    Inline(InlineBytes),
    File(PartFile),
}

/// Bytes that are encoded as one run, not one by one.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct InlineBytes(pub Vec<u8>);

/// A file that holds a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartFile {
    /// The name of a file beside the envelope.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// The seed of its hash.
    pub seed: u64,
    /// The hash of all bytes of the part: XXH3, 128 bits.
    pub hash: u128,
}

/// Stores the parts of a snapshot while it is taken.
pub trait PartKeeper {
    /// Stores an operator's state for a range of key groups.
    ///
    /// # Errors
    /// The part cannot be stored, and the keeper holds the reason: there will be no snapshot.
    fn keep(&mut self, operator: &str, groups: KeyGroups, image: &StateImage) -> Result<KeptPart, NotKept>;
}

/// A part that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPart {
    pub content: PartContent,
    /// Whether it was written for this snapshot, and not reused from an earlier one.
    pub is_new: bool,
}

/// A part could not be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotKept;

/// Reads the parts of a snapshot that are files.
pub trait PartReader: Send + Sync {
    /// Returns the verified bytes of a part, which are those of [`StateImage::for_each_piece`].
    ///
    /// # Errors
    /// The file is missing, or its content has changed.
    fn read(&self, file: &PartFile) -> Result<Vec<u8>, PartError>;
}

/// A part that cannot be read; the reader supplies the cause.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct PartError(pub Box<dyn std::error::Error + Send + Sync>);

/// Stores all parts in the snapshot itself, and so has no files to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct InMemory;

impl PartKeeper for InMemory {
    fn keep(&mut self, _operator: &str, _groups: KeyGroups, image: &StateImage) -> Result<KeptPart, NotKept> {
        Ok(KeptPart::inline(image))
    }
}

impl PartReader for InMemory {
    fn read(&self, file: &PartFile) -> Result<Vec<u8>, PartError> {
        Err(PartError(format!("nobody said where the file {} of the snapshot lies", file.name).into()))
    }
}

impl KeptPart {
    /// Creates a part in the envelope.
    pub fn inline(image: &StateImage) -> KeptPart {
        KeptPart { content: PartContent::Inline(InlineBytes(image.to_bytes())), is_new: true }
    }
}

impl OperatorPart {
    pub fn bytes(&self) -> u64 {
        match &self.content {
            PartContent::Inline(InlineBytes(bytes)) => bytes.len() as u64,
            PartContent::File(file) => file.bytes,
        }
    }

    pub fn file(&self) -> Option<&PartFile> {
        match &self.content {
            PartContent::Inline(_) => None,
            PartContent::File(file) => Some(file),
        }
    }
}

impl fmt::Debug for InlineBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for InlineBytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for InlineBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<InlineBytes, D::Error> {
        struct Bytes;

        impl serde::de::Visitor<'_> for Bytes {
            type Value = InlineBytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<InlineBytes, E> {
                Ok(InlineBytes(bytes.to_vec()))
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}
