//! The versions of one row of the right table, and the left rows that wait for theirs.
//!
//! A version is in force from its time until the time of the next version:
//!
//! ```text
//! versions    5: rate 1.1         9: rate 1.2         12: deleted
//! in force    5 … 8: rate 1.1     9 … 11: rate 1.2    12 …: none
//! ```

use std::collections::VecDeque;

use crate::row;
use crate::state::StateValue;

/// The versions of a key, and the left rows that wait for theirs.
#[derive(Debug, Default)]
pub(super) struct VersionHistory {
    /// Ascending by time; one version per time.
    versions: Vec<Version>,
    /// Ascending by time; rows of one time in order of arrival.
    waiting: VecDeque<(i64, Box<[u8]>)>,
    row_bytes: usize,
}

/// The row that the right table holds from a time on.
#[derive(Debug)]
struct Version {
    time: i64,
    /// `None`: the row was deleted.
    row: Option<Box<[u8]>>,
    /// An update has retracted the version, and its replacement has not come yet.
    is_retracted: bool,
}

impl VersionHistory {
    /// Adds a version from a time on. A version of the same time is replaced.
    pub fn put(&mut self, time: i64, row: &[u8]) {
        self.settle(time);
        self.set(time, Some(row.into()));
    }

    /// Deletes the version of exactly this time: from then on the table holds no row.
    pub fn delete(&mut self, time: i64) {
        self.set(time, None);
    }

    /// Retracts the version of a time as part of an update. If a replacement of a later time follows, the
    /// version stays in force until then; otherwise it is deleted.
    pub fn retract(&mut self, time: i64) {
        let place = self.versions.partition_point(|version| version.time < time);
        match self.versions.get_mut(place).filter(|version| version.time == time) {
            Some(version) => version.is_retracted = true,
            None => self.insert(place, Version { time, row: None, is_retracted: true }),
        }
    }

    /// Completes an earlier retraction when its replacement comes.
    fn settle(&mut self, time: i64) {
        let retracted = self.versions.iter().rposition(|version| version.is_retracted);
        let Some(place) = retracted else { return };
        if self.versions[place].time > time {
            return;
        }
        if self.versions[place].row.is_none() {
            self.versions.remove(place);
        } else {
            self.versions[place].is_retracted = false;
        }
    }

    fn set(&mut self, time: i64, row: Option<Box<[u8]>>) {
        let length = row.as_ref().map_or(0, |row| row.len());
        let place = self.versions.partition_point(|version| version.time < time);
        match self.versions.get_mut(place).filter(|version| version.time == time) {
            Some(version) => {
                self.row_bytes -= version.row.as_ref().map_or(0, |row| row.len());
                *version = Version { time, row, is_retracted: false };
            }
            None => self.insert(place, Version { time, row, is_retracted: false }),
        }
        self.row_bytes += length;
    }

    fn insert(&mut self, place: usize, version: Version) {
        // Most keys have one version.
        if self.versions.is_empty() {
            self.versions.reserve_exact(1);
        }
        self.versions.insert(place, version);
    }

    /// Returns the version in force at a time.
    pub fn version(&self, time: i64) -> Option<&[u8]> {
        let behind = self.versions.partition_point(|version| version.time <= time);
        let version = self.versions.get(behind.checked_sub(1)?)?;
        version.row.as_deref().filter(|_| !version.is_retracted)
    }

    /// Drops the versions that were replaced before or at a time. The one then in force stays.
    pub fn forget_before(&mut self, time: i64) {
        let behind = self.versions.partition_point(|version| version.time <= time);
        let dropped = self.versions.drain(..behind.saturating_sub(1));
        let bytes: usize = dropped.map(|version| version.row.map_or(0, |row| row.len())).sum();
        self.row_bytes -= bytes;
    }

    /// Adds a left row that waits for its version.
    pub fn wait(&mut self, time: i64, row: &[u8]) {
        self.row_bytes += row.len();
        let place = match self.waiting.back() {
            Some((last, _)) if *last > time => self.waiting.partition_point(|(other, _)| *other <= time),
            _ => self.waiting.len(),
        };
        self.waiting.insert(place, (time, row.into()));
    }

    /// Returns the time of the first waiting left row.
    pub fn next_waiting(&self) -> Option<i64> {
        self.waiting.front().map(|(time, _)| *time)
    }

    /// Removes and returns the first left row that waits up to a time.
    pub fn pop_waiting(&mut self, until: i64) -> Option<(i64, Box<[u8]>)> {
        self.waiting.front().filter(|(time, _)| *time <= until)?;
        let waiting = self.waiting.pop_front()?;
        self.row_bytes -= waiting.1.len();
        if self.waiting.is_empty() {
            // Between left rows a key holds only its version.
            self.waiting = VecDeque::new();
        }
        Some(waiting)
    }

    pub fn is_empty(&self) -> bool {
        self.versions.is_empty() && self.waiting.is_empty()
    }
}

impl StateValue for VersionHistory {
    fn write(&self, out: &mut Vec<u8>) {
        row::write_length(self.versions.len(), out);
        for version in &self.versions {
            out.extend_from_slice(&version.time.to_le_bytes());
            out.push(u8::from(version.is_retracted));
            version.row.write(out);
        }
        row::write_length(self.waiting.len(), out);
        for (time, row) in &self.waiting {
            out.extend_from_slice(&time.to_le_bytes());
            row.write(out);
        }
    }

    fn read(reader: &mut row::Reader<'_>) -> Option<VersionHistory> {
        let mut history = VersionHistory::default();
        for _ in 0..reader.length()? {
            let (time, is_retracted) = (read_time(reader)?, reader.tag()? != 0);
            let row: Option<Box<[u8]>> = StateValue::read(reader)?;
            history.row_bytes += row.as_ref().map_or(0, |row| row.len());
            history.versions.push(Version { time, row, is_retracted });
        }
        for _ in 0..reader.length()? {
            let time = read_time(reader)?;
            let row: Box<[u8]> = StateValue::read(reader)?;
            history.wait(time, &row);
        }
        Some(history)
    }

    fn heap_bytes(&self) -> usize {
        let versions = self.versions.capacity() * size_of::<Version>();
        versions + self.waiting.capacity() * size_of::<(i64, Box<[u8]>)>() + self.row_bytes
    }
}

fn read_time(reader: &mut row::Reader<'_>) -> Option<i64> {
    Some(i64::from_le_bytes(reader.run(8)?.try_into().ok()?))
}
