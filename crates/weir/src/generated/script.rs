//! The job of generated events: the built-in analytics, with names of its own.
//!
//! ```text
//! topic    user-queries                    ─► weir-generated-events, from the time of the start on
//! table    faculty                         ─► generated_faculty
//! key      analytics:faculty:{faculty}:…   ─► generated:faculty:{faculty}:…
//! channel  analytics:updates               ─► generated:updates
//! job      Query Analytics Streaming       ─► Generated events
//! ```

/// Name of the job.
pub(super) const JOB: &str = "Generated events";
/// Topic of the events.
pub(super) const TOPIC: &str = "weir-generated-events";
/// Begins the keys of the results.
pub(super) const KEYS: &str = "generated:";
/// Begins the names of the tables.
pub(super) const TABLES: &str = "generated_";

/// The variable of the script that names the topic.
pub(super) const TOPIC_VARIABLE: &str = "KAFKA_TOPIC_QUERIES";

const ANALYTICS: &str = include_str!("../../../../jobs/analytics.sql");
/// The table that is read.
const SOURCE: &str = "user_queries";

/// Returns the script of the job, which reads records from this time on, in milliseconds since 1970.
pub(super) fn script(since_ms: i64) -> String {
    let start = format!("'timestamp', 'scan.startup.timestamp-millis' = '{since_ms}'");
    let lines = ANALYTICS.lines().map(|line| {
        let line = ["CREATE TABLE ", "INSERT INTO "]
            .iter()
            .find_map(|keyword| Some(format!("{keyword}{}", renamed(line.strip_prefix(keyword)?))))
            .unwrap_or_else(|| line.to_owned());
        line.replace("'analytics:", "'generated:")
            .replace("'Query Analytics Streaming'", "'Generated events'")
            .replace("'earliest-offset'", &start)
            + "\n"
    });
    lines.collect()
}

/// Puts the prefix before the name at the beginning of a text. The name may be in back-quotes.
fn renamed(rest: &str) -> String {
    match rest.strip_prefix('`') {
        _ if rest.starts_with(SOURCE) => rest.to_owned(),
        Some(quoted) => format!("`{TABLES}{quoted}"),
        None => format!("{TABLES}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_key_and_channel_has_a_name_of_its_own_and_the_source_is_the_same() {
        let script = script(42);
        let lines_with = |part: &str| script.lines().filter(|line| line.contains(part)).count();
        assert_eq!(lines_with("CREATE TABLE user_queries"), 1);
        assert_eq!(lines_with("CREATE TABLE generated_") + lines_with("CREATE TABLE `generated_"), 15);
        assert_eq!(lines_with("INSERT INTO generated_") + lines_with("INSERT INTO `generated_"), 15);
        assert_eq!(lines_with("'key' = 'generated:"), 15);
        assert_eq!(lines_with("'channel' = 'generated:updates'"), 15);
        assert_eq!(lines_with("'analytics:"), 0);
        assert_eq!(lines_with("'scan.startup.timestamp-millis' = '42'"), 1);
        assert_eq!(lines_with("'pipeline.name' = 'Generated events'"), 1);
    }
}
