//! Checks the servers: the topology, whether they take rows, and whether they still have all rows.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::link::Link;
use super::slots::Topology;
use super::{Shared, info};
use crate::store::StoreError;

/// Interval between checks of the servers.
const CHECK: Duration = Duration::from_secs(1);
/// Checks between two checks for evictions.
const EVICTIONS: u64 = 5;
/// Checks without another move after which slots count as settled.
const REST: u64 = 3;

/// Checks the servers until told to stop: the topology, whether they take rows, and whether they still have
/// all rows that they were given.
pub(super) fn check(shared: &Shared, stopped: &Receiver<()>) {
    let mut link = Link::new(shared.servers.clone());
    let mut moved = Moved::default();
    for round in 0_u64.. {
        let began = shared.clock.elapsed();
        let found = check_once(shared, &mut link);
        let now = shared.clock.elapsed();
        shared.health.looked(&found, now);
        if matches!(found, Ok(0)) {
            shared.health.took(now.saturating_sub(began));
        }

        if moved.is_over(shared.servers.topology(), round) {
            // A concurrent scan may have missed rows that moved between servers.
            shared.writing.lock().followers.dismiss();
        }
        if round.is_multiple_of(EVICTIONS) {
            look_for_evictions(shared, &mut link);
        }
        if stopped.recv_timeout(CHECK) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

fn check_once(shared: &Shared, link: &mut Link) -> Result<u64, StoreError> {
    if shared.servers.can_change() {
        link.look_up()?;
    }
    shared.give_back(link)
}

fn look_for_evictions(shared: &Shared, link: &mut Link) {
    let Ok(topology) = link.topology() else { return };
    for shard in topology.shards() {
        let stats = link.ask(shard, redis::cmd("INFO").arg("stats"));
        // A server that does not tell, or is unreachable, is reported elsewhere.
        let evicted = stats.ok().and_then(|stats| info::text(stats, "evicted_keys")?.parse().ok());
        if let Some(evicted) = evicted {
            shared.health.evicted(&shard.name, evicted, shared.clock.elapsed());
        }
    }
}

/// Tells when a cluster has settled after slots have moved.
#[derive(Default)]
struct Moved {
    known: Option<Arc<Topology>>,
    /// The round in which slots were last seen to move.
    round: Option<u64>,
}

impl Moved {
    fn is_over(&mut self, topology: Option<Arc<Topology>>, round: u64) -> bool {
        let Some(topology) = topology else { return false };
        let before = self.known.replace(topology.clone());
        if before.is_some_and(|before| !before.is_like(&topology)) {
            self.round = Some(round);
        }
        let is_over = self.round.is_some_and(|moved| round >= moved + REST);
        if is_over {
            self.round = None;
        }
        is_over
    }
}
