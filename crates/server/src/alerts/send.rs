//! Sends the undelivered notifications of a rule, in order: a thread that exists while there are any.
//!
//! The thread waits between two attempts, at first a second and then twice as long each time. After 24 hours, it gives
//! the notification up and goes on with the next one.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::book::{Held, Slot};
use super::state::{Delivery, Notification, Outcome};
use super::watch::Alerts;
use super::webhook::Attempt;

/// Pauses between two attempts: the first, and the longest.
const PAUSE_MIN: Duration = if cfg!(test) { Duration::from_millis(10) } else { Duration::from_secs(1) };
const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);
/// Age from which on a notification is given up, when sending fails.
const GIVE_UP_AFTER_MS: i64 = 24 * 60 * 60 * 1_000;

/// Starts the thread of a rule that has undelivered notifications, unless it runs.
pub(super) fn ensure(alerts: &Arc<Alerts>, slot: &Arc<Slot>) {
    {
        let mut held = slot.held.lock();
        if held.is_sending || held.is_closed || held.state.undelivered.is_empty() {
            return;
        }
        held.is_sending = true;
    }

    let (of_alerts, of_slot) = (Arc::clone(alerts), Arc::clone(slot));
    let started =
        thread::Builder::new().name("alert-sender".to_owned()).spawn(move || run(&of_alerts, &of_slot));
    if let Err(error) = started {
        // The watcher tries again.
        tracing::error!(name = slot.name, %error, "the notifications of an alert wait: no thread could be started");
        slot.held.lock().is_sending = false;
    }
}

fn run(alerts: &Alerts, slot: &Slot) {
    let mut pause = PAUSE_MIN;
    let mut held = slot.held.lock();
    loop {
        let next = held.state.undelivered.front().filter(|_| !held.is_closed).cloned();
        let Some(notification) = next else {
            held.is_sending = false;
            return;
        };

        drop(held);
        let attempt = send(alerts, &slot.name, &notification);
        held = slot.held.lock();
        // A Weir that was started meanwhile, or nobody, is responsible for the state.
        if held.is_closed {
            return;
        }

        let (outcome, wait) = take(alerts, &mut held, notification, attempt);
        slot.save(&mut held);
        pause = match outcome {
            Outcome::Retrying => {
                slot.wake.wait_for(&mut held, rest(wait, pause));
                (pause * 2).min(PAUSE_MAX)
            }
            Outcome::Pending | Outcome::Delivered | Outcome::GivenUp => PAUSE_MIN,
        };
    }
}

/// Returns the time until the next attempt: as long as the receiver asks for, within limits.
fn rest(asked: Option<Duration>, pause: Duration) -> Duration {
    asked.unwrap_or(pause).clamp(PAUSE_MIN, PAUSE_MAX)
}

fn send(alerts: &Alerts, name: &str, notification: &Notification) -> Attempt {
    let document = alerts.rules.get(name);
    match document.as_ref().and_then(|document| document.rule.webhook.as_ref()) {
        Some(webhook) => alerts.webhooks.send(webhook, notification),
        None => Attempt::Refused { status: None, error: "the alert has no webhook any more".to_owned() },
    }
}

/// Applies an attempt to the state. Returns the outcome, and the pause that the receiver asks for.
fn take(
    alerts: &Alerts,
    held: &mut Held,
    notification: Notification,
    attempt: Attempt,
) -> (Outcome, Option<Duration>) {
    let (outcome, status, error, wait) = match attempt {
        Attempt::Delivered { status } => (Outcome::Delivered, Some(status), None, None),
        Attempt::Refused { status, error } => (Outcome::GivenUp, status, Some(error), None),
        Attempt::Failed { status, error, .. } if is_old(alerts, &notification) => {
            (Outcome::GivenUp, status, Some(format!("{error}, for 24 hours")), None)
        }
        Attempt::Failed { status, error, retry_after } => {
            (Outcome::Retrying, status, Some(error), retry_after)
        }
    };
    if let (Outcome::GivenUp, Some(error)) = (outcome, &error) {
        tracing::warn!(name = notification.alert, id = notification.id, error, "a notification was given up");
    }
    alerts.metrics.count_notification(outcome);

    let before = held.state.last_delivery.as_ref().filter(|last| last.id == notification.id);
    let attempts = before.map_or(0, |before| before.attempts) + 1;
    let at = Some(alerts.now());
    held.state.tell(Delivery { id: notification.id, outcome, attempts, at, status, error });
    (outcome, wait)
}

fn is_old(alerts: &Alerts, notification: &Notification) -> bool {
    let since: Option<jiff::Timestamp> = notification.at.parse().ok();
    since.is_none_or(|since| alerts.clock.now().0 - since.as_millisecond() >= GIVE_UP_AFTER_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_may_ask_for_a_pause_of_five_minutes_at_most() {
        let seconds = Duration::from_secs;
        assert_eq!(rest(None, seconds(8)), seconds(8));
        assert_eq!(rest(Some(seconds(7)), seconds(8)), seconds(7));
        assert_eq!(rest(Some(seconds(86_400)), seconds(8)), seconds(300));
        assert_eq!(rest(Some(seconds(0)), seconds(8)), PAUSE_MIN);
    }
}
