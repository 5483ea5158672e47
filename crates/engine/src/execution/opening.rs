//! Opens the sources of a pipeline: their starting positions, and their records of lateness.

use super::ExecutionError;
use super::options::Mode;
use super::spec::Shared;
use crate::batch::LeafRequest;
use crate::connector::{Source, Split, StartFrom, StartPosition};
use crate::lateness::LatenessRecorder;
use crate::watermark::{NO_WATERMARK, Watermarks};
use jiff::tz::TimeZone;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use types::{Interval, Offset, PartitionId};

impl Shared<'_> {
    /// Opens the sources of all subtasks. All partitions must be known before any subtask advances the
    /// watermark.
    pub(super) fn open(&self) -> Result<PipelineSources, ExecutionError> {
        let requests = self.layout.requests(self.pipeline);
        let options = &self.spec.options;
        let idle = (options.mode == Mode::Live).then(|| duration(options.idle_timeout)).flatten();
        let mut watermarks = Watermarks::new(idle);

        let from = match self.image {
            None => StartFrom::Options,
            Some(image) => {
                let positions = image.splits().map(|of| StartPosition {
                    split: of.split.clone(),
                    offset: Offset(of.offset),
                    topic_id: of.topic_id.clone(),
                });
                StartFrom::Positions(positions.collect())
            }
        };

        let mut sources: Vec<Box<dyn Source>> = Vec::new();
        for subtask in 0..self.parallelism as usize {
            let factory = &self.spec.sources[self.index];
            let source = factory.open(&requests, subtask, self.parallelism as usize, &from)?;
            watermarks.add(&source.partitions(), self.spec.clock.elapsed());
            sources.push(source);
        }

        if let Some(image) = self.image {
            let before: HashMap<&Split, i64> =
                image.splits().filter_map(|of| Some((&of.split, of.watermark?))).collect();
            let now = sources.iter().flat_map(|source| {
                source.partitions().into_iter().map(|partition| (partition, source.split(partition)))
            });
            let of: Vec<(PartitionId, i64)> =
                now.filter_map(|(partition, split)| Some((partition, *before.get(&split)?))).collect();
            watermarks.restore(image.watermark().unwrap_or(NO_WATERMARK), &of);
        }

        let sources: Vec<(Box<dyn Source>, LatenessRecorder)> = sources
            .into_iter()
            .map(|source| {
                let mut recorder = self.recorder();
                recorder.add(&*source, &source.partitions());
                for partition in source.partitions() {
                    watermarks.hold(partition, recorder.hold(partition, watermarks.partition(partition)));
                }
                (source, recorder)
            })
            .collect();
        let watermarks = Arc::new(Mutex::new(watermarks));
        Ok(PipelineSources { requests, sources: sources.into_iter(), watermarks })
    }

    /// Creates the recorder of lateness. Files have none: only their own order makes rows late, which is the
    /// same in every attempt.
    fn recorder(&self) -> LatenessRecorder {
        let of = self.spec.lateness.as_ref().filter(|_| self.spec.options.mode == Mode::Live);
        let log = of.map(|of| of.log.clone());
        let mut history = of.map(|of| of.history.clone()).unwrap_or_default();
        for split in self.image.into_iter().flat_map(|image| image.splits()) {
            history.add_image(&self.pipeline.source.name, split);
        }
        let lateness = self.spec.plan.settings.allowed_lateness;
        let zone = self.zone().filter(|zone| *zone != TimeZone::UTC);
        let grain = self.layout.lateness_grain(lateness, zone.is_some());
        LatenessRecorder::new(log, history, self.pipeline.source.name.clone(), grain)
    }
}

/// The sources of all subtasks of a pipeline.
pub(super) struct PipelineSources {
    pub requests: Vec<LeafRequest>,
    /// One source per subtask, with its recorder of lateness.
    pub sources: std::vec::IntoIter<(Box<dyn Source>, LatenessRecorder)>,
    pub watermarks: Arc<Mutex<Watermarks>>,
}

fn duration(interval: Interval) -> Option<Duration> {
    u64::try_from(interval.0).ok().filter(|&ms| ms > 0).map(Duration::from_millis)
}
