//! A power cut in the middle of a write: acknowledged records survive, and offsets go on.
//!
//! The tests tear fjall's journal as a disk does: the last bytes are missing, or a page in the middle of the
//! last write was never written.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use common::*;
use storage::log::{EmbeddedLog, EventLog, LogError, Start};
use types::Offset;

const RECORDS: usize = 20;

fn body(number: usize) -> String {
    format!("{number:>200}")
}

/// Returns a directory with a log of one record per write, and the length of its journal after each write.
fn written() -> (tempfile::TempDir, Vec<usize>) {
    let directory = tempfile::tempdir().unwrap();
    let log = open(directory.path());
    log.create_topic(TOPIC, 1).unwrap();
    let lengths = (0..RECORDS)
        .map(|number| {
            append(&log, vec![record(body(number))]);
            used(directory.path()).len()
        })
        .collect();
    (directory, lengths)
}

fn journal(directory: &Path) -> PathBuf {
    let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "jnl")).max().unwrap()
}

/// Returns the used part of the journal, which is allocated in advance and filled with zeroes.
fn used(directory: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    fs::File::open(journal(directory)).unwrap().take(64 << 10).read_to_end(&mut bytes).unwrap();
    bytes.truncate(bytes.len() - bytes.iter().rev().take_while(|byte| **byte == 0).count());
    bytes
}

/// Copies all files but the journal.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let path = file.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else if target.extension().is_none_or(|extension| extension != "jnl") {
            fs::write(target, fs::read(&path).unwrap()).unwrap();
        }
    }
}

/// Opens a copy of the directory with a changed journal.
fn open_torn(
    directory: &Path,
    tear: impl FnOnce(&mut Vec<u8>),
) -> Result<(tempfile::TempDir, EmbeddedLog), LogError> {
    let torn = tempfile::tempdir().unwrap();
    copy(directory, torn.path());
    let mut bytes = used(directory);
    tear(&mut bytes);
    fs::write(torn.path().join(journal(directory).file_name().unwrap()), bytes).unwrap();
    let log = EmbeddedLog::open(torn.path(), options(), clock())?;
    Ok((torn, log))
}

fn holds_the_first(log: &EmbeddedLog, count: usize) {
    assert_eq!(bodies(&read_from(log, Start::Earliest)), (0..count).map(body).collect::<Vec<_>>());
    assert_eq!(append(log, vec![record("next")])[0].offset, Offset(count as u64));
}

#[test]
fn a_write_that_stops_short_is_dropped_and_those_before_it_stay() {
    let (directory, lengths) = written();
    let (before_last, last) = (lengths[RECORDS - 2], lengths[RECORDS - 1]);
    for end in (before_last..last).step_by(9) {
        let (torn, log) = open_torn(directory.path(), |journal| journal.truncate(end)).unwrap();
        holds_the_first(&log, RECORDS - 1);
        drop(log);
        let log = open(torn.path());
        assert_eq!(read_from(&log, Start::Earliest).len(), RECORDS);
    }
}

#[test]
fn a_write_that_stops_short_before_zeroes_is_dropped_and_those_before_it_stay() {
    let (directory, lengths) = written();
    let (before_last, last) = (lengths[RECORDS - 2], lengths[RECORDS - 1]);
    for end in (before_last..last - 1).step_by(9) {
        let (_torn, log) = open_torn(directory.path(), |journal| journal[end..].fill(0)).unwrap();
        holds_the_first(&log, RECORDS - 1);
    }
}

#[test]
fn a_write_with_a_hole_is_dropped_and_those_before_it_stay() {
    let (directory, lengths) = written();
    let (before_last, last) = (lengths[RECORDS - 2], lengths[RECORDS - 1]);
    for start in (before_last..last - 16).step_by(9) {
        let (torn, log) = open_torn(directory.path(), |journal| journal[start..start + 16].fill(0)).unwrap();
        holds_the_first(&log, RECORDS - 1);
        drop(log);
        let log = open(torn.path());
        assert_eq!(read_from(&log, Start::Earliest).len(), RECORDS);
    }
}

#[test]
fn damage_to_what_was_acknowledged_is_told_and_nothing_is_cut_off() {
    let (directory, lengths) = written();
    // Change a record's body, so that all lengths stay right.
    let damaged = lengths[RECORDS / 2] - 60;
    let opened = open_torn(directory.path(), |journal| journal[damaged] ^= 1);
    assert!(matches!(opened.err(), Some(LogError::Corrupt { place }) if place.starts_with("byte ")));
}
