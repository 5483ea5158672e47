//! The checks of a rule that its types do not make: lengths, the bound, the syntax of conditions, and the webhook.

use axum::http::{HeaderName, HeaderValue, Uri, header};

use super::document::{Header, Rule, Webhook};
use crate::documents::{Mistake, length, most, optional, within};
use crate::results::check_conditions;

const TITLE_MAX: usize = 120;
const CONDITIONS_MAX: usize = 2_000;
/// Characters of the name of a table or a column.
const NAME_MAX: usize = 255;
const BY_MAX: usize = 8;
const WINDOWS_MAX: u32 = 100;
const URL_MAX: usize = 2_000;
const HEADER_NAME_MAX: usize = 100;
const HEADER_VALUE_MAX: usize = 4_096;

/// Headers that belong to the connection or the body.
const OURS: [HeaderName; 7] = [
    header::HOST,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::EXPECT,
];

impl Rule {
    pub(super) fn check(&self) -> Result<(), Mistake> {
        length("title", &self.title, 1, TITLE_MAX)?;
        optional("title_vi", self.title_vi.as_deref(), 1, TITLE_MAX)?;
        length("table", &self.table, 1, NAME_MAX)?;
        length("number", &self.number, 1, NAME_MAX)?;

        let by = self.by.as_deref().unwrap_or_default();
        most("by", by.len(), BY_MAX)?;
        for (number, column) in by.iter().enumerate() {
            let place = format!("by[{number}]");
            length(&place, column, 1, NAME_MAX)?;
            if by[..number].contains(column) {
                return Err(Mistake::new(place, format!("`{column}` is there twice")));
            }
        }

        if let Some(conditions) = &self.conditions {
            length("where", conditions, 0, CONDITIONS_MAX)?;
            check_conditions(conditions).map_err(|error| {
                Mistake::new("where", format!("character {}: {}", error.place, error.message))
            })?;
        }
        match (&self.above, &self.below) {
            (Some(_), None) | (None, Some(_)) => {}
            (Some(_), Some(_)) => {
                return Err(Mistake::new("below", "a rule has `above` or `below`, not both"));
            }
            (None, None) => return Err(Mistake::new("above", "a rule has `above` or `below`")),
        }
        within("for_windows", self.for_windows, 1, WINDOWS_MAX)?;
        self.webhook
            .as_ref()
            .map_or(Ok(()), |webhook| webhook.check().map_err(|mistake| mistake.below("webhook")))
    }
}

impl Webhook {
    fn check(&self) -> Result<(), Mistake> {
        length("url", &self.url, 1, URL_MAX)?;
        let wrong = |message: &str| Mistake::new("url", message);
        let url: Uri = self.url.parse().map_err(|_| wrong("is no URL"))?;
        if !matches!(url.scheme_str(), Some("https" | "http")) {
            return Err(wrong("must begin with https:// or http://"));
        }
        let authority = url.authority().filter(|authority| !authority.host().is_empty());
        let authority = authority.ok_or_else(|| wrong("has no host"))?;
        // Answers show the URL.
        if authority.as_str().contains('@') {
            return Err(wrong("must not have a password: send it in `header`"));
        }

        match &self.header {
            Some(header) => header.check().map_err(|mistake| mistake.below("header")),
            None => Ok(()),
        }
    }
}

impl Header {
    fn check(&self) -> Result<(), Mistake> {
        length("name", &self.name, 1, HEADER_NAME_MAX)?;
        let name = HeaderName::from_bytes(self.name.as_bytes())
            .map_err(|_| Mistake::new("name", "cannot be the name of a header"))?;
        if OURS.contains(&name) {
            return Err(Mistake::new("name", format!("Weir sets the header `{name}`")));
        }

        length("value", &self.value, 1, HEADER_VALUE_MAX)?;
        // The message does not repeat the value, which is a secret.
        HeaderValue::from_str(&self.value)
            .map(drop)
            .map_err(|_| Mistake::new("value", "has characters that a header cannot have"))
    }
}
