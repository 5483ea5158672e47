//! Reads files of JSON lines to their end. Each file is a partition, each line a record whose offset is its
//! first byte.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::batch::{Batch, LeafRequest, RecordSpan};
use engine::connector::{ConnectorError, Polled, Reads, Source, SourceFactory, Split, StartFrom};
use types::{Offset, PartitionId, Timestamp};

use crate::event_log::{Described, MetadataColumns, undecodable};
use crate::format::changelog::Envelope;
use crate::format::json::{Decoder, JsonOptions};

/// Files that replace a source table.
#[derive(Debug, Clone)]
pub struct FileTable {
    pub paths: Vec<PathBuf>,
    pub json: JsonOptions,
    pub envelope: Envelope,
    /// Value of the metadata column `topic`.
    pub topic: String,
}

impl SourceFactory for FileTable {
    fn reads(&self) -> Reads {
        let paths: Vec<String> = self.paths.iter().map(|path| path.display().to_string()).collect();
        Reads {
            system: "files".to_owned(),
            what: format!("`{}`", paths.join("`, `")),
            includes: Arc::new(move |path| paths.iter().any(|of| of == path)),
        }
    }

    fn open(
        &self,
        requests: &[LeafRequest],
        subtask: usize,
        of: usize,
        from: &StartFrom,
    ) -> Result<Box<dyn Source>, ConnectorError> {
        let mut files = Vec::new();
        for (index, path) in self.paths.iter().enumerate().filter(|(index, _)| index % of == subtask) {
            let partition = PartitionId(index as u32);
            let start = match from {
                StartFrom::Options => 0,
                StartFrom::Positions(positions) => {
                    let split = split(path, partition);
                    positions.iter().find(|of| of.split == split).map_or(0, |of| of.offset.0)
                }
            };
            files.push(OpenFile::open(path, partition, start)?);
        }

        Ok(Box::new(FileSource {
            files,
            turn: 0,
            decoder: Decoder::new(requests, self.json),
            // A line also holds the key, which a log keeps beside the record.
            envelope: match self.envelope {
                Envelope::Upsert => Envelope::UpsertLine,
                envelope => envelope,
            },
            metadata: MetadataColumns::new(requests),
            topic: self.topic.clone(),
        }))
    }
}

struct FileSource {
    files: Vec<OpenFile>,
    /// The file to read next. Files take turns, so that their event times advance together.
    turn: usize,
    decoder: Decoder,
    envelope: Envelope,
    metadata: MetadataColumns,
    topic: String,
}

struct OpenFile {
    path: PathBuf,
    partition: PartitionId,
    file: File,
    /// `data[start..end]` are bytes that were read but not yet decoded.
    data: Arc<Vec<u8>>,
    start: usize,
    end: usize,
    /// Offset in the file at which `data` begins.
    offset: u64,
    at_end: bool,
}

/// Number of bytes in one read.
const CHUNK: usize = 1 << 20;

impl Source for FileSource {
    fn poll(
        &mut self,
        batch: &mut Batch,
        max_rows: usize,
        _timeout: Duration,
    ) -> Result<Polled, ConnectorError> {
        // The last batch's bytes may be overwritten from here on.
        batch.origin.data = Arc::default();
        for _ in 0..self.files.len() {
            self.turn = (self.turn + 1) % self.files.len();
            let file = &mut self.files[self.turn];
            if file.has_line()? {
                file.decode((&mut self.decoder, self.envelope), batch, max_rows)?;
                if !self.metadata.is_empty() {
                    // A line has no time of its own, and no headers.
                    let of = Described {
                        topic: &self.topic,
                        partition: file.partition.0,
                        time_kind: None,
                        records: &[],
                        attributes: &[],
                        data: &[],
                    };
                    self.metadata.fill(batch, &of);
                }
                return Ok(Polled::Batch { behind: true });
            }
        }

        Ok(Polled::End)
    }

    fn take_waited(&mut self) -> Duration {
        Duration::ZERO
    }

    fn take_wrong_types(&mut self, each: &mut dyn FnMut(&str, u64)) {
        self.decoder.take_type_errors(each);
    }

    fn positions(&self) -> Vec<(PartitionId, Offset)> {
        self.files.iter().map(|file| (file.partition, Offset(file.offset + file.start as u64))).collect()
    }

    /// Returns nothing: a file that was read to its end reports this by ending.
    fn at_end(&self) -> Vec<PartitionId> {
        Vec::new()
    }

    fn partitions(&self) -> Vec<PartitionId> {
        self.files.iter().map(|file| file.partition).collect()
    }

    fn split(&self, partition: PartitionId) -> Split {
        let file = self.files.iter().find(|file| file.partition == partition);
        file.map_or_else(
            || Split { topic: String::new(), partition: partition.0 },
            |file| split(&file.path, partition),
        )
    }

    fn place(&self, partition: PartitionId, offset: Offset) -> String {
        place(Path::new(&self.split(partition).topic), offset)
    }
}

/// Describes a line by its number, or by its offset if the file cannot be read again.
fn place(path: &Path, offset: Offset) -> String {
    match lines_before(path, offset.0) {
        Ok(lines) => format!("line {} of {}", lines + 1, path.display()),
        Err(_) => format!("the line at byte {offset} of {}", path.display()),
    }
}

/// Returns the number of lines that end before an offset.
fn lines_before(path: &Path, offset: u64) -> std::io::Result<usize> {
    let mut before = File::open(path)?.take(offset);
    let mut buffer = vec![0; CHUNK];
    let mut lines = 0;
    loop {
        match before.read(&mut buffer)? {
            0 => return Ok(lines),
            read => lines += memchr::memchr_iter(b'\n', &buffer[..read]).count(),
        }
    }
}

fn split(path: &Path, partition: PartitionId) -> Split {
    Split { topic: path.display().to_string(), partition: partition.0 }
}

impl OpenFile {
    fn open(path: &PathBuf, partition: PartitionId, start: u64) -> Result<OpenFile, ConnectorError> {
        use std::io::Seek;
        let failed = |error| ConnectorError::external(format!("cannot open {}", path.display()), error);
        let mut file = File::open(path).map_err(failed)?;
        file.seek(std::io::SeekFrom::Start(start)).map_err(failed)?;
        Ok(OpenFile {
            path: path.clone(),
            partition,
            file,
            data: Arc::default(),
            start: 0,
            end: 0,
            offset: start,
            at_end: false,
        })
    }

    /// Reads until a whole line is available; returns false at the end of the file.
    fn has_line(&mut self) -> Result<bool, ConnectorError> {
        while !self.at_end && memchr::memchr(b'\n', &self.data[self.start..self.end]).is_none() {
            self.fill()?;
        }
        Ok(self.start < self.end)
    }

    fn fill(&mut self) -> Result<(), ConnectorError> {
        let rest = self.start..self.end;
        self.offset += self.start as u64;
        self.start = 0;
        self.end = rest.len();

        // Reuse the buffer unless the last batch's bytes are still in use. It only grows for a line longer
        // than the buffer, so that it rarely needs clearing.
        if Arc::get_mut(&mut self.data).is_none() {
            self.data = Arc::new(self.data[rest.clone()].to_vec());
        } else if let Some(data) = Arc::get_mut(&mut self.data) {
            data.copy_within(rest, 0);
        }

        let data = Arc::get_mut(&mut self.data).expect("held here alone");
        if data.len() < self.end + CHUNK / 2 {
            data.resize(self.end + CHUNK, 0);
        }
        let mut filled = self.end;

        while filled < data.len() {
            match self.file.read(&mut data[filled..]) {
                Ok(0) => {
                    self.at_end = true;
                    break;
                }
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(ConnectorError::external(
                        format!("cannot read {}", self.path.display()),
                        error,
                    ));
                }
            }
        }

        self.end = filled;
        Ok(())
    }

    fn decode(
        &mut self,
        (decoder, envelope): (&mut Decoder, Envelope),
        batch: &mut Batch,
        max_rows: usize,
    ) -> Result<(), ConnectorError> {
        let data = self.data.clone();
        let rest = &data[self.start..self.end];

        // Clearing a batch takes time in proportion to its rows, so their number is estimated from the first
        // line's length.
        let first = memchr::memchr(b'\n', rest).unwrap_or(rest.len()) + 1;
        decoder.begin(batch, max_rows.min(rest.len() / first + 8));
        batch.origin.partition = Some(self.partition);
        batch.origin.data = data.clone();

        let mut lines = 0;
        while lines < max_rows && self.start < self.end {
            let line = &data[self.start..self.end];
            let (length, step) = match memchr::memchr(b'\n', line) {
                Some(end) => (end, end + 1),
                None if self.at_end => (line.len(), line.len()),
                None => break,
            };
            let body = line[..length].strip_suffix(b"\r").unwrap_or(&line[..length]);
            let span = RecordSpan {
                offset: Offset(self.offset + self.start as u64),
                appended: Timestamp(0),
                start: self.start as u32,
                end: (self.start + body.len()) as u32,
            };
            self.start += step;
            lines += 1;

            // A blank line, usually the last one, is no record.
            if !body.is_empty() {
                envelope
                    .add(decoder, batch, body, span)
                    .map_err(|error| undecodable(&place(&self.path, span.offset), error))?;
            }
        }

        decoder.finish(batch).map_err(|(span, error)| undecodable(&place(&self.path, span.offset), error))
    }
}
