//! JSON in the dialect of flink-json.
//!
//! Decoding goes directly from a record's bytes to the columns that the plan reads, without a tree. Producers
//! write keys in the same order with the same blanks again and again. So every object of the schema remembers
//! the bytes between one value and the next (`,"key":`) and compares them instead of parsing. If the guess
//! fails, the member is parsed the ordinary way and learned.
//!
//! Values of the wrong type are treated as by flink-json's tree reader (according to "JSON Format" in Flink's
//! manual and its observed behaviour). Unread values are skipped: their grammar is checked, their escapes and
//! UTF-8 are not.

mod base64;
mod compact;
mod convert;
mod decimal;
mod decoder;
mod excerpt;
mod layout;
mod leaf;
mod nested;
mod number;
mod options;
mod scan;
mod skip;
mod slow;
mod text;
mod time;
mod utf8;
mod walk;
pub mod write;

pub use decoder::{Added, Decoder};
pub use options::{DecimalFormat, JsonOptions, RecordError, TimestampFormat, WriteOptions};
