//! Options that all lookup tables share. Names and defaults are Flink's (FLIP-221), except that lookups are
//! repeated for ever unless `lookup.max-retries` is set: no row is lost while a server is unreachable.

use engine::connector::CachePolicy;
use sql::settings::parse_duration;
use types::Interval;

use crate::options::OptionReader;

/// Default number of cached rows, without `lookup.partial-cache.max-rows`.
const DEFAULT_MAX_ROWS: usize = 10_000;

/// The lookup options that do not depend on the connector.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LookupPolicy {
    /// `lookup.cache`, `lookup.partial-cache.…`.
    pub cache: Option<CachePolicy>,
    /// `lookup.max-retries`; `None` for no limit.
    pub max_retries: Option<u32>,
    /// `json.ignore-parse-errors`: a value that cannot be decoded counts as no row instead of blocking the
    /// job.
    pub ignore_parse_errors: bool,
}

impl LookupPolicy {
    pub(crate) fn read(reader: &mut OptionReader<'_>) -> LookupPolicy {
        let kind = reader.constant("lookup.cache", "NONE", &["NONE", "PARTIAL"]);
        let max_rows = reader.parsed("lookup.partial-cache.max-rows", DEFAULT_MAX_ROWS, "a number of rows");
        let expire_after_write = duration(reader, "lookup.partial-cache.expire-after-write");
        let expire_after_access = duration(reader, "lookup.partial-cache.expire-after-access");
        let missing_keys = reader.flag("lookup.partial-cache.cache-missing-key", true);
        let max_retries = reader.get("lookup.max-retries").map(|option| option.value.clone());
        let max_retries = max_retries.map(|_| reader.parsed("lookup.max-retries", 0, "a number of retries"));
        let ignore_parse_errors = reader.flag("json.ignore-parse-errors", false);

        let cache = CachePolicy { max_rows, expire_after_write, expire_after_access, missing_keys };
        LookupPolicy { cache: (kind == "PARTIAL").then_some(cache), max_retries, ignore_parse_errors }
    }
}

/// Parses a duration as in Flink.
pub(super) fn duration(reader: &mut OptionReader<'_>, key: &str) -> Option<Interval> {
    let value = &reader.get(key)?.value;
    let duration = parse_duration(value);
    if duration.is_none() {
        reader.reject(key, format!("'{value}' is not a duration"), "for example '10 min', '30 s', '500 ms'");
    }
    duration
}
