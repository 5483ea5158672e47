//! Decides whether the texts of a column repeat, and so whether dictionary codes are worth their cost.
//!
//! A text that is new to the dictionary costs a hash, a search and a copy, and each function over it is
//! computed for it alone. That pays off when the text comes again. New texts are counted over windows of
//! texts. At the start of a stream most texts are new, even if there are only a hundred thousand distinct
//! ones, so several windows must agree before a column becomes plain:
//!
//! ```text
//! texts of the window       8,192   8,192   8,192   8,192   8,192   8,192
//! new to the dictionary     8,190   8,180  → plain after two: hardly any comes again
//! new to the dictionary     8,100   7,850   7,820   7,860   7,830   7,840 …  → plain after eight
//! new to the dictionary     7,870   7,250   6,680   6,150   5,670   5,220 → codes: a hundred thousand texts
//! ```

use crate::dictionary::NULL_CODE;

/// The number of texts of one judgement.
const WINDOW: usize = 8_192;

/// The number of consecutive windows with mostly new texts before the column becomes plain.
const WINDOWS: u8 = 8;

/// The weight of a window in which hardly any text came again. Among a hundred thousand distinct texts in any
/// order, an eighth of the second window comes again.
const HARDLY_ANY: u8 = 4;

/// The observations of a column.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Repetition {
    /// The number of texts in the current window, and how many of them were new.
    texts: usize,
    new: usize,
    /// The number of codes of the dictionary when it was last checked.
    known: usize,
    /// The number of consecutive windows that found most texts new.
    windows: u8,
}

impl Repetition {
    /// Counts the codes of a batch, after which the dictionary has `known` codes. Returns whether texts
    /// repeat too rarely.
    pub(super) fn is_rare_after(&mut self, codes: &[u32], known: usize) -> bool {
        self.texts += codes.iter().filter(|&&code| code != NULL_CODE).count();
        // A dictionary that was dropped in between has fewer.
        self.new += known.saturating_sub(self.known);
        self.known = known;

        if self.texts >= WINDOW {
            self.windows = match self.new {
                new if new * 32 > self.texts * 31 => self.windows.saturating_add(HARDLY_ANY),
                new if new * 4 > self.texts * 3 => self.windows.saturating_add(1),
                _ => 0,
            };
            (self.texts, self.new) = (0, 0);
        }
        self.windows >= WINDOWS
    }
}

#[cfg(test)]
mod tests {
    use types::Scalar;

    use crate::column::{Coded, Column};

    /// Returns whether the column is plain after this many batches of 1,000 rows with the texts of `text`.
    fn is_plain_after(batches: usize, text: impl Fn(usize) -> usize) -> bool {
        let mut column = Column::Coded(Coded::while_repeated());
        for batch in 0..batches {
            column.reset(1_000);
            for row in 0..1_000 {
                column.set(row, Scalar::Text(&format!("text {}", text(batch * 1_000 + row))));
            }
        }
        column.reset(1_000);
        matches!(column, Column::Text(_))
    }

    #[test]
    fn texts_that_never_repeat_become_plain_after_two_windows() {
        assert!(!is_plain_after(16, |n| n));
        assert!(is_plain_after(18, |n| n));
    }

    #[test]
    fn texts_that_seldom_repeat_become_plain_after_eight_windows() {
        // Every eighth text comes again.
        let text = |n: usize| if n.is_multiple_of(8) { n / 8 % 100 } else { 1_000 + n };
        assert!(!is_plain_after(60, text));
        assert!(is_plain_after(72, text));
    }

    #[test]
    fn a_hundred_thousand_texts_in_any_order_keep_their_codes() {
        let mut random = fastrand::Rng::with_seed(1);
        let texts: Vec<usize> = (0..100_000).map(|_| random.usize(..100_000)).collect();
        assert!(!is_plain_after(100, |n| texts[n]));
    }

    #[test]
    fn texts_that_repeat_keep_their_codes() {
        assert!(!is_plain_after(100, |n| n % 7_000));
    }

    #[test]
    fn every_other_text_may_be_new() {
        assert!(!is_plain_after(100, |n| if n % 2 == 0 { n } else { 1 }));
    }
}
