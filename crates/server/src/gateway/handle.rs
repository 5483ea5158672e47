//! Handles of sessions and operations: random UUIDs. Knowing a handle is all it takes to use the session or
//! operation.

use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Handle(u128);

impl Handle {
    /// Returns a new UUID of version 4.
    pub(super) fn new() -> Handle {
        const FIXED: u128 = 0xf000 << 64 | 0xc000 << 48;
        const VERSION: u128 = 0x4000 << 64 | 0x8000 << 48;
        Handle(jobs::random_id() & !FIXED | VERSION)
    }
}

/// Formats the handle as Java does: `8-4-4-4-12` hexadecimal digits.
impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        let (a, rest) = digits.split_at(8);
        let (b, rest) = rest.split_at(4);
        let (c, rest) = rest.split_at(4);
        let (d, e) = rest.split_at(4);
        write!(f, "{a}-{b}-{c}-{d}-{e}")
    }
}

/// The text is not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoHandle;

impl FromStr for Handle {
    type Err = NoHandle;

    fn from_str(text: &str) -> Result<Handle, NoHandle> {
        let parts: Vec<&str> = text.split('-').collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        let is_hex = parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if lengths != [8, 4, 4, 4, 12] || !is_hex {
            return Err(NoHandle);
        }
        u128::from_str_radix(&parts.concat(), 16).map(Handle).map_err(|_| NoHandle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_a_uuid_of_version_4() {
        let handle = Handle::new();
        let text = handle.to_string();
        assert_eq!(text.parse(), Ok(handle));
        assert_eq!(text.as_bytes()[14], b'4', "{text}");
        assert!(matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{text}");
        assert_ne!(Handle::new(), handle);
        for wrong in
            ["", "x", "0000", "00000000-0000-0000-0000-00000000000g", "+0000000-0000-0000-0000-000000000000"]
        {
            assert_eq!(wrong.parse::<Handle>(), Err(NoHandle), "{wrong}");
        }
    }
}
