//! Writes events to a file, at full speed.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use types::Clock;

use super::super::terminal::complain;
use super::super::{Failure, Outcome};
use super::bar;
use crate::generate::{Events, Options};
use crate::shutdown::Shutdown;

/// Lines between updates of the progress bar and checks of the shutdown: about 700 KB.
const CHUNK: u64 = 1000;

pub(super) struct Job {
    /// `-` stands for stdout.
    pub(super) path: PathBuf,
    pub(super) count: u64,
    pub(super) start_us: i64,
    /// Events per second of event time.
    pub(super) events_per_second: f64,
}

pub(super) fn run(
    job: &Job,
    options: Options,
    clock: &dyn Clock,
    shutdown: &Shutdown,
) -> Result<Outcome, Failure> {
    let began = clock.elapsed();
    let doing = || format!("writing {}", job.path.display());

    let mut file: Box<dyn Write> = if job.path == Path::new("-") {
        Box::new(io::stdout().lock())
    } else {
        Box::new(File::create(&job.path).with_context(doing).map_err(Failure::failed)?)
    };

    let mut events = Events::new(options);
    let bar = bar(job.count);
    let mut chunk = Vec::with_capacity(1 << 20);
    let mut written = 0;

    while written < job.count && !shutdown.is_asked() {
        chunk.clear();
        let upto = (written + CHUNK).min(job.count);
        for number in written..upto {
            let offset_us = (number as f64 / job.events_per_second * 1e6) as i64;
            events.append(job.start_us.saturating_add(offset_us), &mut chunk);
        }
        file.write_all(&chunk).map_err(|error| Failure::writing(job.path.display(), error))?;
        written = upto;
        bar.set_position(written);
    }

    file.flush().map_err(|error| Failure::writing(job.path.display(), error))?;
    bar.finish_and_clear();
    let seconds = clock.elapsed().saturating_sub(began).as_secs_f64();
    complain(&format!("{written} events in {seconds:.1} s, {:.0} events/s", written as f64 / seconds));
    Ok(if written == job.count { Outcome::Done } else { Outcome::No })
}
