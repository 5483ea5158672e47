//! All alerts, and the thread that evaluates them once a second.
//!
//! The thread rests after each pass at least as long as the pass took, so that many rules over large tables take half a
//! processor at most.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use types::Clock;

use super::book::{Book, Held, Slot, Verdict};
use super::document::Document;
use super::evaluate::{DISABLED, Transition, end, evaluate};
use super::refusal::Refusal;
use super::send;
use super::state::{Notification, Outcome};
use super::store::{Put, Rules};
use super::webhook::{Attempt, Webhooks};
use crate::documents::{Condition, is_name};
use crate::error::Error;
use crate::metrics::Metrics;
use crate::options::DocumentPlaces;
use crate::results::{Results, Series, SeriesAnswer, Stamp};

/// Time between two evaluations of a rule.
const EVERY: Duration = if cfg!(test) { Duration::from_millis(10) } else { Duration::from_secs(1) };
/// Time that a shutdown waits for the thread.
const STOP_WITHIN: Duration = Duration::from_secs(2);
/// Directory of the states, in the directory of saved rules.
const STATES: &str = "state";

/// All rules with their states.
pub(crate) struct Alerts {
    pub(super) rules: Rules,
    pub(super) book: Book,
    pub(super) webhooks: Webhooks,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: Arc<dyn Clock>,
    results: Arc<Results>,
}

impl Alerts {
    /// Reads all rules and their states.
    pub(crate) fn open(
        places: &DocumentPlaces,
        results: Arc<Results>,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Alerts> {
        Alerts::sending(Webhooks::default(), places, results, metrics, clock)
    }

    pub(super) fn sending(
        webhooks: Webhooks,
        places: &DocumentPlaces,
        results: Arc<Results>,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Alerts> {
        let book = Book::new(places.saved.as_deref().map(|saved: &Path| saved.join(STATES)));
        let alerts = Alerts { rules: Rules::open(places), book, webhooks, metrics, clock, results };
        alerts.rules.all().keys().for_each(|name| alerts.measure(name));
        Arc::new(alerts)
    }

    /// Returns the time in UTC, in milliseconds.
    pub(super) fn now(&self) -> String {
        jiff::Timestamp::from_millisecond(self.clock.now().0).unwrap_or_default().to_string()
    }

    /// Sets the metric of the series that fire.
    fn measure(&self, name: &str) {
        let firing = self.book.slot(name).held.lock().state.firing.len();
        self.metrics.set_firing(name, firing);
    }

    pub(super) fn put(
        &self,
        name: &str,
        text: &[u8],
        condition: Option<&Condition>,
    ) -> Result<(Put, Arc<Document>), Refusal> {
        // A file that was removed while Weir did not run may have left a state.
        if self.rules.get(name).is_none() && is_name(name) {
            self.book.remove(name).map_err(|error| Refusal::Disk { name: name.to_owned(), error })?;
        }
        let (put, document) = self.rules.put(name, text, condition)?;
        // The changed rule may be about other rows.
        self.book.slot(name).held.lock().state.settled.clear();
        self.measure(name);
        // A sender that waits tries the new address at once.
        self.book.wake(name);
        Ok((put, document))
    }

    /// Deletes a rule. Its state ends with it, unless a file of the same name counts from now on.
    pub(super) fn delete(&self, name: &str, condition: Option<&Condition>) -> Result<(), Refusal> {
        self.rules.delete(name, condition)?;
        if self.rules.get(name).is_some() {
            return Ok(());
        }
        self.metrics.forget_firing(name);
        self.book.remove(name).map_err(|error| Refusal::Disk { name: name.to_owned(), error })
    }

    /// Sends a test notification.
    pub(super) fn test(&self, name: &str) -> Result<Attempt, Refusal> {
        let document = self.rules.get(name).ok_or_else(|| Refusal::Unknown { name: name.to_owned() })?;
        let webhook = document.rule.webhook.as_ref();
        let webhook = webhook.ok_or_else(|| Refusal::NoWebhook { name: name.to_owned() })?;
        Ok(self.webhooks.send(webhook, &Notification::test(name, &document.rule, &self.now())))
    }

    /// Evaluates all rules.
    pub(super) fn look(self: &Arc<Alerts>) {
        let rules = self.rules.all();
        if rules.values().any(|document| document.rule.enabled) {
            self.results.keep_loaded();
        }
        for (name, document) in &rules {
            let slot = self.book.slot(name);
            self.look_at(&slot, document);
            slot.save_again(&mut slot.held.lock());
            send::ensure(self, &slot);
        }
    }

    fn look_at(&self, slot: &Slot, document: &Document) {
        let rule = &document.rule;
        if !rule.enabled {
            self.disable(slot, document);
            return;
        }

        let seen = slot.held.lock().seen.clone();
        let seen = seen.filter(|(tag, _)| *tag == document.tag).map(|(_, stamp)| stamp);
        let (stamp, series) = match self.results.newest_of_series(&rule.question(), seen) {
            SeriesAnswer::Loading | SeriesAnswer::Unchanged => return,
            SeriesAnswer::Mistake(mistake) => {
                let mut held = slot.held.lock();
                (held.verdict, held.had_table, held.seen) = (Verdict::Mistake(mistake), true, None);
                return;
            }
            SeriesAnswer::NoTable => (None, Vec::new()),
            SeriesAnswer::Read(stamp, series) => (Some(stamp), series),
        };
        self.apply(slot, document, stamp.map(|stamp| (document.tag.clone(), stamp)), &series);
    }

    fn apply(&self, slot: &Slot, document: &Document, seen: Option<(String, Stamp)>, series: &[Series]) {
        let (rule, at) = (&document.rule, self.now());
        let mut held = slot.held.lock();
        held.had_table |= seen.is_some();
        held.seen = seen;
        let has_rows = series.iter().any(|series| series.newest.is_some());
        held.verdict = if has_rows { Verdict::Data } else { Verdict::NoData };
        // After a restart, a job may declare its table again only after a while.
        if !held.had_table || self.is_over(slot, &held) {
            return;
        }
        let windows = rule.for_windows as usize;
        let state = &mut held.state;
        let judged = (&mut state.firing, &mut state.settled);
        let transitions = evaluate(&rule.bound(), windows, judged, series, &at);
        self.tell(slot, &mut held, document, transitions, &at);
    }

    fn disable(&self, slot: &Slot, document: &Document) {
        let mut held = slot.held.lock();
        if self.is_over(slot, &held) {
            return;
        }
        (held.verdict, held.seen) = (Verdict::NoData, None);
        let transitions = end(&mut held.state.firing, |_| true, DISABLED);
        self.tell(slot, &mut held, document, transitions, &self.now());
    }

    /// Returns whether Weir stops, or the rule was deleted after the evaluation had begun.
    fn is_over(&self, slot: &Slot, held: &Held) -> bool {
        held.is_closed || self.rules.get(&slot.name).is_none()
    }

    /// Notes transitions, and queues their notifications. The lock is held since the evaluation, so that the disk never
    /// has a series that fires without the transition.
    fn tell(
        &self,
        slot: &Slot,
        held: &mut Held,
        document: &Document,
        transitions: Vec<Transition>,
        at: &str,
    ) {
        if transitions.is_empty() {
            return;
        }
        for transition in transitions {
            let notification = Notification::new(&slot.name, &document.rule, transition, at);
            if held.state.add(notification, document.rule.webhook.is_some()) {
                self.metrics.count_notification(Outcome::GivenUp);
            }
        }
        slot.save(held);
        self.metrics.set_firing(&slot.name, held.state.firing.len());
    }
}

/// The thread that evaluates the rules. Dropping it ends the thread, and all sending.
pub(crate) struct Watcher {
    alerts: Arc<Alerts>,
    stop: Option<Sender<()>>,
    ended: Receiver<()>,
}

impl Watcher {
    pub(crate) fn start(alerts: Arc<Alerts>) -> Result<Watcher, Error> {
        let (stop, stopped) = crossbeam_channel::bounded::<()>(0);
        let (alive, ended) = crossbeam_channel::bounded(0);
        let watched = Arc::clone(&alerts);
        thread::Builder::new()
            .name("alerts".to_owned())
            .spawn(move || {
                let _alive: Sender<()> = alive;
                watch(&watched, &stopped);
            })
            .map_err(|source| Error::Thread { name: "the alerts", source })?;
        Ok(Watcher { alerts, stop: Some(stop), ended })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.alerts.book.close();
        let _ = self.ended.recv_timeout(STOP_WITHIN);
    }
}

fn watch(alerts: &Arc<Alerts>, stopped: &Receiver<()>) {
    let mut rest = EVERY;
    while stopped.recv_timeout(rest) == Err(RecvTimeoutError::Timeout) {
        let began = alerts.clock.elapsed();
        alerts.look();
        let took = alerts.clock.elapsed().saturating_sub(began);
        rest = EVERY.saturating_sub(took).max(took);
    }
}
