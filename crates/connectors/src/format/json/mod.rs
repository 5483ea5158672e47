//! JSON as flink-json reads and writes it.
//!
//! Reading goes straight from a record's bytes to the columns that the plan reads; no tree is built. Producers write
//! their keys in the same order with the same blanks again and again, so every object of the schema remembers the
//! bytes between one value and the next (`,"key":`) and compares instead of parsing. Where the guess fails, the member
//! is parsed the ordinary way and learned.
//!
//! What a value of the wrong type becomes follows flink-json's tree reader ("JSON Format" in Flink's manual and what it
//! does when run); what is never read is only skipped: its grammar is checked, its escapes and UTF-8 are not.

mod base64;
mod block;
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
