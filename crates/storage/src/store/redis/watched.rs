//! The rows of other writers that followers want to know of, besides those under the store's own prefix.

use std::collections::BTreeSet;

use parking_lot::Mutex;

use super::Shared;
use super::keys::{Fetched, fetch, fetch_readable};
use super::link::Link;
use crate::store::key::covering;
use crate::store::{Interest, StoreError};

/// What followers watch, and the channels on which messages about it are received.
#[derive(Debug, Default)]
pub(super) struct Watched {
    interests: Mutex<Vec<Interest>>,
    /// The prefixes of the interests, none of which begins with another.
    prefixes: Mutex<Vec<String>>,
    subscribed: Mutex<BTreeSet<String>>,
}

impl Watched {
    pub fn set(&self, interests: Vec<Interest>) {
        let prefixes = covering(interests.iter().map(|interest| interest.prefix.as_str()));
        *self.prefixes.lock() = prefixes;
        *self.interests.lock() = interests;
    }

    /// Returns whether rows are watched that are not under the store's own prefix.
    pub fn are_others(&self, own: &str) -> bool {
        self.prefixes.lock().iter().any(|prefix| !prefix.starts_with(own))
    }

    /// Returns the channels that have to be subscribed to, besides the store's own.
    pub fn to_subscribe(&self, own: &str) -> Vec<String> {
        let interests = self.interests.lock();
        let subscribed = self.subscribed.lock();
        let channels: BTreeSet<&String> = interests.iter().map(|interest| &interest.channel).collect();
        let is_new =
            |channel: &&String| !channel.is_empty() && *channel != own && !subscribed.contains(*channel);
        channels.into_iter().filter(is_new).cloned().collect()
    }

    pub fn subscribed(&self, channel: String) {
        self.subscribed.lock().insert(channel);
    }

    /// Called for a new connection.
    pub fn forget_subscriptions(&self) {
        self.subscribed.lock().clear();
    }
}

impl Shared {
    /// Returns whether messages on a channel are received.
    pub fn listens_to(&self, channel: &str) -> bool {
        channel == self.options.channel || self.watched.subscribed.lock().contains(channel)
    }

    /// Returns all prefixes of rows that others may write.
    pub fn prefixes(&self) -> Vec<String> {
        let own = &self.options.prefix;
        let others = self.watched.prefixes.lock();
        let others = others.iter().filter(|prefix| !prefix.starts_with(own.as_str())).cloned();
        std::iter::once(own.clone()).chain(others).collect()
    }

    /// Fetches rows of other writers. The user need not have the right to read rows that are not under the
    /// store's own prefix; these are then left out.
    pub fn fetch_watched(&self, link: &mut Link, keys: Vec<String>) -> Result<Fetched, StoreError> {
        let (own, others): (Vec<String>, Vec<String>) =
            keys.into_iter().partition(|key| key.starts_with(self.options.prefix.as_str()));
        let now = self.clock.now();

        let entries = fetch(link, &own, now)?;
        let mut fetched = fetch_readable(link, &others, now)?;
        if let Some(key) = fetched.unreadable.first() {
            let keys = fetched.unreadable.len();
            tracing::debug!(key, keys, "rows of other writers may not be read");
        }
        fetched.entries.extend(entries);
        Ok(fetched)
    }

    pub fn is_watched(&self, key: &str) -> bool {
        self.prefixes().iter().any(|prefix| key.starts_with(prefix.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_is_subscribed_to_once_a_connection() {
        let watched = Watched::default();
        let interest = |channel: &str| Interest { prefix: "p".to_owned(), channel: channel.to_owned() };
        watched.set(vec![interest("b"), interest(""), interest("own"), interest("a"), interest("b")]);
        assert_eq!(watched.to_subscribe("own"), ["a", "b"]);
        watched.subscribed("a".to_owned());
        assert_eq!(watched.to_subscribe("own"), ["b"]);
        watched.forget_subscriptions();
        assert_eq!(watched.to_subscribe("own"), ["a", "b"]);
    }
}
