//! JSON paths and the values they select.

use std::borrow::Cow;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::super::signature::shortened;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(String),
    Element(usize),
    /// The step `.*` or `[*]`.
    All,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) lax: bool,
    /// Whether the path starts with `lax` or `strict`.
    pub(super) has_mode: bool,
    steps: Vec<Step>,
}

/// The values that a path selects.
#[derive(Debug)]
pub(super) enum Found<'a> {
    One(&'a RawValue),
    /// The values of a path that contains a `*`.
    Many(Vec<&'a RawValue>),
    /// Nothing matches, or the text is not JSON.
    Nothing,
}

impl Path {
    /// Parses `[lax|strict] $` and the steps.
    pub(super) fn parse(text: &str) -> Result<Path, String> {
        let malformed = || format!("{} is not a JSON path such as '$.a.b[0]'", shortened(text));
        let trimmed = text.trim();

        let mode = trimmed.split_once(char::is_whitespace);
        let (lax, has_mode, rest) = match mode {
            Some((mode, rest)) if mode.eq_ignore_ascii_case("lax") => (true, true, rest.trim_start()),
            Some((mode, rest)) if mode.eq_ignore_ascii_case("strict") => (false, true, rest.trim_start()),
            _ => (false, false, trimmed),
        };

        let mut rest = rest.strip_prefix('$').ok_or_else(malformed)?;
        let mut steps = Vec::new();

        while !rest.is_empty() {
            if let Some(member) = rest.strip_prefix('.') {
                let end = member.find(['.', '[']).unwrap_or(member.len());
                steps.push(match &member[..end] {
                    "" => return Err(malformed()),
                    "*" => Step::All,
                    name => Step::Member(name.to_owned()),
                });
                rest = &member[end..];
                continue;
            }
            let (inner, after) =
                rest.strip_prefix('[').and_then(|r| r.split_once(']')).ok_or_else(malformed)?;
            let quoted = inner.strip_prefix('\'').and_then(|i| i.strip_suffix('\''));
            steps.push(match (quoted, inner.trim()) {
                (Some(name), _) => Step::Member(name.to_owned()),
                (None, "*") => Step::All,
                (None, index) => Step::Element(index.parse().map_err(|_| malformed())?),
            });
            rest = after;
        }

        Ok(Path { lax, has_mode, steps })
    }

    /// Follows the path through the raw text, so that numbers keep their original form.
    pub(super) fn find<'a>(&self, json: &'a str) -> Found<'a> {
        let Ok(root) = serde_json::from_str::<&RawValue>(json) else { return Found::Nothing };
        let mut found = vec![root];
        let mut has_branched = false;
        for step in &self.steps {
            found = found.into_iter().flat_map(|value| follow(value, step)).collect();
            // After a `*`, values without the member are skipped.
            if found.is_empty() && !has_branched && !(self.lax && self.steps.contains(&Step::All)) {
                return Found::Nothing;
            }
            has_branched |= *step == Step::All;
        }

        match (self.steps.contains(&Step::All), found.as_slice()) {
            (false, [only]) => Found::One(only),
            (false, _) => Found::Nothing,
            (true, _) => Found::Many(found),
        }
    }
}

/// Returns the first JSON value of a text. Text after it is ignored, as by Flink's `IS JSON`.
pub(super) fn parse_first(json: &str) -> Option<&RawValue> {
    serde_json::Deserializer::from_str(json).into_iter::<&RawValue>().next()?.ok()
}

fn follow<'a>(value: &'a RawValue, step: &Step) -> Vec<&'a RawValue> {
    let text = value.get();
    match step {
        Step::Member(name) if text.starts_with('{') => {
            // The last of several members with the same name is used.
            let members = members(text).into_iter().rev();
            members.filter(|(of, _)| of == name).map(|(_, value)| value).take(1).collect()
        }
        Step::Element(index) if text.starts_with('[') => {
            elements(text).into_iter().skip(*index).take(1).collect()
        }
        Step::All if text.starts_with('{') => members(text).into_iter().map(|(_, value)| value).collect(),
        Step::All if text.starts_with('[') => elements(text),
        _ => vec![],
    }
}

pub(super) fn elements(array: &str) -> Vec<&RawValue> {
    serde_json::from_str(array).unwrap_or_default()
}

/// Returns the members of an object in order.
pub(super) fn members(object: &str) -> Vec<(Cow<'_, str>, &RawValue)> {
    struct Members;
    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some((Name(name), value)) = map.next_entry()? {
                members.push((name, value));
            }
            Ok(members)
        }
    }

    serde_json::Deserializer::from_str(object).deserialize_map(Members).unwrap_or_default()
}

/// A member name, borrowed if it contains no escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
