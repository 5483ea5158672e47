//! The state of a rule as it is on disk: which series fire, the newest transitions, and the undelivered notifications.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use super::document::{Bound, Rule};
use super::evaluate::{FiringSeries, SeriesValues, Settled, TEST, Transition, TransitionState, key_of};

/// Transitions that are kept.
pub(super) const HISTORY_MAX: usize = 200;
/// Undelivered notifications of a rule. Beyond it, the oldest is given up.
pub(super) const UNDELIVERED_MAX: usize = 10_000;

/// A message to the receiver of a rule: the beginning or the end of the firing of a series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = AlertNotification)]
pub(crate) struct Notification {
    /// The same each time the notification is sent, and different from those of all others.
    pub(super) id: String,
    /// Name of the rule.
    pub(super) alert: String,
    pub(super) title: String,
    pub(super) state: TransitionState,
    pub(super) table: String,
    /// Values of the columns that tell series apart.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    pub(super) series: SeriesValues,
    /// Name of the column with the number.
    pub(super) number: String,
    #[schema(value_type = Option<f64>)]
    pub(super) value: Option<Number>,
    pub(super) bound: Bound,
    pub(super) window_start: Option<String>,
    pub(super) window_end: Option<String>,
    /// When Weir noticed the transition, in UTC.
    pub(super) at: String,
    /// `beyond the bound`, `within the bound`, `no rows`, `disabled` or `test`.
    pub(super) reason: String,
}

impl Notification {
    pub(super) fn new(alert: &str, rule: &Rule, transition: Transition, at: &str) -> Notification {
        Notification {
            state: transition.state,
            series: transition.series,
            value: Some(transition.value),
            window_start: transition.window_start,
            window_end: transition.window_end,
            reason: transition.reason.to_owned(),
            ..Notification::test(alert, rule, at)
        }
    }

    /// Returns a notification that tells only that notifications arrive.
    pub(super) fn test(alert: &str, rule: &Rule, at: &str) -> Notification {
        Notification {
            id: format!("{:032x}", jobs::random_id()),
            alert: alert.to_owned(),
            title: rule.title.clone(),
            state: TransitionState::Firing,
            table: rule.table.clone(),
            series: SeriesValues::new(),
            number: rule.number.clone(),
            value: None,
            bound: rule.bound(),
            window_start: None,
            window_end: None,
            at: at.to_owned(),
            reason: TEST.to_owned(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = AlertOutcome)]
pub(crate) enum Outcome {
    /// Not yet sent.
    Pending,
    Delivered,
    /// Sending has failed, and is tried again.
    Retrying,
    /// Sending has failed, and is not tried again.
    GivenUp,
}

/// What became of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = AlertDelivery)]
pub(crate) struct Delivery {
    /// The notification.
    pub(super) id: String,
    pub(super) outcome: Outcome,
    pub(super) attempts: u32,
    /// When it was last sent, in UTC.
    pub(super) at: Option<String>,
    /// Status of the receiver's answer.
    pub(super) status: Option<u16>,
    /// Why sending has failed.
    pub(super) error: Option<String>,
}

/// A transition, and what became of its notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = AlertTransition)]
pub(crate) struct Past {
    #[serde(flatten)]
    pub(super) notification: Notification,
    /// Null if the rule had no webhook.
    pub(super) delivery: Option<Delivery>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct AlertState {
    #[serde(with = "firing_list")]
    pub(super) firing: FiringSeries,
    pub(super) settled: Settled,
    /// Oldest first.
    pub(super) history: VecDeque<Past>,
    /// Oldest first.
    pub(super) undelivered: VecDeque<Notification>,
    pub(super) last_delivery: Option<Delivery>,
}

impl AlertState {
    /// Adds a transition. Returns whether an older notification was given up because there are too many.
    pub(super) fn add(&mut self, notification: Notification, has_receiver: bool) -> bool {
        let delivery = has_receiver.then(|| Delivery {
            id: notification.id.clone(),
            outcome: Outcome::Pending,
            attempts: 0,
            at: None,
            status: None,
            error: None,
        });
        if self.history.len() >= HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back(Past { notification: notification.clone(), delivery });
        if !has_receiver {
            return false;
        }

        let oldest = match self.undelivered.len() >= UNDELIVERED_MAX {
            true => self.undelivered.pop_front(),
            false => None,
        };
        self.undelivered.push_back(notification);
        let Some(oldest) = oldest else { return false };
        self.tell(Delivery {
            id: oldest.id,
            outcome: Outcome::GivenUp,
            attempts: 0,
            at: None,
            status: None,
            error: Some(format!("more than {UNDELIVERED_MAX} notifications are undelivered")),
        });
        true
    }

    /// Applies an outcome of the oldest undelivered notification.
    pub(super) fn tell(&mut self, delivery: Delivery) {
        let is_over = matches!(delivery.outcome, Outcome::Delivered | Outcome::GivenUp);
        if is_over && self.undelivered.front().is_some_and(|front| front.id == delivery.id) {
            self.undelivered.pop_front();
        }
        let past = self.history.iter_mut().find(|past| past.notification.id == delivery.id);
        if let Some(past) = past {
            past.delivery = Some(delivery.clone());
        }
        self.last_delivery = Some(delivery);
    }
}

/// The series that fire as a list, whose keys are computed.
mod firing_list {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::{FiringSeries, key_of};
    use crate::alerts::evaluate::Firing;

    pub(super) fn serialize<S: Serializer>(firing: &FiringSeries, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(firing.values())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<FiringSeries, D::Error> {
        let list = Vec::<Firing>::deserialize(deserializer)?;
        Ok(list.into_iter().map(|firing| (key_of(&firing.series), firing)).collect())
    }
}
