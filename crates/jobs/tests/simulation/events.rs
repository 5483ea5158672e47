//! Events, and lines that are not events.

use std::fmt;

use crate::random::Random;

/// An event as the scripts read it.
#[derive(Clone, PartialEq)]
pub struct Event {
    pub id: u32,
    pub k: Option<&'static str>,
    pub g: Option<i64>,
    pub v: Option<i64>,
    pub w: Option<&'static str>,
    /// A multiple of 0.25, so that sums are exact in any order.
    pub d: Option<f64>,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// A line that is appended to a partition.
#[derive(Clone, PartialEq)]
pub enum Line {
    Event(Event),
    /// A line that no window can use, and the beginning of the reason in its dead letter.
    Bad {
        body: String,
        reason: &'static str,
        /// The event for queries without windows, if only its time is invalid.
        without_time: Option<Event>,
    },
}

const KEYS: [&str; 4] = ["a", "b", "Sinh viên", "c:d%"];
const WORDS: [&str; 5] = ["x", "y", "học phí", "", "a longer text that is no key"];

impl Event {
    pub fn draw(random: &mut Random, id: u32, at: i64) -> Event {
        let some = |random: &mut Random| !random.once_in(7);
        Event {
            id,
            k: some(random).then(|| *random.pick(&KEYS)),
            g: some(random).then(|| random.below(3) as i64),
            v: some(random).then(|| random.below(9) as i64),
            w: some(random).then(|| *random.pick(&WORDS)),
            d: some(random).then(|| random.below(400) as f64 / 4.0),
            at,
        }
    }

    pub fn name(&self) -> String {
        format!("e{}", self.id)
    }

    fn body(&self, id: Option<&str>, at: &str) -> String {
        serde_json::json!({
            "id": id, "k": self.k, "g": self.g, "v": self.v, "w": self.w, "d": self.d, "at": at
        })
        .to_string()
    }
}

impl Line {
    pub fn draw(random: &mut Random, id: u32, at: i64) -> Line {
        let event = Event::draw(random, id, at);
        // Without the error, every query would count the line.
        let (k, g, v, w) = (Some("a"), Some(1), Some(4), Some("y"));
        let usable = Event { k, g, v, w, ..event.clone() };
        let bad = |body: String, reason| Line::Bad { body, reason, without_time: None };
        match random.below(40) {
            0 => bad(usable.body(Some("no"), &iso(at))[..9].to_owned(), "malformed"),
            1 => bad(usable.body(None, &iso(at)), "missing id"),
            2 => {
                let body = usable.body(Some("no"), "yesterday");
                Line::Bad { body, reason: "bad timestamp", without_time: Some(usable) }
            }
            3 => bad(usable.body(Some("no"), "2199-01-01T00:00:00Z"), "future"),
            _ => Line::Event(event),
        }
    }

    pub fn body(&self) -> String {
        match self {
            Line::Event(event) => event.body(Some(&event.name()), &iso(event.at)),
            Line::Bad { body, .. } => body.clone(),
        }
    }
}

/// Formats a time as in events.
pub fn iso(at: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at).expect("a time of this century");
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Formats a time as in results.
pub fn wall(at: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(at).expect("a time of this century");
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.body())
    }
}
