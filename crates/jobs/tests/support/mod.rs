//! Support for tests of local runs, in which a script reads files of JSON lines.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use jobs::{LocalInput, LocalRun, LocalSummary};
use parking_lot::Mutex;
use types::{ManualClock, Timestamp};

/// An output whose contents can be read by the test.
#[derive(Clone, Default)]
pub struct Sheet(Arc<Mutex<Vec<u8>>>);

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs a script over files to their end. Returns what it wrote, and the summary.
pub fn run(
    script: &str,
    inputs: &[(&str, &[&Path])],
    parallelism: u32,
    batch_rows: usize,
) -> (String, LocalSummary) {
    let plan = sql::compile(script, &|_| None).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let sheet = Sheet::default();
    let inputs = inputs.iter().map(|(table, paths)| LocalInput {
        table: (*table).to_owned(),
        paths: paths.iter().map(|path| path.to_path_buf()).collect(),
    });
    let run = LocalRun {
        plan,
        inputs: inputs.collect(),
        output: Box::new(sheet.clone()),
        changelog: false,
        parallelism,
        batch_rows,
        clock: Arc::new(ManualClock::at(Timestamp(1_765_281_600_000))),
    };
    let summary = run.start().expect("the run starts").join().expect("the run ends");
    let text = String::from_utf8(sheet.0.lock().clone()).expect("results are UTF-8");
    (text, summary)
}
