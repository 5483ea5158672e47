//! Values of settings with units, validated when they are read.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// A duration: a number and one of `ms`, `s`, `min`, `h`, `d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Length(pub(crate) Duration);

/// A size: a number and one of `B`, `KiB`, `MiB`, `GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Size(pub(crate) u64);

/// An amount of memory: a size, or `auto`, which depends on the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Memory {
    Auto,
    Fixed(Size),
}

/// A listening address: `host:port`. Names are resolved when the socket is opened.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Address(pub(crate) String);

/// A time zone by its IANA name or offset.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Zone(pub(crate) jiff::tz::TimeZone);

/// A property of a client: `name=value`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Minimum of memory that jobs need even without events.
const LEAST_MEMORY: u64 = 16 << 20;

/// Parses a number with its unit, and returns the product with the unit's factor.
fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = (text[..digits].parse::<u64>().ok()?, text[digits..].trim());
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(*factor)
}

impl TryFrom<String> for Length {
    type Error = String;

    fn try_from(text: String) -> Result<Length, String> {
        const UNITS: [(&str, u64); 5] =
            [("ms", 1), ("s", 1000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
        let ms = measure(&text, &UNITS);
        ms.map(|ms| Length(Duration::from_millis(ms))).ok_or_else(|| {
            format!("`{text}` is not a length of time such as `500 ms`, `10 s`, `5 min`, `1 h`, `30 d`")
        })
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Size, String> {
        const UNITS: [(&str, u64); 4] = [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
        measure(&text, &UNITS)
            .map(Size)
            .ok_or_else(|| format!("`{text}` is not a size such as `64 KiB`, `16 MiB`, `10 GiB`"))
    }
}

impl TryFrom<String> for Memory {
    type Error = String;

    fn try_from(text: String) -> Result<Memory, String> {
        if text.trim() == "auto" {
            return Ok(Memory::Auto);
        }
        match Size::try_from(text.clone()) {
            Ok(size) if size.0 >= LEAST_MEMORY => Ok(Memory::Fixed(size)),
            Ok(_) => Err(format!("`{text}` is too small: the minimum is 16 MiB")),
            Err(_) => Err(format!("`{text}` is neither `auto` nor a size such as `512 MiB`, `4 GiB`")),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Address, String> {
        match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && u16::from_str(port).is_ok() => Ok(Address(text)),
            _ => Err(format!("`{text}` is not an address such as `127.0.0.1:8000`")),
        }
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Zone, String> {
        match jiff::tz::TimeZone::get(&name) {
            Ok(zone) => Ok(Zone(zone)),
            Err(_) => Err(format!("`{name}` is not a time zone such as `UTC` or `Asia/Ho_Chi_Minh`")),
        }
    }
}

impl TryFrom<String> for Property {
    type Error = String;

    fn try_from(text: String) -> Result<Property, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                Ok(Property { name: name.trim().to_owned(), value: value.trim().to_owned() })
            }
            _ => Err(format!("`{text}` is not a property such as `security.protocol=SASL_SSL`")),
        }
    }
}

impl Size {
    /// Returns the size in bytes, for data in memory.
    pub(crate) fn in_memory(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_sizes_carry_their_unit() {
        let length = |text: &str| Length::try_from(text.to_owned()).map(|length| length.0.as_millis());
        assert_eq!(length("250ms"), Ok(250));
        assert_eq!(length(" 2 min "), Ok(120_000));
        assert_eq!(length("30 d"), Ok(2_592_000_000));
        let size = |text: &str| Size::try_from(text.to_owned()).map(|size| size.0);
        assert_eq!(size("16 MiB"), Ok(16 << 20));
        for wrong in
            ["", "7", "d", "-1 s", "1.5 h", "7 days", "99999999999999999999 s", "18446744073709551615 d"]
        {
            assert!(length(wrong).is_err(), "{wrong}");
        }
        assert!(size("10 GB").unwrap_err().contains("10 GiB"));
        let memory = |text: &str| Memory::try_from(text.to_owned());
        assert_eq!(memory("auto"), Ok(Memory::Auto));
        assert_eq!(memory("1 GiB"), Ok(Memory::Fixed(Size(1 << 30))));
        assert!(memory("1 MiB").unwrap_err().contains("too small") && memory("half").is_err());
    }

    #[test]
    fn an_address_has_a_host_and_a_port() {
        let address = |text: &str| Address::try_from(text.to_owned()).is_ok();
        assert!(address("127.0.0.1:8000") && address("[::1]:0") && address("localhost:80"));
        assert!(!address(":8000") && !address("8000") && !address("127.0.0.1:99999") && !address("host:"));
    }
}
