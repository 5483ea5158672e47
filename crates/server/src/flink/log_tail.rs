//! The newest log lines, kept in memory for whoever asks over HTTP. Where logs are kept for good is the operator's.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use types::{Clock, Timestamp};

/// The last bytes that were logged, whole lines.
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

    /// Adds a line, with its end.
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

    /// All of it, oldest first.
    pub fn text(&self) -> Vec<u8> {
        self.kept.lock().lines.iter().flatten().copied().collect()
    }

    /// How many bytes there are, and when the last was added.
    pub(super) fn size(&self) -> (u64, Timestamp) {
        let kept = self.kept.lock();
        (kept.bytes as u64, kept.written)
    }
}

/// A line at a time, as loggers write.
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
