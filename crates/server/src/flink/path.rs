//! Normalizes a request's path as Flink's router does: percent escapes are decoded before the path is split,
//! and slashes at both ends are ignored. `//jobs/overview`, `/jobs/overview//` and `/jobs%2Foverview` are all
//! `/jobs/overview`.
//!
//! The routes and the guard both use the plain path, so that no spelling passes one and not the other.

use std::borrow::Cow;

/// Returns the path with one slash at its beginning and none at its end. Invalid escapes stay as they are.
pub(crate) fn plain_path(path: &str) -> Cow<'_, str> {
    let decoded = if path.contains('%') { Cow::Owned(decode(path)) } else { Cow::Borrowed(path) };
    let inner = decoded.trim_matches('/');
    if decoded.len() == inner.len() + 1 && decoded.starts_with('/') {
        decoded
    } else {
        format!("/{inner}").into()
    }
}

fn decode(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();

    while let [first, behind @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &rest[3..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }

    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_at_the_ends_and_escapes_make_no_difference() {
        for path in ["/jobs/ab", "//jobs/ab", "/jobs/ab/", "///jobs/ab//", "/jobs%2Fab", "/%6Aobs%2fab%2F"] {
            assert_eq!(plain_path(path), "/jobs/ab", "{path}");
        }
        for root in ["/", "//", "", "%2F"] {
            assert_eq!(plain_path(root), "/", "{root}");
        }
        for (path, expected) in [
            ("/jobs//ab", "/jobs//ab"),
            ("/jobs/%", "/jobs/%"),
            ("/jobs/%zz%4", "/jobs/%zz%4"),
            ("/jobs/%ff", "/jobs/\u{fffd}"),
            ("/jobs/%252F", "/jobs/%2F"),
            ("/jobs/%C4%91", "/jobs/đ"),
        ] {
            assert_eq!(plain_path(path), expected, "{path}");
        }
    }
}
