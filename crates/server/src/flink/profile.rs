//! The flame graph of a vertex: on request, its threads are sampled a hundred times in a second.
//!
//! Each thread records its current activity (see `engine::activity`). No thread is stopped and no stack is
//! walked, so sampling costs the threads nothing. The frames are therefore those of Weir's own loops, and go
//! no deeper.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use engine::activity::Activity;
use engine::execution::Task;
use jobs::JobMaster;
use parking_lot::Mutex;
use types::{Clock, JobId, Timestamp};

use super::model::{Flame, FlameGraph};

/// Samples of one profile, and the time between two.
const LOOKS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(10);
/// Age above which a profile is renewed on request.
const FRESH: Duration = Duration::from_secs(5);
/// Limit of vertices whose profiles are kept.
const KEPT: usize = 64;

/// The samples to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    Full,
    /// The thread works.
    OnCpu,
    /// The thread waits.
    OffCpu,
}

/// Identifies a vertex of a job.
type Of = (JobId, String);

#[derive(Debug, Default)]
pub(super) struct Profiler(Mutex<BTreeMap<Of, Profile>>);

#[derive(Debug, Default)]
struct Profile {
    is_looking: bool,
    taken: Option<Taken>,
}

#[derive(Debug, Clone)]
struct Taken {
    at: Timestamp,
    elapsed: Duration,
    subtasks: Vec<Samples>,
}

/// The activities in which one thread was seen.
#[derive(Debug, Clone, Default)]
struct Samples {
    thread: String,
    subtask: usize,
    seen: BTreeMap<Activity, u64>,
    /// Samples in which a reading subtask waited for records.
    waiting: u64,
}

impl Profiler {
    /// Returns the newest profile of a running vertex. Begins another one if it is old.
    pub(super) fn ask(
        self: &Arc<Self>,
        job: &Arc<JobMaster>,
        vertex: &str,
        (share, subtask): (Share, Option<usize>),
        clock: &Arc<dyn Clock>,
    ) -> FlameGraph {
        let of = (job.id(), vertex.to_owned());
        let now = clock.elapsed();
        let mut profiles = self.0.lock();
        if profiles.len() >= KEPT && !profiles.contains_key(&of) {
            profiles.retain(|_, profile| profile.is_looking);
        }
        let has_room = profiles.len() < KEPT || profiles.contains_key(&of);
        if !has_room {
            return FlameGraph { end_timestamp: -1, data: None };
        }
        let profile = profiles.entry(of.clone()).or_default();
        let is_old = profile.taken.as_ref().is_none_or(|taken| now.saturating_sub(taken.elapsed) > FRESH);

        if is_old && !profile.is_looking {
            profile.is_looking = true;
            let (profiler, job, clock) = (Arc::clone(self), Arc::clone(job), Arc::clone(clock));
            tokio::spawn(async move {
                let subtasks = look(&job, &of.1).await;
                let taken = Taken { at: clock.now(), elapsed: clock.elapsed(), subtasks };
                if let Some(profile) = profiler.0.lock().get_mut(&of) {
                    *profile = Profile { is_looking: false, taken: Some(taken) };
                }
            });
        }

        match &profile.taken {
            Some(taken) => FlameGraph {
                end_timestamp: taken.at.0,
                data: Some(flame(
                    taken.subtasks.iter().filter(|of| subtask.is_none_or(|n| n == of.subtask)),
                    share,
                )),
            },
            None => FlameGraph { end_timestamp: -1, data: None },
        }
    }
}

/// Samples the threads of a vertex for about a second.
async fn look(job: &JobMaster, vertex: &str) -> Vec<Samples> {
    let (_, tasks) = job.tasks();
    let tasks: Vec<&Task> = tasks.iter().filter(|task| task.vertex == vertex).collect();
    let idle = |task: &Task| Duration::from_nanos(task.metrics.idle_ns.load(Ordering::Relaxed));
    let before: Vec<Duration> = tasks.iter().map(|task| idle(task)).collect();
    let thread = |task: &&Task| format!("{vertex} ({}/{})", task.subtask + 1, tasks.len());

    let mut samples: Vec<Samples> = tasks
        .iter()
        .map(|task| Samples { thread: thread(task), subtask: task.subtask, ..Samples::default() })
        .collect();

    let mut ticks = tokio::time::interval(PAUSE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);

    for _ in 0..LOOKS {
        ticks.tick().await;
        for (task, samples) in tasks.iter().zip(&mut samples) {
            *samples.seen.entry(task.metrics.activity()).or_default() += 1;
        }
    }

    for ((task, samples), before) in tasks.iter().zip(&mut samples).zip(before) {
        let waited = idle(task).saturating_sub(before);
        samples.settle(waited, PAUSE * LOOKS);
    }

    samples
}

impl Samples {
    /// Splits the samples of reading into waiting for records and decoding them, in proportion to their time.
    fn settle(&mut self, waited: Duration, looked: Duration) {
        let reading = self.seen.get(&Activity::Read).copied().unwrap_or(0);
        let all: u64 = self.seen.values().sum();
        let waiting = all as f64 * waited.as_secs_f64() / looked.as_secs_f64();
        self.waiting = (waiting.round() as u64).min(reading);
    }

    /// Returns the stacks below the thread, with the number of samples of each.
    fn stacks(&self, share: Share) -> Vec<(Vec<&str>, u64)> {
        let mut stacks = Vec::new();
        for (activity, &seen) in &self.seen {
            let frames = activity.frames();
            let (on, off) = match activity {
                Activity::Away => continue,
                Activity::Read => (seen - self.waiting, self.waiting),
                activity if activity.is_waiting() => (0, seen),
                _ => (seen, 0),
            };
            if share != Share::OffCpu && on > 0 {
                stacks.push((frames.to_vec(), on));
            }
            if share != Share::OnCpu && off > 0 {
                let wait = if activity.is_waiting() { "wait" } else { "wait for records" };
                stacks.push(([frames, &[wait]].concat(), off));
            }
        }
        stacks
    }
}

fn flame<'a>(samples: impl Iterator<Item = &'a Samples>, share: Share) -> Flame {
    let mut root = Flame { name: "root".to_owned(), ..Flame::default() };
    for of in samples {
        for (frames, seen) in of.stacks(share) {
            root.value += seen;
            let mut at = &mut root;
            for name in std::iter::once(of.thread.as_str()).chain(frames) {
                at = child(at, name);
                at.value += seen;
            }
        }
    }
    root
}

fn child<'a>(flame: &'a mut Flame, name: &str) -> &'a mut Flame {
    let place = flame.children.iter().position(|child| child.name == name);
    let place = place.unwrap_or_else(|| {
        flame.children.push(Flame { name: name.to_owned(), ..Flame::default() });
        flame.children.len() - 1
    });
    &mut flame.children[place]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Samples {
        let seen = BTreeMap::from([(Activity::Read, 60), (Activity::Aggregate, 30), (Activity::Blocked, 10)]);
        let mut samples = Samples { thread: "t (1/1)".to_owned(), subtask: 0, seen, waiting: 0 };
        samples.settle(Duration::from_millis(400), Duration::from_secs(1));
        samples
    }

    #[test]
    fn every_sample_is_either_at_work_or_waits() {
        let samples = samples();
        let value = |share| flame(std::iter::once(&samples), share).value;
        assert_eq!((value(Share::Full), value(Share::OnCpu), value(Share::OffCpu)), (100, 50, 50));
    }

    #[test]
    fn a_frame_holds_what_its_children_hold() {
        fn check(flame: &Flame) {
            let below: u64 = flame.children.iter().map(|child| child.value).sum();
            assert!(below <= flame.value, "{flame:#?}");
            flame.children.iter().for_each(check);
        }
        let samples = samples();
        let flame = flame(std::iter::once(&samples), Share::Full);
        check(&flame);
        assert_eq!((flame.children.len(), flame.children[0].name.as_str()), (1, "t (1/1)"));
        assert_eq!(flame.children[0].value, 100);
    }
}
