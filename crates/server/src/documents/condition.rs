//! Entity tags, and the conditions of requests (RFC 9110, section 13).
//!
//! A tag is a hash of the document's text. A proxy that compresses answers marks their tags as weak (`W/"…"`) and
//! passes them on. A weak tag that a client got from us still names exactly one text, so it is accepted.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use sha2::{Digest as _, Sha256};

/// The condition of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// `If-Match`: the document has one of these tags.
    Has(Tags),
    /// `If-None-Match: *`: there is no such document.
    IsNew,
}

/// The tags of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tags {
    Any,
    Listed(Vec<String>),
}

/// Returns the entity tag of a text, with its quotes.
pub(crate) fn tag_of(text: &[u8]) -> String {
    let hash = Sha256::digest(text);
    let digits: String = hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

impl Condition {
    /// Returns the condition of a change; `None` if the request has none that can be understood.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Condition> {
        match (Tags::of(headers, header::IF_MATCH), Tags::of(headers, header::IF_NONE_MATCH)) {
            (Some(tags), None) => Some(Condition::Has(tags)),
            (None, Some(Tags::Any)) => Some(Condition::IsNew),
            (None, None | Some(Tags::Listed(_))) | (Some(_), Some(_)) => None,
        }
    }
}

/// Why the condition of a change does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unmet {
    /// There is a document already.
    Exists,
    /// There is no document.
    Gone,
    /// The document has another tag.
    Changed,
}

impl Condition {
    /// Checks the condition against the tag of the document that is shown.
    pub(crate) fn check(&self, present: Option<&str>) -> Result<(), Unmet> {
        match (self, present) {
            (Condition::IsNew, None) => Ok(()),
            (Condition::IsNew, Some(_)) => Err(Unmet::Exists),
            (Condition::Has(_), None) => Err(Unmet::Gone),
            (Condition::Has(tags), Some(tag)) if tags.have(tag) => Ok(()),
            (Condition::Has(_), Some(_)) => Err(Unmet::Changed),
        }
    }
}

impl Tags {
    /// Returns the tags of a header, which may come in several lines.
    pub(crate) fn of(headers: &HeaderMap, name: HeaderName) -> Option<Tags> {
        let lines: Vec<&str> =
            headers.get_all(name).iter().map(HeaderValue::to_str).collect::<Result<_, _>>().ok()?;
        let mut tags = Vec::new();
        for part in lines.iter().flat_map(|line| line.split(',')).map(str::trim) {
            match part {
                "*" => return Some(Tags::Any),
                "" => {}
                tag => tags.push(tag.trim_start_matches("W/").to_owned()),
            }
        }
        (!tags.is_empty()).then_some(Tags::Listed(tags))
    }

    pub(crate) fn have(&self, tag: &str) -> bool {
        match self {
            Tags::Any => true,
            Tags::Listed(tags) => tags.iter().any(|listed| listed == tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_change_has_exactly_one_condition() {
        use header::{IF_MATCH, IF_NONE_MATCH};
        let tags = |tags: &[&str]| Tags::Listed(tags.iter().map(|tag| (*tag).to_owned()).collect());
        for (lines, expected) in [
            (vec![], None),
            (vec![(IF_MATCH, "\"a\"")], Some(Condition::Has(tags(&["\"a\""])))),
            (vec![(IF_MATCH, "W/\"a\" , \"b\"")], Some(Condition::Has(tags(&["\"a\"", "\"b\""])))),
            (vec![(IF_MATCH, "\"a\""), (IF_MATCH, "\"b\"")], Some(Condition::Has(tags(&["\"a\"", "\"b\""])))),
            (vec![(IF_MATCH, "*")], Some(Condition::Has(Tags::Any))),
            (vec![(IF_NONE_MATCH, "*")], Some(Condition::IsNew)),
            (vec![(IF_NONE_MATCH, "\"a\"")], None),
            (vec![(IF_MATCH, " , ")], None),
            (vec![(IF_MATCH, "\"a\""), (IF_NONE_MATCH, "*")], None),
        ] {
            assert_eq!(Condition::of(&headers(&lines)), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_tag_names_one_text() {
        let tag = tag_of(b"{}");
        assert!(tag.len() == 34 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
        assert_eq!(tag, tag_of(b"{}"));
        assert_ne!(tag, tag_of(b"{ }"));
        assert!(Tags::Listed(vec![tag.clone()]).have(&tag) && !Tags::Listed(vec![tag]).have("\"\""));
    }
}
