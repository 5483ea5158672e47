//! Made-up input for whatever reads what strangers send: scripts, records, times, requests.
//!
//! Each file in `tests/` holds a target or two. `cargo test -p fuzz` gives each a few seconds of random input, or
//! `FUZZ_SECONDS`.

use std::time::Duration;

/// How long a target runs.
pub fn time() -> Duration {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(3))
}

/// A change to a text: where, how, and with what.
pub type Edit = (u16, u8, u8);

/// Applies edits to a text that is right: random bytes alone would never get past the first brace.
pub fn edited(text: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut text = text.to_vec();
    for &(place, kind, byte) in edits {
        let at = usize::from(place) % (text.len() + 1);
        let length = usize::from(byte) % 16;
        let end = (at + length).min(text.len());
        match kind % 6 {
            0 if at < text.len() => text[at] = byte,
            1 => text.insert(at, byte),
            2 => drop(text.drain(at..end)),
            3 => text.truncate(at),
            // A piece again, where it was and where it was not.
            4 => {
                let piece = text[at..end].to_vec();
                text.splice(at..at, piece);
            }
            _ => {
                let piece = text[at..end].to_vec();
                text.extend_from_slice(&piece);
            }
        }
    }
    text
}
