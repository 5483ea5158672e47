//! Texts of tests with one marked place: `SELECT «bigg» FROM t` marks `bigg`, where a finding is expected.

use std::ops::Range;

/// A text without its marks, and the marked bytes.
pub struct Marked {
    pub text: String,
    pub place: Range<usize>,
}

impl Marked {
    /// Reads a text with one place in «…».
    pub fn read(marked: &str) -> Marked {
        let start = marked.find('«').expect("a case marks a place");
        let end = marked.find('»').expect("a case marks a place") - '«'.len_utf8();
        Marked { text: marked.replace(['«', '»'], ""), place: start..end }
    }
}
