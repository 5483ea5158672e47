//! `LOOKUP('table' = 'c', …)`: how a lookup join of this SELECT reads its table.
//!
//! | option | effect |
//! | --- | --- |
//! | `table` | which table, by its alias or name |
//! | `capacity`, `timeout` | as the settings `table.exec.async-lookup.…`, for this table |
//! | `retry-predicate`, `retry-strategy`, `fixed-delay`, `max-attempts` | a lookup without rows is repeated |
//! | `async`, `output-mode`, `shuffle` | none: lookups do not wait for each other; rows keep their order |

use crate::error::{Diagnostic, Span, cut, did_you_mean};
use crate::parse::ast::{Hint, Text};
use crate::plan::operator::{LookupHint, RetryMisses};
use crate::settings::{capacity, duration};

/// A hint and the table that it names.
pub(super) struct NamedHint {
    pub(super) table: String,
    pub(super) hint: LookupHint,
    pub(super) span: Span,
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

/// Parses the options of a hint.
pub(super) fn read(hint: &Hint) -> Result<NamedHint, Box<Diagnostic>> {
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
    Ok(NamedHint { table: table.value.clone(), hint: hint_of_table, span: hint.span })
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
