//! Auctions and bids of a run of events, in columns by name.

use std::collections::HashMap;
use std::ops::Range;

use engine::column::{Coded, Column};
use types::{Repr, Scalar};

use crate::mix;

const EVENTS_A_SECOND: u64 = 2_000;
const FIRST_ID: u64 = 1_000;
/// The number of the newest people and auctions that take part.
const ACTIVE: u64 = 100;
/// One in this many ids is hot.
const HOT: u64 = 20;

/// Of this many events the first is a person, the next three are auctions.
const ROUND: u64 = 50;
const AUCTIONS: u64 = 3;

const CHANNELS: [&str; 4] = ["Google", "Facebook", "Baidu", "Apple"];
const LETTERS: &str = "qwertyuiopasdfghjklzxcvbnmqwertyuiopasdfghjklzxcvbnmqwertyuiopasdfghjklzxcvbnm";

/// The columns of a table.
pub type Table = HashMap<&'static str, Column>;

/// The rows of some events.
pub struct Batch {
    auctions: (Table, usize),
    bids: (Table, usize),
    /// The time of the last event, in milliseconds.
    pub time: i64,
}

impl Batch {
    pub fn new(numbers: Range<u64>) -> Batch {
        let mut batch = Batch {
            auctions: (auction_columns(), 0),
            bids: (bid_columns(), 0),
            time: millis(numbers.end - 1),
        };
        for number in numbers {
            match number % ROUND {
                0 => {}
                1..=AUCTIONS => batch.add_auction(number),
                _ => batch.add_bid(number),
            }
        }
        batch
    }

    /// Returns the columns of a table and their number of rows.
    pub fn table(&self, name: &str) -> (&Table, usize) {
        let (table, rows) = if name == "bid" { &self.bids } else { &self.auctions };
        (table, *rows)
    }

    fn add_auction(&mut self, number: u64) {
        let mut random = Random(number);
        let (people, auctions) = there_are(number);
        let (table, rows) = &mut self.auctions;
        *rows += 1;

        push(table, "id", whole(FIRST_ID + auctions - 1));
        push(table, "itemName", Scalar::Text(random.letters(20)));
        push(table, "expires", Scalar::Int(millis(number) + 2_000 + random.below(18_000) as i64));
        push(table, "seller", whole(FIRST_ID + random.chosen(people)));
        push(table, "category", whole(10 + random.below(5)));
        push(table, "opened", Scalar::Int(millis(number)));
    }

    fn add_bid(&mut self, number: u64) {
        let mut random = Random(number);
        let (people, auctions) = there_are(number);
        let (table, rows) = &mut self.bids;
        *rows += 1;

        let price = 10_f64.powf(random.below(1 << 20) as f64 / f64::from(1 << 20) * 6.0 + 2.0) as u64;
        let channel = match random.below(2) {
            0 => CHANNELS[random.below(4) as usize].to_owned(),
            _ => format!("channel-{}", random.below(10_000)),
        };
        let url =
            format!("https://www.nexmark.com/{}/{}/item.htm?query=1", random.letters(11), random.letters(5));
        let minute = format!("08:{:02}", millis(number) / 60_000 % 60);

        push(table, "auction", whole(FIRST_ID + random.chosen(auctions)));
        push(table, "bidder", whole(FIRST_ID + random.chosen(people)));
        push(table, "price", whole(price));
        push(table, "channel", Scalar::Text(&channel));
        push(table, "url", Scalar::Text(&url));
        push(table, "at", Scalar::Int(millis(number)));
        push(table, "extra", Scalar::Text(random.letters(60)));
        push(table, "day", Scalar::Text("2025-12-09"));
        push(table, "minute", Scalar::Text(&minute));
        push(table, "low", Scalar::Bool(price < 10_000));
        push(table, "middle", Scalar::Bool((10_000..1_000_000).contains(&price)));
        push(table, "high", Scalar::Bool(price >= 1_000_000));
    }
}

fn auction_columns() -> Table {
    let whole = ["id", "expires", "seller", "category", "opened"].map(|name| (name, Column::new(Repr::Int)));
    whole.into_iter().chain([("itemName", Column::new(Repr::Text))]).collect()
}

fn bid_columns() -> Table {
    let whole = ["auction", "bidder", "price", "at"].map(|name| (name, Column::new(Repr::Int)));
    let texts = ["url", "extra"].map(|name| (name, Column::new(Repr::Text)));
    let flags = ["low", "middle", "high"].map(|name| (name, Column::new(Repr::Bool)));
    // Columns in GROUP BY come from a scan as codes.
    let coded = ["channel", "day", "minute"].map(|name| (name, Column::Coded(Coded::default())));
    whole.into_iter().chain(texts).chain(flags).chain(coded).collect()
}

fn push(table: &mut Table, name: &str, value: Scalar<'_>) {
    table.get_mut(name).expect("the column is there").push(value);
}

fn whole(value: u64) -> Scalar<'static> {
    Scalar::Int(value as i64)
}

fn millis(number: u64) -> i64 {
    (number * 1_000 / EVENTS_A_SECOND) as i64
}

/// Returns the number of people and auctions up to an event.
fn there_are(number: u64) -> (u64, u64) {
    let (round, place) = (number / ROUND, number % ROUND);
    (round + 1, round * AUCTIONS + place.min(AUCTIONS))
}

/// Numbers that depend only on the event.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5679);
        mix(self.0) % limit
    }

    /// Picks one of `count`: a hot one half of the time, else one of the newest.
    fn chosen(&mut self, count: u64) -> u64 {
        let newest = count.max(1) - 1;
        match self.below(2) {
            0 => newest / HOT * HOT,
            _ => newest - self.below(ACTIVE.min(newest + 1)),
        }
    }

    fn letters(&mut self, count: usize) -> &'static str {
        let start = self.below((LETTERS.len() - count) as u64) as usize;
        &LETTERS[start..start + count]
    }
}
