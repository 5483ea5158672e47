//! The live feed: a snapshot when a client connects, then the newest state of whatever changes.
//!
//! Every frame is encoded once, header included, and all clients share its bytes. There is no queue per
//! client. A client only knows the round up to which it was served, and gets the newest frame of each
//! analytic that changed since. For a time series it gets the points that changed (`series`). A client that
//! takes nothing for long is closed. The status of store, log and jobs is sent in the same way.
//!
//! The snapshot waits until all rows of the store are loaded, because before that it would be empty. Until
//! then a client is told that the results are being loaded.

mod client;
pub(crate) mod connection;
pub(crate) mod frame;
pub(crate) mod handshake;
pub(crate) mod message;
mod series;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::analytics::{Analytics, Kind, Points, merge};
use crate::metrics::Metrics;
use crate::shutdown::Alive;
pub(crate) use handshake::connect;
use message::{FeedStatus, Standing};
use series::RecentPoints;

/// Limit of the bytes per second of one analytic for a client: changes of long time series are merged for
/// longer.
const BYTES_PER_SECOND: f64 = 1e6;
/// Maximum time for which changes are merged.
const MERGE_MAX: Duration = Duration::from_secs(5);

/// The feed.
pub(crate) struct Feed {
    analytics: Arc<Analytics>,
    rounds: RwLock<Rounds>,
    /// Notifies the clients of a new round.
    published: watch::Sender<u64>,
    initial: Mutex<Option<Initial>>,
    status: RwLock<FeedStatus>,
    metrics: Arc<Metrics>,
    stall: Duration,
    alive: Alive,
}

/// The published frames, newest state only.
#[derive(Default)]
struct Rounds {
    number: u64,
    /// All frames of the newest round in one piece: what nearly every client needs.
    newest: Bytes,
    /// By kind, then the status.
    frames: [Published; Kind::COUNT + 1],
    /// By kind; empty for kinds that are no time series.
    points: [RecentPoints; Kind::COUNT],
    /// Time of the oldest change in the newest round.
    changed: Option<Instant>,
}

/// The frame last published for an analytic.
#[derive(Clone, Default)]
struct Published {
    round: u64,
    frame: Bytes,
    /// Time of the change.
    time: Arc<str>,
    /// Time of the oldest change of a result in it.
    changed: Option<Instant>,
}

/// A frame to be published, and its index among the frames.
struct Made {
    place: usize,
    frame: Bytes,
    time: Arc<str>,
    points: Points,
    /// Time of the oldest change of a result in it.
    changed: Option<Instant>,
}

/// Index of the status among the frames.
const STATUS: usize = Kind::COUNT;

/// The frames that a client was not sent yet.
struct Missed {
    /// Oldest first.
    frames: Vec<Bytes>,
    /// The round up to which these frames serve the client.
    round: u64,
    /// Time of the oldest change in them.
    changed: Option<Instant>,
}

/// The missed part of an analytic, or of the status.
enum Part {
    Frame(Bytes),
    Points(Kind, Arc<str>, Points),
}

/// The snapshot, shared by clients that connect in the same second.
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
            status: RwLock::default(),
            metrics,
            stall,
            alive,
        })
    }

    /// Returns the signal for everything that must end with the server.
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
                        if let Some(new) = new {
                            merge(&mut pending[k], new);
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
                let Some(mark) = pending[k].take() else { continue };
                let since = changed[k].take();
                // Nobody listens. A client that connects later gets the state of that time.
                if self.published.receiver_count() == 0 {
                    continue;
                }
                let frame = self.update(kind, &mark.time, &mark.points);
                let pause = Duration::from_secs_f64(frame.len() as f64 / BYTES_PER_SECOND);
                not_before[k] = now + pause.clamp(interval, MERGE_MAX.max(interval));
                made.push(Made { place: k, frame, time: mark.time, points: mark.points, changed: since });
            }
            self.metrics.feed_updates.inc_by(made.len() as u64);
            self.publish_round(made);
        }
    }

    /// Publishes the status to all clients. Clients that connect later get it while it reports trouble.
    pub(crate) fn tell(&self, status: FeedStatus) {
        *self.status.write() = status;
        let frame = self.status().frame();
        let (time, points, changed) = (Arc::default(), Points::none(), None);
        self.publish_round(vec![Made { place: STATUS, frame, time, points, changed }]);
    }

    /// Returns the current status. Whether the rows are loaded is always up to date.
    fn status(&self) -> FeedStatus {
        let mut status = self.status.read().clone();
        status.results = match self.analytics.loaded() {
            true => Standing::default(),
            false => Standing::trouble(status.results.since, "the results are being loaded"),
        };
        status
    }

    fn update(&self, kind: Kind, time: &str, points: &Points) -> Bytes {
        let time = serde_json::Value::from(time);
        let (name, field) = (kind.name(), kind.feed_field());
        let mut json =
            format!(r#"{{"type":"update","analytics_type":"{name}","data":{{"{field}":"#).into_bytes();
        match kind.is_series() {
            true => self.analytics.write_points(kind, points, &mut json),
            false => self.analytics.write_data(kind, &mut json),
        }
        json.extend_from_slice(format!(r#"}},"timestamp":{time}}}"#).as_bytes());
        frame::text(&json)
    }

    fn publish_round(&self, made: Vec<Made>) {
        if made.is_empty() {
            return;
        }
        let newest = match &made[..] {
            [only] => only.frame.clone(),
            several => {
                let mut joined = BytesMut::with_capacity(several.iter().map(|made| made.frame.len()).sum());
                several.iter().for_each(|made| joined.extend_from_slice(&made.frame));
                joined.freeze()
            }
        };

        let mut rounds = self.rounds.write();
        rounds.number += 1;
        let round = rounds.number;
        rounds.newest = newest;
        rounds.changed = made.iter().filter_map(|made| made.changed).min();
        for Made { place, frame, time, points, changed } in made {
            if Kind::ALL.get(place).is_some_and(|kind| kind.is_series()) {
                rounds.points[place].add(round, &points);
            }
            rounds.frames[place] = Published { round, frame, time, changed };
        }
        drop(rounds);
        self.published.send_replace(round);
    }

    /// Returns the frames that a client served up to round `seen` has missed.
    fn since(&self, seen: u64) -> Missed {
        let rounds = self.rounds.read();
        let round = rounds.number;
        if round == seen {
            return Missed { frames: Vec::new(), round, changed: None };
        }
        if round == seen + 1 {
            return Missed { frames: vec![rounds.newest.clone()], round, changed: rounds.changed };
        }

        let mut missed: Vec<(u64, Part)> = Vec::new();
        let changed = rounds.frames.iter().filter(|of| of.round > seen).filter_map(|of| of.changed).min();
        for (place, published) in rounds.frames.iter().enumerate().filter(|(_, of)| of.round > seen) {
            // The newest frame of a series has the points of one round only.
            let what = match Kind::ALL.get(place) {
                Some(kind) if kind.is_series() => {
                    Part::Points(*kind, Arc::clone(&published.time), rounds.points[place].since(seen))
                }
                _ => Part::Frame(published.frame.clone()),
            };
            missed.push((published.round, what));
        }
        drop(rounds);

        missed.sort_by_key(|(round, _)| *round);
        let frames = missed.into_iter().map(|(_, what)| match what {
            Part::Frame(frame) => frame,
            Part::Points(kind, time, points) => self.update(kind, &time, &points),
        });
        Missed { frames: frames.collect(), round, changed }
    }

    /// Returns the first frames for a new client; while rows are being loaded, only the status.
    fn greeting(&self) -> Vec<Bytes> {
        if self.analytics.loaded() { self.welcome() } else { vec![self.status().frame()] }
    }

    /// Returns the snapshot, and the status if it reports trouble.
    fn welcome(&self) -> Vec<Bytes> {
        let status = self.status();
        let trouble = (!status.is_well()).then(|| status.frame());
        std::iter::once(self.initial()).chain(trouble).collect()
    }

    /// Returns the snapshot for a new client.
    fn initial(&self) -> Bytes {
        let mut initial = self.initial.lock();
        let (generation, second) = (self.analytics.changes.generation(), self.analytics.second());
        if let Some(made) = &*initial
            && (made.generation, made.second) == (generation, second)
        {
            return made.frame.clone();
        }

        let zone = serde_json::Value::from(self.analytics.zone_name());
        let mut json = format!(r#"{{"type":"initial","time_zone":{zone},"data":{{"#).into_bytes();
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
