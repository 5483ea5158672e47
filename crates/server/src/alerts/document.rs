//! The document of a rule: its format, version 1.
//!
//! The value of the webhook's header is a secret. Answers show `***` in its place, and a document with `***` keeps the
//! secret of the rule that it replaces. The secret stays with its receiver: if the document names another server, the
//! secret must be sent again, so that nobody learns a secret by changing the address.

use std::fmt;

use axum::http::Uri;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use crate::documents::{Mistake, parse, tag_of, version, without_mark};
use crate::results::SeriesQuestion;

/// Maximum length of a document in bytes.
pub(super) const BYTES_MAX: usize = 64 << 10;
/// Maximum number of series of a rule.
pub(super) const SERIES_MAX: usize = 10_000;
/// Stands in answers for a secret.
pub(super) const SECRET: &str = "***";

/// A rule: which number of which table is watched, and who is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertRule)]
pub(crate) struct Rule {
    /// Version of the format.
    #[serde(deserialize_with = "version")]
    #[schema(minimum = 1, maximum = 1, example = 1)]
    version: u32,
    #[schema(min_length = 1, max_length = 120, example = "Slow answers")]
    pub(super) title: String,
    /// Title in Vietnamese.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 120)]
    pub(super) title_vi: Option<String>,
    /// Name of a result table, which need not exist yet.
    #[schema(min_length = 1, max_length = 255, example = "response_time")]
    pub(super) table: String,
    /// Column with the number that is watched.
    #[schema(min_length = 1, max_length = 255, example = "p95_time")]
    pub(super) number: String,
    /// Columns that tell series apart; by default all columns of the key that are no times.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 8)]
    pub(super) by: Option<Vec<String>>,
    /// Conditions on the rows, as in `GET /results/{table}`.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2_000, example = "query_count > 10")]
    pub(super) conditions: Option<String>,
    /// The alert fires when the number is greater. A rule has either `above` or `below`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, example = 3_000)]
    pub(super) above: Option<Number>,
    /// The alert fires when the number is smaller.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub(super) below: Option<Number>,
    /// Number of windows in sequence whose number must be beyond the bound.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 100, default = 1)]
    pub(super) for_windows: u32,
    /// Receiver of the notifications.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) webhook: Option<Webhook>,
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub(super) enabled: bool,
}

/// A receiver of notifications.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertWebhook)]
pub(crate) struct Webhook {
    #[schema(max_length = 2_000, example = "https://chat.example/hooks/weir")]
    pub(super) url: String,
    /// A header of each notification.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) header: Option<Header>,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertHeader)]
pub(crate) struct Header {
    #[schema(min_length = 1, max_length = 100, example = "Authorization")]
    pub(super) name: String,
    /// A secret: answers have `***`, and a document with `***` keeps the value that is known.
    #[schema(min_length = 1, max_length = 4_096)]
    pub(super) value: String,
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").field("name", &self.name).finish_non_exhaustive()
    }
}

fn one() -> u32 {
    1
}

fn yes() -> bool {
    true
}

/// The bound of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = AlertBound)]
pub(crate) enum Bound {
    #[schema(value_type = f64)]
    Above(Number),
    #[schema(value_type = f64)]
    Below(Number),
}

impl Bound {
    pub(super) fn is_beyond(&self, number: f64) -> bool {
        match self {
            Bound::Above(bound) => bound.as_f64().is_some_and(|bound| number > bound),
            Bound::Below(bound) => bound.as_f64().is_some_and(|bound| number < bound),
        }
    }
}

impl Rule {
    /// Parses and checks a document. It replaces the rule `known`, whose secret it may keep.
    pub(super) fn parse(text: &[u8], known: Option<&Rule>) -> Result<Rule, Mistake> {
        let mut rule: Rule = parse(without_mark(text), BYTES_MAX)?;
        rule.check()?;
        rule.take_secret(known)?;
        Ok(rule)
    }

    fn take_secret(&mut self, known: Option<&Rule>) -> Result<(), Mistake> {
        let place = "webhook.header.value";
        let Some(Webhook { url, header: Some(header) }) = &mut self.webhook else { return Ok(()) };
        if header.value != SECRET {
            return Ok(());
        }
        let known = known.and_then(|rule| rule.webhook.as_ref());
        let Some(Webhook { url: before, header: Some(secret) }) = known else {
            return Err(Mistake::new(place, "`***` keeps a value, and none is known: send the value"));
        };
        if server(url) != server(before) {
            return Err(Mistake::new(place, "`url` names another server: send the value again"));
        }
        header.value.clone_from(&secret.value);
        Ok(())
    }

    /// Returns the rule without its secret.
    pub(super) fn without_secret(&self) -> Rule {
        let mut rule = self.clone();
        if let Some(Webhook { header: Some(header), .. }) = &mut rule.webhook {
            SECRET.clone_into(&mut header.value);
        }
        rule
    }

    /// Returns the document with all values.
    pub(super) fn text(&self) -> Vec<u8> {
        // A parsed document can be written.
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    pub(super) fn bound(&self) -> Bound {
        match (&self.above, &self.below) {
            (Some(bound), _) => Bound::Above(bound.clone()),
            (None, Some(bound)) => Bound::Below(bound.clone()),
            // `check` refuses such a document.
            (None, None) => Bound::Above(Number::from(0)),
        }
    }

    pub(super) fn question(&self) -> SeriesQuestion<'_> {
        SeriesQuestion {
            table: &self.table,
            number: &self.number,
            by: self.by.as_deref(),
            conditions: self.conditions.as_deref().unwrap_or_default(),
            newest: self.for_windows as usize,
            series_max: SERIES_MAX,
        }
    }
}

/// Returns scheme and authority of a URL.
fn server(url: &str) -> Option<(String, String)> {
    let url: Uri = url.parse().ok()?;
    Some((url.scheme_str()?.to_owned(), url.authority()?.as_str().to_ascii_lowercase()))
}

/// Where a rule comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = AlertSource)]
pub(crate) enum Source {
    /// A file beside a script.
    File,
    /// Saved by a client.
    Saved,
}

/// A valid rule, and how it is shown.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) source: Source,
    pub(super) rule: Rule,
    /// The document without its secret.
    pub(super) shown: Bytes,
    pub(super) tag: String,
    /// When its file was last written.
    pub(super) updated: Option<jiff::Timestamp>,
}

impl Document {
    /// `updated` is the time of the file; `None` for a rule that is only in memory.
    pub(super) fn new(source: Source, rule: Rule, updated: Option<jiff::Timestamp>) -> Document {
        let shown = rule.without_secret().text();
        // A tag of the secret would allow readers to check guesses. So the tag has the time of the change instead.
        let version =
            updated.map_or_else(|| jobs::random_id().to_string(), |at| at.as_nanosecond().to_string());
        // A copy of a file may have the same text and, within a tick of the clock, the same time.
        let origin: &[u8] = match source {
            Source::File => b"file",
            Source::Saved => b"saved",
        };
        let tag = tag_of(&[shown.as_slice(), origin, version.as_bytes()].concat());
        Document { source, rule, shown: shown.into(), tag, updated }
    }
}
