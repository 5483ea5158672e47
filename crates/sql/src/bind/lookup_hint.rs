//! `/*+ LOOKUP('table' = 'c', …) */` behind SELECT: how a lookup join of this SELECT reads its table.
//!
//! | option | effect |
//! | --- | --- |
//! | `table` | which table, by its alias or name |
//! | `capacity`, `timeout` | as the settings `table.exec.async-lookup.…`, for this table |
//! | `retry-predicate`, `retry-strategy`, `fixed-delay`, `max-attempts` | a lookup without rows is repeated |
//! | `async`, `output-mode`, `shuffle` | none: lookups do not wait for each other; rows keep their order |

use super::{Binder, Bound};
use crate::error::{Diagnostic, Span, cut, did_you_mean};
use crate::parse::ast::{Hint, Select, Text};
use crate::plan::operator::{LookupHint, RetryMisses};
use crate::settings::{capacity, duration};

/// A hint, and whether a table with its name was found.
pub(super) struct NamedHint {
    table: String,
    hint: LookupHint,
    span: Span,
    is_used: bool,
}

const OPTIONS: [&str; 10] = [
    "table",
    "async",
    "output-mode",
    "capacity",
    "timeout",
    "retry-predicate",
    "retry-strategy",
    "fixed-delay",
    "max-attempts",
    "shuffle",
];

/// The options for retrying a key without rows; all are required if one is given.
const RETRY: [&str; 4] = ["retry-predicate", "retry-strategy", "fixed-delay", "max-attempts"];

impl Binder {
    /// Binds the FROM of a SELECT with its hints.
    pub(super) fn with_hints<T>(
        &mut self,
        select: &Select,
        bind: impl FnOnce(&mut Binder) -> Bound<T>,
    ) -> Bound<T> {
        let mut own = vec![];
        for hint in select.hints.iter().filter(|hint| hint.name == "LOOKUP") {
            own.push(read(hint).map_err(|error| self.report(*error))?);
        }

        // A subquery in this FROM has hints of its own.
        let ttls = self.state_ttls(select)?;
        let around = std::mem::replace(&mut self.lookup_hints, own);
        let ttls_around = std::mem::replace(&mut self.state_ttls, ttls);
        let bound = bind(self);
        let own = std::mem::replace(&mut self.lookup_hints, around);
        self.state_ttls = ttls_around;

        if let (true, Some(unused)) = (bound.is_ok(), own.iter().find(|hint| !hint.is_used)) {
            let message = format!("LOOKUP names `{}`, but this SELECT looks up no such table", unused.table);
            let error = Diagnostic::error(unused.span, message)
                .with_hint("'table' is the alias in: JOIN t FOR SYSTEM_TIME AS OF a.proctime AS alias");
            return Err(self.report(error));
        }
        bound
    }

    /// Returns the current SELECT's hint for a table with one of these names.
    pub(super) fn lookup_hint(&mut self, names: &[&String]) -> LookupHint {
        match self.lookup_hints.iter_mut().find(|hint| names.contains(&&hint.table)) {
            Some(hint) => {
                hint.is_used = true;
                hint.hint
            }
            None => LookupHint::default(),
        }
    }
}

/// Parses the options of a hint.
fn read(hint: &Hint) -> Result<NamedHint, Box<Diagnostic>> {
    if let Some((key, _)) = hint.options.iter().find(|(key, _)| !OPTIONS.contains(&key.value.as_str())) {
        let mut error = Diagnostic::error(key.span, format!("LOOKUP has no option '{}'", cut(&key.value)));
        error.hint = did_you_mean(&key.value, OPTIONS);
        return Err(Box::new(error));
    }
    let option =
        |name: &str| hint.options.iter().rev().find(|(key, _)| key.value == name).map(|(_, value)| value);
    let Some(table) = option("table") else {
        let error = Diagnostic::error(hint.span, "LOOKUP needs the option 'table'");
        return Err(Box::new(error.with_hint("LOOKUP('table' = 'c', …) names the alias of the table")));
    };

    for name in ["async", "shuffle"] {
        option(name).map(|value| word(name, value, &["true", "false"])).transpose()?;
    }
    option("output-mode").map(|of| word("output-mode", of, &["ordered", "allow_unordered"])).transpose()?;
    let hint_of_table = LookupHint {
        retry: retry(hint, &option)?,
        capacity: option("capacity").map(capacity).transpose()?,
        timeout: option("timeout").map(duration).transpose()?,
    };
    Ok(NamedHint { table: table.value.clone(), hint: hint_of_table, span: hint.span, is_used: false })
}

fn retry<'a>(
    hint: &Hint,
    option: &dyn Fn(&str) -> Option<&'a Text>,
) -> Result<Option<RetryMisses>, Box<Diagnostic>> {
    let [Some(predicate), Some(strategy), Some(delay), Some(attempts)] = RETRY.map(option) else {
        if RETRY.iter().all(|name| option(name).is_none()) {
            return Ok(None);
        }
        let message = "LOOKUP has only some of the retry options";
        let error = Diagnostic::error(hint.span, message).with_hint(
            "'retry-predicate' = 'lookup_miss', 'retry-strategy' = 'fixed_delay', 'fixed-delay' = '1s', \
             'max-attempts' = '3'",
        );
        return Err(Box::new(error));
    };

    word("retry-predicate", predicate, &["lookup_miss"])?;
    word("retry-strategy", strategy, &["fixed_delay"])?;
    let delay = duration(delay)?;
    let attempts = attempts.value.trim().parse().ok().filter(|attempts| *attempts > 0).ok_or_else(|| {
        let message = format!("'{}' is not a number of attempts", cut(&attempts.value));
        Box::new(Diagnostic::error(attempts.span, message).with_hint("a whole number from 1"))
    })?;
    Ok(Some(RetryMisses { attempts, delay }))
}

fn word(name: &str, value: &Text, words: &[&str]) -> Result<(), Box<Diagnostic>> {
    if words.iter().any(|word| word.eq_ignore_ascii_case(&value.value)) {
        return Ok(());
    }
    let error =
        Diagnostic::error(value.span, format!("'{name}' of LOOKUP cannot be '{}'", cut(&value.value)));
    Err(Box::new(error.with_hint(format!("one of {}", words.join(", ")))))
}
