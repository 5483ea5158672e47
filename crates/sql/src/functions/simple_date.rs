//! Patterns of Java's old `SimpleDateFormat`, which Flink still uses for `UNIX_TIMESTAMP`, `FROM_UNIXTIME`,
//! `DATE_FORMAT` of text, `TO_DATE` with a pattern and `CONVERT_TZ`.
//!
//! Parsing is lenient: numbers have any width, month 13 is January, and text after the pattern is ignored. A
//! wall-clock time that occurs twice means the later instant, unlike everywhere else (see `zone`).

use jiff::tz::TimeZone;

use super::calendar::{
    DAY_MS, Date, HOUR_MS, MINUTE_MS, MONTHS, SECOND_MS, WEEKDAYS, day_number, week_of_year, weekday,
    write_padded,
};
use super::zone::{resolve_later, wall_ms};

pub(super) const DEFAULT: &str = "yyyy-MM-dd HH:mm:ss";

#[derive(Debug, Clone, PartialEq, Eq)]
enum SimpleDatePart {
    Literal(char),
    Letters(char, usize),
}

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SimpleDate {
    parts: Vec<SimpleDatePart>,
}

impl SimpleDate {
    /// Compiles a pattern. The error says what is wrong with it.
    pub(super) fn compile(pattern: &str) -> Result<SimpleDate, String> {
        let mut parts: Vec<SimpleDatePart> = Vec::new();
        let mut chars = pattern.chars().peekable();
        let mut quoted = false;

        while let Some(c) = chars.next() {
            match c {
                '\'' if chars.next_if_eq(&'\'').is_some() => parts.push(SimpleDatePart::Literal('\'')),
                '\'' => quoted = !quoted,
                c if quoted || !c.is_ascii_alphabetic() => parts.push(SimpleDatePart::Literal(c)),
                c if "GyYMLwWDdFEuaHkKhmsSzZX".contains(c) => match parts.last_mut() {
                    Some(SimpleDatePart::Letters(letter, count)) if *letter == c => *count += 1,
                    _ => parts.push(SimpleDatePart::Letters(c, 1)),
                },
                c => return Err(format!("Illegal pattern character '{c}'")),
            }
        }

        if quoted {
            return Err(format!("Unterminated quote in the date pattern '{pattern}'"));
        }
        Ok(SimpleDate { parts })
    }

    /// Writes the wall-clock time of an instant in a zone.
    pub(super) fn format(&self, instant_ms: i64, zone: &TimeZone, out: &mut String) {
        let wall = wall_ms(zone, instant_ms);
        for part in &self.parts {
            match part {
                SimpleDatePart::Literal(c) => out.push(*c),
                SimpleDatePart::Letters(letter, count) => {
                    write(*letter, *count, wall, wall.saturating_sub(instant_ms), out)
                }
            }
        }
    }

    /// Parses a text to an instant in a zone.
    pub(super) fn parse(&self, text: &str, zone: &TimeZone) -> Option<i64> {
        let mut fields = Fields::default();
        let mut at = 0;
        for (index, part) in self.parts.iter().enumerate() {
            match part {
                SimpleDatePart::Literal(c) => {
                    at += text[at..].starts_with(*c).then_some(c.len_utf8())?;
                }
                SimpleDatePart::Letters(letter, count) => {
                    let abuts = matches!(self.parts.get(index + 1), Some(SimpleDatePart::Letters(..)));
                    at = fields.read(*letter, *count, abuts, text, at)?;
                }
            }
        }
        let wall = fields.wall_ms();
        Some(match fields.offset_ms {
            Some(offset) => wall.saturating_sub(offset),
            None => resolve_later(zone, wall),
        })
    }
}

fn write(letter: char, count: usize, wall: i64, offset_ms: i64, out: &mut String) {
    let day = wall.div_euclid(DAY_MS);
    let date = Date::of_day(day);
    let ms = wall.rem_euclid(DAY_MS);
    let hour = ms / HOUR_MS;
    let year_of_era = if date.year > 0 { date.year } else { 1 - date.year };

    let name = |names: &'static [&'static str], index: i64| {
        let name = names.get(index as usize).copied().unwrap_or_default();
        if count >= 4 { name } else { name.get(..3).unwrap_or(name) }
    };

    let number = match letter {
        'G' => return out.push_str(if date.year > 0 { "AD" } else { "BC" }),
        'y' | 'Y' => {
            let year = if letter == 'y' { year_of_era } else { week_of_year(day, 6, 1).0 };
            let shown = if count == 2 { year % 100 } else { year };
            return write_padded(shown.unsigned_abs(), count, out);
        }
        'M' | 'L' if count >= 3 => return out.push_str(name(&MONTHS, date.month - 1)),
        'E' => return out.push_str(name(&WEEKDAYS, weekday(day))),
        'a' => return out.push_str(if hour < 12 { "AM" } else { "PM" }),
        'z' | 'Z' | 'X' => return write_zone(letter, count, offset_ms, out),
        'M' | 'L' => date.month,
        'w' => week_of_year(day, 6, 1).1,
        'W' => (date.day - 1 + (weekday(day - date.day + 1) + 1) % 7) / 7 + 1,
        'D' => date.day_of_year(),
        'd' => date.day,
        'F' => (date.day - 1) / 7 + 1,
        'u' => weekday(day) + 1,
        'H' => hour,
        'k' => (hour + 23) % 24 + 1,
        'K' => hour % 12,
        'h' => (hour + 11) % 12 + 1,
        'm' => ms / MINUTE_MS % 60,
        's' => ms / SECOND_MS % 60,
        _ => ms % SECOND_MS,
    };

    write_padded(number as u64, count, out);
}

fn write_zone(letter: char, count: usize, offset_ms: i64, out: &mut String) {
    let minutes = (offset_ms / MINUTE_MS).unsigned_abs();
    match (letter, offset_ms) {
        ('z', 0) => return out.push_str("UTC"),
        ('X', 0) => return out.push('Z'),
        ('z', _) => out.push_str("GMT"),
        _ => {}
    }
    out.push(if offset_ms < 0 { '-' } else { '+' });
    write_padded(minutes / 60, 2, out);
    if letter == 'X' && count == 1 {
        return;
    }
    if letter == 'z' || letter == 'X' && count >= 3 {
        out.push(':');
    }
    write_padded(minutes % 60, 2, out);
}

#[derive(Debug)]
struct Fields {
    year: i64,
    month: i64,
    day: i64,
    day_of_year: Option<i64>,
    hour: i64,
    half: i64,
    minute: i64,
    second: i64,
    ms: i64,
    offset_ms: Option<i64>,
}

impl Default for Fields {
    fn default() -> Fields {
        Fields {
            year: 1970,
            month: 1,
            day: 1,
            day_of_year: None,
            hour: 0,
            half: 0,
            minute: 0,
            second: 0,
            ms: 0,
            offset_ms: None,
        }
    }
}

impl Fields {
    /// Reads one field; returns the position behind it.
    fn read(&mut self, letter: char, count: usize, abuts: bool, text: &str, at: usize) -> Option<usize> {
        let at = at + text[at..].bytes().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let rest = &text[at..];

        let named = |names: &[&str]| {
            let find = |length: fn(&str) -> usize| {
                names.iter().position(|n| {
                    rest.get(..length(n)).is_some_and(|r| r.eq_ignore_ascii_case(&n[..length(n)]))
                })
            };
            let full = find(str::len).map(|i| (i as i64, names[i].len()));
            full.or_else(|| find(|_| 3).map(|i| (i as i64, 3)))
        };

        match letter {
            'M' | 'L' if count >= 3 => {
                let (index, length) = named(&MONTHS)?;
                self.month = index + 1;
                return Some(at + length);
            }
            'E' => return named(&WEEKDAYS).map(|(_, length)| at + length),
            'G' => return (rest.starts_with("AD") || rest.starts_with("BC")).then_some(at + 2),
            'a' => {
                let half = rest.get(..2)?.to_ascii_uppercase();
                self.half = match half.as_str() {
                    "AM" => 0,
                    "PM" => 12,
                    _ => return None,
                };
                return Some(at + 2);
            }
            'z' | 'Z' | 'X' => {
                let length =
                    rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"+-:/_".contains(b)).count();
                let name = &rest[..length];
                let zone = super::zone::zone(name).filter(|_| length > 0)?;
                self.offset_ms = Some(wall_ms(&zone, 0));
                return Some(at + length);
            }
            _ => {}
        }

        let negative = rest.starts_with('-') && !abuts;
        let start = at + usize::from(negative);
        let available = text[start..].bytes().take_while(u8::is_ascii_digit).count();
        let width = if abuts { available.min(count) } else { available };
        if width == 0 || abuts && width < count {
            return None;
        }
        let digits = &text[start..start + width];
        let value: i64 = digits.parse::<i32>().ok()?.into();
        let value = if negative { -value } else { value };

        match letter {
            // Java's window is the 80 years before today and the 20 after; here the window is fixed.
            'y' if count <= 2 && width == 2 && !negative => {
                self.year = if value > 45 { 1900 + value } else { 2000 + value }
            }
            'y' | 'Y' => self.year = value,
            'M' | 'L' => self.month = value,
            'd' => self.day = value,
            'D' => self.day_of_year = Some(value),
            'H' => self.hour = value,
            'k' => self.hour = value % 24,
            'K' => self.hour = value,
            'h' => self.hour = if value == 12 { 0 } else { value },
            'm' => self.minute = value,
            's' => self.second = value,
            'S' => self.ms = value,
            _ => {}
        }

        Some(start + width)
    }

    fn wall_ms(&self) -> i64 {
        let months = self.year * 12 + self.month - 1;
        let day = match self.day_of_year {
            Some(day) => day_number(self.year, 1, 1) + day - 1,
            None => day_number(months.div_euclid(12), months.rem_euclid(12) + 1, 1) + self.day - 1,
        };
        let hour = self.hour + self.half;
        let of_day = ((hour * 60 + self.minute) * 60 + self.second) * SECOND_MS + self.ms;
        day.saturating_mul(DAY_MS).saturating_add(of_day)
    }
}
