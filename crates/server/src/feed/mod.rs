//! The live feed: a snapshot when a client connects, then the newest state of whatever changes.
//!
//! Every frame is made once, header included, and its bytes are shared by all clients. What a client has not been sent
//! yet is not queued: it only knows up to which round it was served, and is sent the newest frame of each analytic that
//! changed since. A client that takes nothing for long is closed. How store and log stand is told in the same way.

mod client;
mod frame;
pub(crate) mod handshake;
pub(crate) mod message;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::analytics::{Analytics, Kind};
use crate::metrics::Metrics;
use crate::shutdown::Alive;
pub(crate) use handshake::connect;
use message::FeedStatus;

/// What a client is sent a second of one analytic at most: long time series are merged for longer.
const BYTES_PER_SECOND: f64 = 1e6;
/// The longest time for which changes are merged.
const MERGE_MAX: Duration = Duration::from_secs(5);

/// The feed.
pub(crate) struct Feed {
    analytics: Arc<Analytics>,
    rounds: RwLock<Rounds>,
    /// Tells the clients that there is a new round.
    published: watch::Sender<u64>,
    initial: Mutex<Option<Initial>>,
    metrics: Arc<Metrics>,
    stall: Duration,
    alive: Alive,
}

/// What was published, newest state only.
#[derive(Default)]
struct Rounds {
    number: u64,
    /// All frames of the newest round in one piece: what nearly every client needs.
    newest: Bytes,
    /// By kind, and behind them the status.
    frames: [Published; Kind::COUNT + 1],
    /// When the oldest change in the newest round was made.
    changed: Option<Instant>,
    /// What is wrong, for whoever connects while it is.
    trouble: Option<Bytes>,
}

/// What was last published of a kind.
#[derive(Clone, Default)]
struct Published {
    round: u64,
    frame: Bytes,
    /// When the oldest change in it was made, of a result.
    changed: Option<Instant>,
}

/// What a client was not sent yet.
struct Missed {
    /// Oldest first.
    frames: Vec<Bytes>,
    /// The round up to which the client is served with them.
    round: u64,
    /// When the oldest change in them was made.
    changed: Option<Instant>,
}

/// Where the status lies among the frames.
const STATUS: usize = Kind::COUNT;

/// The snapshot that clients connecting in the same second share.
struct Initial {
    generation: u64,
    second: i64,
    frame: Bytes,
}

impl Feed {
    pub(crate) fn new(
        analytics: Arc<Analytics>,
        metrics: Arc<Metrics>,
        stall: Duration,
        alive: Alive,
    ) -> Arc<Feed> {
        Arc::new(Feed {
            analytics,
            rounds: RwLock::default(),
            published: watch::Sender::new(0),
            initial: Mutex::new(None),
            metrics,
            stall,
            alive,
        })
    }

    /// For whatever else must end with the server.
    pub(crate) fn alive(&self) -> Alive {
        self.alive.clone()
    }

    /// Publishes changes until the server stops.
    pub(crate) async fn publish(self: Arc<Feed>, interval: Duration) {
        let mut stop = self.alive.clone();
        let mut pending = crate::analytics::Marks::default();
        let mut not_before = [Instant::now(); Kind::COUNT];
        let mut changed = [None; Kind::COUNT];
        loop {
            let due = Kind::ALL
                .iter()
                .map(|k| k.index())
                .filter(|k| pending[*k].is_some())
                .map(|k| not_before[k])
                .min();
            tokio::select! {
                () = stop.stopped() => return,
                () = self.analytics.changes.notify.notified() => {
                    for (k, new) in self.analytics.changes.take().into_iter().enumerate() {
                        if new.is_some() {
                            pending[k] = new;
                            changed[k].get_or_insert_with(Instant::now);
                        }
                    }
                }
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
            let now = Instant::now();
            let mut made = Vec::new();
            for kind in Kind::ALL {
                let k = kind.index();
                if not_before[k] > now {
                    continue;
                }
                let Some(time) = pending[k].take() else { continue };
                let since = changed[k].take();
                // Nobody listens: whoever connects is sent the state as it will be then.
                if self.published.receiver_count() == 0 {
                    continue;
                }
                let frame = frame::text(&self.update(kind, &time));
                let pause = Duration::from_secs_f64(frame.len() as f64 / BYTES_PER_SECOND);
                not_before[k] = now + pause.clamp(interval, MERGE_MAX.max(interval));
                made.push((k, Published { frame, changed: since, ..Published::default() }));
            }
            self.metrics.feed_updates.inc_by(made.len() as u64);
            self.publish_round(made);
        }
    }

    /// Tells all clients, and those to come for as long as something is wrong.
    pub(crate) fn tell(&self, status: &FeedStatus) {
        let Ok(json) = serde_json::to_vec(status) else { return };
        let frame = frame::text(&json);
        self.rounds.write().trouble = (!status.is_well()).then(|| frame.clone());
        self.publish_round(vec![(STATUS, Published { frame, ..Published::default() })]);
    }

    fn update(&self, kind: Kind, time: &str) -> Vec<u8> {
        let time = serde_json::Value::from(time);
        let (name, field) = (kind.name(), kind.feed_field());
        let mut json =
            format!(r#"{{"type":"update","analytics_type":"{name}","data":{{"{field}":"#).into_bytes();
        self.analytics.write_data(kind, &mut json);
        json.extend_from_slice(format!(r#"}},"timestamp":{time}}}"#).as_bytes());
        json
    }

    fn publish_round(&self, made: Vec<(usize, Published)>) {
        if made.is_empty() {
            return;
        }
        let newest = match &made[..] {
            [(_, only)] => only.frame.clone(),
            several => {
                let mut joined = BytesMut::with_capacity(several.iter().map(|(_, of)| of.frame.len()).sum());
                several.iter().for_each(|(_, of)| joined.extend_from_slice(&of.frame));
                joined.freeze()
            }
        };
        let mut rounds = self.rounds.write();
        rounds.number += 1;
        let number = rounds.number;
        rounds.newest = newest;
        rounds.changed = made.iter().filter_map(|(_, of)| of.changed).min();
        for (place, of) in made {
            rounds.frames[place] = Published { round: number, ..of };
        }
        drop(rounds);
        self.published.send_replace(number);
    }

    /// What a client that was served up to round `seen` has missed.
    fn since(&self, seen: u64) -> Missed {
        let rounds = self.rounds.read();
        let round = rounds.number;
        if round == seen {
            return Missed { frames: Vec::new(), round, changed: None };
        }
        if round == seen + 1 {
            return Missed { frames: vec![rounds.newest.clone()], round, changed: rounds.changed };
        }

        let mut missed: Vec<&Published> = rounds.frames.iter().filter(|of| of.round > seen).collect();
        missed.sort_by_key(|of| of.round);
        let changed = missed.iter().filter_map(|of| of.changed).min();
        Missed { frames: missed.into_iter().map(|of| of.frame.clone()).collect(), round, changed }
    }

    /// What a new client is sent first.
    fn welcome(&self) -> Vec<Bytes> {
        let trouble = self.rounds.read().trouble.clone();
        std::iter::once(self.initial()).chain(trouble).collect()
    }

    /// The snapshot for a new client.
    fn initial(&self) -> Bytes {
        let mut initial = self.initial.lock();
        let (generation, second) = (self.analytics.changes.generation(), self.analytics.second());
        if let Some(made) = &*initial
            && (made.generation, made.second) == (generation, second)
        {
            return made.frame.clone();
        }
        let mut json = br#"{"type":"initial","data":{"#.to_vec();
        for kind in Kind::ALL.into_iter().filter(|kind| kind.in_initial()) {
            if json.last() != Some(&b'{') {
                json.push(b',');
            }
            json.extend_from_slice(format!(r#""{}":"#, kind.feed_field()).as_bytes());
            self.analytics.write_data(kind, &mut json);
        }
        json.extend_from_slice(b"}}");
        let frame = frame::text(&json);
        *initial = Some(Initial { generation, second, frame: frame.clone() });
        frame
    }
}
