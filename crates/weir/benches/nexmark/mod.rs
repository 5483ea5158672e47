//! Generates the events of the Nexmark benchmark: people open auctions, and people bid.
//!
//! Of fifty events the first is a person, the next three are auctions, and the other forty-six are bids. Ids
//! count up. Half of the bids go to a hot auction and half come from a hot bidder; the others are spread over
//! the newest hundred. The same number always gives the same event.

use serde_json::{Value, json};

/// Events per second of event time.
const EVENTS_A_SECOND: u64 = 2_000;
const FIRST_ID: u64 = 1_000;
/// Number of the newest people and auctions that take part.
const ACTIVE: u64 = 100;
/// One of this many ids is hot.
const HOT: u64 = 20;

const PEOPLE: u64 = 1;
const AUCTIONS: u64 = 3;
const ROUND: u64 = 50;

const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];
const CITIES: [&str; 6] = ["Phoenix", "Los Angeles", "Boise", "Portland", "Seattle", "Cheyenne"];
const NAMES: [&str; 7] = [
    "Vicky Noris",
    "Kate Smith",
    "Julie Jones",
    "Sarah White",
    "Deiter Shultz",
    "Luke Abrams",
    "Saul Bartels",
];
const CHANNELS: [&str; 4] = ["Google", "Facebook", "Baidu", "Apple"];

/// Returns the event with a number.
pub fn event(number: u64) -> Value {
    let mut random = fastrand::Rng::with_seed(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let (round, place) = (number / ROUND, number % ROUND);
    let millis = number * 1_000 / EVENTS_A_SECOND;
    // People and auctions that exist by now.
    let (people, auctions) = (round * PEOPLE + 1, round * AUCTIONS + place.min(AUCTIONS));

    match place {
        0 => {
            json!({ "event_type": 0, "person": person(&mut random, people - 1, millis), "auction": null, "bid": null })
        }
        1..=AUCTIONS => {
            let auction = auction(&mut random, auctions - 1, people, millis);
            json!({ "event_type": 1, "person": null, "auction": auction, "bid": null })
        }
        _ => {
            let bid = bid(&mut random, auctions, people, millis);
            json!({ "event_type": 2, "person": null, "auction": null, "bid": bid })
        }
    }
}

fn person(random: &mut fastrand::Rng, number: u64, millis: u64) -> Value {
    let place = random.usize(..STATES.len());
    let name = NAMES[random.usize(..NAMES.len())];
    json!({
        "id": FIRST_ID + number,
        "name": name,
        "emailAddress": format!("{}@example.com", letters(random, 12)),
        "creditCard": format!("{:04} {:04} {:04} {:04}", random.u32(..10_000), random.u32(..10_000), random.u32(..10_000), random.u32(..10_000)),
        "city": CITIES[place],
        "state": STATES[place],
        "dateTime": time(millis),
        "extra": letters(random, 90),
    })
}

fn auction(random: &mut fastrand::Rng, number: u64, people: u64, millis: u64) -> Value {
    let initial = price(random);
    json!({
        "id": FIRST_ID + number,
        "itemName": letters(random, 20),
        "description": letters(random, 100),
        "initialBid": initial,
        "reserve": initial + price(random),
        "dateTime": time(millis),
        "expires": time(millis + random.u64(2_000..20_000)),
        "seller": FIRST_ID + chosen(random, people),
        "category": 10 + random.u64(..5),
        "extra": letters(random, 150),
    })
}

fn bid(random: &mut fastrand::Rng, auctions: u64, people: u64, millis: u64) -> Value {
    // Half of the bids come through one of four channels, the others through one of ten thousand.
    let (channel, id) = match random.bool() {
        true => (CHANNELS[random.usize(..CHANNELS.len())].to_owned(), None),
        false => {
            let number = random.u32(..10_000);
            (format!("channel-{number}"), Some(number))
        }
    };

    let id = id.map(|id| format!("&channel_id={id}")).unwrap_or_default();
    let url = format!(
        "https://www.nexmark.com/{}/{}/{}/item.htm?query=1{id}",
        letters(random, 5),
        letters(random, 5),
        letters(random, 5)
    );

    json!({
        "auction": FIRST_ID + chosen(random, auctions),
        "bidder": FIRST_ID + chosen(random, people),
        "price": price(random),
        "channel": channel,
        "url": url,
        "dateTime": time(millis),
        "extra": letters(random, 60),
    })
}

/// Returns an index below `count`: half of the time a hot one, otherwise one of the newest.
fn chosen(random: &mut fastrand::Rng, count: u64) -> u64 {
    let newest = count.max(1) - 1;
    match random.bool() {
        true => newest / HOT * HOT,
        false => newest - random.u64(..ACTIVE.min(newest + 1)),
    }
}

/// Returns a price from 100 to 100,000,000, with each power of ten equally likely.
fn price(random: &mut fastrand::Rng) -> u64 {
    10_f64.powf(random.f64() * 6.0 + 2.0) as u64
}

fn letters(random: &mut fastrand::Rng, count: usize) -> String {
    std::iter::repeat_with(|| random.lowercase()).take(count).collect()
}

fn time(millis: u64) -> String {
    let start = jiff::civil::date(2025, 12, 9).at(8, 0, 0, 0);
    let moment = start + jiff::SignedDuration::from_millis(millis as i64);
    moment.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}
