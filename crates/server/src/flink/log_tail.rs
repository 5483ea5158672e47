//! The newest log lines, kept in memory for clients over HTTP. The operator decides where logs are stored.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use types::{Clock, Timestamp};

/// The last logged bytes, in whole lines.
pub struct LogTail {
    bytes_max: usize,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
}

struct Kept {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    written: Timestamp,
}

impl LogTail {
    pub fn new(bytes_max: usize, clock: Arc<dyn Clock>) -> LogTail {
        let written = clock.now();
        LogTail { bytes_max, clock, kept: Mutex::new(Kept { lines: VecDeque::new(), bytes: 0, written }) }
    }

    /// Adds a line, including its line end.
    pub fn add(&self, line: &[u8]) {
        let mut kept = self.kept.lock();
        kept.written = self.clock.now();
        kept.bytes += line.len();
        kept.lines.push_back(line.to_vec());
        while kept.bytes > self.bytes_max {
            let Some(oldest) = kept.lines.pop_front() else { break };
            kept.bytes -= oldest.len();
        }
    }

    /// Returns all lines, oldest first.
    pub fn text(&self) -> Vec<u8> {
        self.kept.lock().lines.iter().flatten().copied().collect()
    }

    /// Returns the number of bytes, and the time of the last line.
    pub(super) fn size(&self) -> (u64, Timestamp) {
        let kept = self.kept.lock();
        (kept.bytes as u64, kept.written)
    }
}

/// Loggers write a line at a time.
impl io::Write for &LogTail {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lines_make_room() {
        let tail = LogTail::new(10, Arc::new(types::ManualClock::at(Timestamp(5))));
        for line in ["one\n", "two\n", "three\n"] {
            tail.add(line.as_bytes());
        }
        assert_eq!(tail.text(), b"two\nthree\n");
        assert_eq!(tail.size(), (10, Timestamp(5)));
        tail.add(b"longer than all there is room for\n");
        assert_eq!(tail.text(), b"");
    }
}
