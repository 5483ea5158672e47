//! The watchman: checks every second whether the store takes results, the log takes events, the rows are
//! loaded and the jobs work. Reports it to the feed's clients and the metrics.
//!
//! A dashboard must show whether its figures stand still because something is unreachable or a job has ended,
//! or because nobody asks questions.

use std::sync::Arc;
use std::time::Duration;

use storage::log::EventLog;
use types::{Clock, Timestamp, with_causes};

use crate::analytics::Analytics;
use crate::feed::Feed;
use crate::feed::message::{FeedStatus, Standing};
use crate::metrics::{Metrics, Service};
use crate::operation::Operations;
use crate::probe::Probe;
use crate::pulse::Pulse;

/// Interval of the checks.
const LOOK: Duration = Duration::from_secs(1);

/// The log and the store, each probed on a blocking thread, one question at a time.
pub(crate) struct Backing {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) topic: String,
    pub(crate) probe: Probe,
    pub(crate) analytics: Arc<Analytics>,
}

impl Backing {
    pub(crate) fn new(log: Arc<dyn EventLog>, topic: &str, analytics: Arc<Analytics>) -> Arc<Backing> {
        Arc::new(Backing { log, topic: topic.to_owned(), probe: Probe::default(), analytics })
    }

    /// Fails with the reason when the log does not answer or does not take events.
    pub(crate) async fn ask_log(&self) -> Result<(), String> {
        let (log, topic) = (Arc::clone(&self.log), self.topic.clone());
        let question = move || {
            log.ping().and_then(|()| log.partitions(&topic)).map(|_| ()).map_err(|error| with_causes(&error))
        };
        self.probe.ask(question).await
    }

    /// Fails with the reason when the store does not take results.
    pub(crate) async fn ask_store(&self) -> Result<(), String> {
        self.analytics.ask_store().await
    }
}

/// Outcome of one check.
enum Found {
    Well,
    /// The service works, with a warning.
    Remark(String),
    Trouble(String),
}

/// Checks until the server stops.
pub(crate) async fn watch(
    backing: Arc<Backing>,
    feed: Arc<Feed>,
    operations: Arc<dyn Operations>,
    metrics: Arc<Metrics>,
    pulse: Arc<Pulse>,
    clock: Arc<dyn Clock>,
) {
    let mut stop = feed.alive();
    let (mut store, mut log, mut jobs) = (Watched::default(), Watched::default(), Watched::default());
    let started = iso(clock.now());
    let mut told = FeedStatus::default();
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.stopped() => return,
            _ = looks.tick() => {}
        }
        let (of_store, of_log) = tokio::join!(backing.ask_store(), backing.ask_log());
        let of_store = match (of_store, backing.analytics.store.remark()) {
            (Err(why), _) => Found::Trouble(why),
            (Ok(()), Some(remark)) => Found::Remark(remark),
            (Ok(()), None) => Found::Well,
        };
        let of_log = of_log.map_or_else(Found::Trouble, |()| Found::Well);
        let now = clock.now();
        store.take(of_store, now);
        log.take(of_log, now);
        // A job does not come and go as a connection does, so its first trouble counts.
        jobs.take_at_once(operations.trouble().map_or(Found::Well, Found::Trouble), now);
        metrics.set_standing(Service::Store, &store.told, store.down(now));
        metrics.set_standing(Service::Log, &log.told, log.down(now));

        let results = match backing.analytics.loaded() {
            true => Standing::default(),
            false => Standing::trouble(Some(started.clone()), "the results are being loaded"),
        };
        let status = FeedStatus {
            store: store.told.clone(),
            log: log.told.clone(),
            results,
            jobs: jobs.told.clone(),
            ..FeedStatus::default()
        };
        pulse.take(clock.elapsed(), operations.totals(), status.clone());
        if status != told {
            feed.tell(status.clone());
            told = status;
        }
    }
}

/// The state of a watched service.
#[derive(Default)]
struct Watched {
    told: Standing,
    /// Time of the first check in an unbroken series that found trouble.
    suspected: Option<Timestamp>,
}

impl Watched {
    /// Applies a check. The first one that finds trouble may be a hiccup and is not reported.
    fn take(&mut self, found: Found, now: Timestamp) {
        if matches!(found, Found::Trouble(_)) && self.suspected.is_none() {
            self.suspected = Some(now);
            return;
        }
        self.take_at_once(found, now);
    }

    /// Applies a check, and reports it.
    fn take_at_once(&mut self, found: Found, now: Timestamp) {
        let (ok, message, since) = match found {
            Found::Well => (true, None, now),
            Found::Remark(remark) => (true, Some(remark), now),
            Found::Trouble(why) => (false, Some(why), *self.suspected.get_or_insert(now)),
        };
        if ok {
            self.suspected = None;
        }
        let is_as_before = self.told.ok == ok && self.told.message.is_some() == message.is_some();
        let since =
            if is_as_before { self.told.since.clone() } else { message.is_some().then(|| iso(since)) };
        self.told = Standing { ok, since, message };
    }

    /// Returns how long the service has been in trouble.
    fn down(&self, now: Timestamp) -> Duration {
        let since = self.suspected.filter(|_| !self.told.ok);
        let ms = since.map_or(0, |since| now.0.saturating_sub(since.0));
        Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }
}

/// Formats a time in ISO 8601, UTC, to the second.
fn iso(time: Timestamp) -> String {
    jiff::Timestamp::from_second(time.0.div_euclid(1_000)).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_765_281_600_000;

    fn after(looks: impl IntoIterator<Item = Found>) -> Watched {
        let mut watched = Watched::default();
        for (second, found) in (0..).zip(looks) {
            watched.take(found, Timestamp(NOON + second * 1_000));
        }
        watched
    }

    fn away() -> Found {
        Found::Trouble("away".to_owned())
    }

    fn standing(ok: bool, since: &str, message: &str) -> Standing {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Standing { ok, since: some(since), message: some(message) }
    }

    #[test]
    fn trouble_is_told_when_it_lasts_and_from_where_it_began() {
        assert_eq!(after([away()]).told, Standing::default());
        assert_eq!(after([away(), Found::Well, away()]).told, Standing::default());
        let told = standing(false, "2025-12-09T12:00:01Z", "away");
        assert_eq!(after([Found::Well, away(), away(), away()]).told, told);
        assert_eq!(after([away(), away(), Found::Well]).told, Standing::default());
    }

    #[test]
    fn other_words_are_told_and_the_beginning_stays() {
        let other = || Found::Trouble("hangs".to_owned());
        let watched = after([away(), away(), other()]);
        assert_eq!(watched.told, standing(false, "2025-12-09T12:00:00Z", "hangs"));
        assert_eq!(watched.down(Timestamp(NOON + 9_000)), Duration::from_secs(9));
    }

    #[test]
    fn a_remark_is_no_trouble_and_has_a_beginning_of_its_own() {
        let remark = || Found::Remark("slow".to_owned());
        let watched = after([away(), away(), remark(), remark()]);
        assert_eq!(watched.told, standing(true, "2025-12-09T12:00:02Z", "slow"));
        assert_eq!(watched.down(Timestamp(NOON + 9_000)), Duration::ZERO);
    }
}
