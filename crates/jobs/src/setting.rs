//! Reads settings that are not interpreted by the compiler.

use std::time::Duration;

use sql::error::Diagnostic;
use sql::plan::Settings;
use sql::settings::{parse_duration, parse_size};

/// Reads keys, and collects errors in their values.
pub(crate) struct Keys<'a> {
    settings: &'a Settings,
    wrong: Vec<Diagnostic>,
}

impl<'a> Keys<'a> {
    pub fn new(settings: &'a Settings) -> Keys<'a> {
        Keys { settings, wrong: Vec::new() }
    }

    /// Returns the value of the first of these keys that is set.
    fn find(&self, names: &[&'a str]) -> Option<(&'a str, &'a str)> {
        names.iter().find_map(|name| Some((*name, self.settings.all.get(*name)?.trim())))
    }

    pub fn text(&mut self, names: &[&'a str]) -> Option<String> {
        self.find(names).map(|(_, value)| value.to_owned()).filter(|value| !value.is_empty())
    }

    pub fn duration(&mut self, names: &[&'a str]) -> Option<Duration> {
        let (name, value) = self.find(names)?;
        let length = parse_duration(value).and_then(|interval| u64::try_from(interval.0).ok());
        self.expect(name, value, length.map(Duration::from_millis), "a length of time, for example '10 s'")
    }

    /// Reads a number of bytes.
    pub fn size(&mut self, names: &[&'a str]) -> Option<u64> {
        let (name, value) = self.find(names)?;
        self.expect(name, value, parse_size(value), "a size, for example '64 kb'")
    }

    /// Reads a whole number that is at least `least`.
    pub fn number(&mut self, names: &[&'a str], least: u32) -> Option<u32> {
        let (name, value) = self.find(names)?;
        let number = value.parse().ok().filter(|number| *number >= least);
        self.expect(name, value, number, &format!("a whole number from {least}"))
    }

    /// Reads a number that is at least `least`.
    pub fn factor(&mut self, names: &[&'a str], least: f64) -> Option<f64> {
        let (name, value) = self.find(names)?;
        let factor = value.parse().ok().filter(|factor: &f64| factor.is_finite() && *factor >= least);
        self.expect(name, value, factor, &format!("a number from {least}"))
    }

    /// Reads one of several words, each of which stands for a value.
    pub fn word<T: Copy>(&mut self, names: &[&'a str], words: &[(&str, T)]) -> Option<T> {
        let (name, value) = self.find(names)?;
        let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(value)).map(|(_, of)| *of);
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.expect(name, value, found, &format!("one of {}", known.join(", ")))
    }

    fn expect<T>(&mut self, name: &str, value: &str, found: Option<T>, what: &str) -> Option<T> {
        if found.is_none() {
            let place = self.settings.places.get(name).copied().unwrap_or_default();
            let wrong = Diagnostic::error(place, format!("the setting `{name}` cannot be '{value}'"));
            self.wrong.push(wrong.with_hint(what));
        }
        found
    }

    /// Returns what was read, or all errors.
    pub fn finish<T>(self, read: T) -> Result<T, Vec<Diagnostic>> {
        if self.wrong.is_empty() { Ok(read) } else { Err(self.wrong) }
    }
}
