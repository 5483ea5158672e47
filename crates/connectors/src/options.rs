//! Reads table options together with their spans, so that errors point at the exact key or value.

use std::collections::BTreeSet;
use std::str::FromStr;

use sql::error::{Diagnostic, Span};
use sql::plan::{TableOption, TableOptions};

/// Reads the options of one table and collects errors.
pub(crate) struct OptionReader<'a> {
    table: &'a str,
    options: &'a TableOptions,
    known: BTreeSet<String>,
    pub errors: Vec<Diagnostic>,
}

impl<'a> OptionReader<'a> {
    pub fn new(table: &'a str, options: &'a TableOptions) -> OptionReader<'a> {
        OptionReader { table, options, known: BTreeSet::new(), errors: Vec::new() }
    }

    /// Returns an option if it is set.
    pub fn get(&mut self, key: &str) -> Option<&'a TableOption> {
        self.known.insert(key.to_owned());
        self.options.entries.get(key)
    }

    /// Returns the value of a required option; empty after an error.
    pub fn required(&mut self, key: &str, example: &str) -> String {
        match self.get(key) {
            Some(option) if !option.value.is_empty() => option.value.clone(),
            Some(option) => {
                let error = Diagnostic::error(option.value_span, format!("option '{key}' is empty"));
                self.errors.push(error.with_hint(format!("for example '{key}' = '{example}'")));
                String::new()
            }
            None => {
                let error = Diagnostic::error(
                    self.options.span,
                    format!("table `{}` lacks the option '{key}'", self.table),
                );
                self.errors.push(error.with_hint(format!("for example '{key}' = '{example}'")));
                String::new()
            }
        }
    }

    /// Parses the value of an option.
    pub fn parsed<T: FromStr>(&mut self, key: &str, default: T, what: &str) -> T {
        let Some(option) = self.get(key) else { return default };
        match option.value.trim().parse() {
            Ok(value) => value,
            Err(_) => {
                self.errors.push(Diagnostic::error(
                    option.value_span,
                    format!("option '{key}' must be {what}, not '{}'", option.value),
                ));
                default
            }
        }
    }

    /// Parses `'true'` or `'false'` in any case.
    pub fn flag(&mut self, key: &str, default: bool) -> bool {
        let default = if default { "true" } else { "false" };
        self.constant(key, default, &["true", "false"]) == "true"
    }

    /// Parses one of some constants in any case, as Flink parses enums. Returns it as spelt in `constants`.
    pub fn constant(&mut self, key: &str, default: &str, constants: &[&str]) -> String {
        let given = self.options.entries.get(key);
        let meant = given
            .and_then(|given| constants.iter().find(|constant| constant.eq_ignore_ascii_case(&given.value)));
        match meant {
            Some(meant) => {
                self.accept(&[key]);
                (*meant).to_owned()
            }
            None => self.word(key, default, constants),
        }
    }

    /// Parses one of some words, case-sensitively, as Flink compares names of formats.
    pub fn word(&mut self, key: &str, default: &str, words: &[&str]) -> String {
        let Some(option) = self.get(key) else { return default.to_owned() };
        if words.contains(&option.value.as_str()) {
            return option.value.clone();
        }
        let error =
            Diagnostic::error(option.value_span, format!("option '{key}' cannot be '{}'", option.value));
        self.errors.push(error.with_hint(format!("one of {}", quoted(words.iter().copied()))));
        default.to_owned()
    }

    /// Accepts these options with any value.
    pub fn accept(&mut self, keys: &[&str]) {
        self.known.extend(keys.iter().map(|key| (*key).to_owned()));
    }

    /// Accepts all options with a prefix.
    pub fn accept_prefix(&mut self, prefix: &str) {
        self.known.extend(self.options.entries.keys().filter(|key| key.starts_with(prefix)).cloned());
    }

    /// Adds an error at an option's value.
    pub fn reject(&mut self, key: &str, message: impl Into<String>, hint: impl Into<String>) {
        let span = self.options.entries.get(key).map_or(self.options.span, |option| option.value_span);
        self.errors.push(Diagnostic::error(span, message).with_hint(hint));
    }

    /// Finishes reading; options that were not read are errors.
    pub fn finish(mut self) -> Result<(), Vec<Diagnostic>> {
        for (key, option) in &self.options.entries {
            if self.known.contains(key) {
                continue;
            }
            let connector = self.options.entries.get("connector").map_or("", |option| option.value.as_str());
            let error = Diagnostic::error(
                option.key_span,
                format!("unknown option '{key}' of table `{}` (connector '{connector}')", self.table),
            );
            let hint = match closest(key, self.known.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean '{meant}'?"),
                None => format!("its options are {}", quoted(self.known.iter().map(String::as_str))),
            };
            self.errors.push(error.with_hint(hint));
        }
        if self.errors.is_empty() { Ok(()) } else { Err(self.errors) }
    }
}

/// Returns a table's connector and its span, or an error if it is missing or unknown.
pub(crate) fn connector<'a>(
    table: &str,
    options: &'a TableOptions,
    known: &[&str],
) -> Result<(&'a str, Span), Vec<Diagnostic>> {
    let Some(option) = options.entries.get("connector") else {
        let error = Diagnostic::error(options.span, format!("table `{table}` has no 'connector'"));
        return Err(vec![
            error.with_hint(format!("WITH ('connector' = …), one of {}", quoted(known.iter().copied()))),
        ]);
    };
    if known.contains(&option.value.as_str()) {
        return Ok((&option.value, option.value_span));
    }
    let error = Diagnostic::error(
        option.value_span,
        format!("there is no connector '{}' for this table", option.value),
    );
    let hint = match closest(&option.value, known.iter().copied()) {
        Some(meant) => format!("did you mean '{meant}'?"),
        None => format!("one of {}", quoted(known.iter().copied())),
    };
    Err(vec![error.with_hint(hint)])
}

/// Returns the option that a misspelt one probably means.
pub(crate) fn closest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // A key in a known family means another member of it: `scan.parallelism` does not mean
    // `sink.parallelism`.
    let family = |word: &str| word.split_once('.').map(|(family, _)| family.to_owned());
    let known: Vec<&str> = known.collect();
    let is_known_family = family(word).is_some() && known.iter().any(|of| family(of) == family(word));
    let of_family =
        known.into_iter().filter(|candidate| !is_known_family || family(candidate) == family(word));
    sql::error::closest(word, of_family)
}

pub(crate) fn quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(|word| format!("'{word}'")).collect::<Vec<String>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_stay_in_the_family_of_an_option() {
        let known = ["sink.parallelism", "scan.startup.mode", "topic", "value.format"];
        let of = |word: &str| closest(word, known.iter().copied());
        assert_eq!(of("scan.parallelism"), None);
        assert_eq!(of("scan.startup.mod"), Some("scan.startup.mode"));
        assert_eq!(of("snk.parallelism"), Some("sink.parallelism"));
        assert_eq!(of("topik"), Some("topic"));
    }
}
