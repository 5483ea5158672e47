//! Variables in scripts, `${NAME}` and `${NAME:default}`, which are filled before parsing.
//!
//! In a quoted text or name, the quotes in a value are doubled, so a value never ends the text that contains
//! it. Comments are left unchanged. Spans in the filled text are mapped back to the original script.
//!
//! [`secret_variables`] returns the variables whose values must not be written to disk: a job's record stores
//! the original script, and of these variables only the names.

use std::collections::BTreeSet;

use crate::encoding::without_mark;
use crate::error::{Diagnostic, Span};

/// A script with filled variables.
#[derive(Debug)]
pub(crate) struct Filled {
    pub(crate) text: String,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Whether a variable without a value was outside of quotes, so that the text cannot be parsed sensibly.
    pub(crate) broken: bool,
    /// Filled ranges in order.
    fills: Vec<Fill>,
}

#[derive(Debug)]
struct Fill {
    start: usize,
    end: usize,
    origin: Span,
}

/// The scanner's context.
#[derive(Clone, Copy, PartialEq)]
enum QuoteContext {
    Plain,
    /// Inside a text or name that ends with this quote.
    Quoted(char),
    LineComment,
    BlockComment,
}

pub(crate) fn fill(script: &str, variables: &dyn Fn(&str) -> Option<String>) -> Filled {
    let mut filled = Filled {
        text: String::with_capacity(script.len()),
        diagnostics: vec![],
        broken: false,
        fills: vec![],
    };
    let script = without_mark(script);
    scan(&script, &mut |place, piece| match piece {
        ScriptPart::Text(text) => filled.text.push_str(text),
        ScriptPart::Variable { variable, at } => {
            let origin = Span { start: at, end: at + variable.length };
            let value = variables(variable.name).or_else(|| variable.default.map(str::to_owned));
            filled.put(value, variable.name, place, origin);
        }
    });
    filled
}

/// A part of a script: a variable, or text without variables.
enum ScriptPart<'a> {
    Text(&'a str),
    /// A variable; `at` is the offset of its first byte.
    Variable {
        variable: Variable<'a>,
        at: usize,
    },
}

/// Calls `each` with the pieces of a script in order, and with the context of each.
fn scan<'a>(script: &'a str, each: &mut dyn FnMut(QuoteContext, ScriptPart<'a>)) {
    let mut place = QuoteContext::Plain;
    let mut at = 0;
    // Behind the last `}` is no variable: looking for its end again and again would take quadratic time.
    let last_end = script.rfind('}').unwrap_or(0);
    while let Some(c) = script[at..].chars().next() {
        let rest = &script[at..];
        let is_readable =
            at < last_end && !matches!(place, QuoteContext::LineComment | QuoteContext::BlockComment);
        if let (true, Some(variable)) = (is_readable, Variable::read(rest)) {
            let length = variable.length;
            each(place, ScriptPart::Variable { variable, at });
            at += length;
            continue;
        }

        let two = rest.get(..2).unwrap_or_default();
        let (next, length) = match place {
            QuoteContext::Plain if two == "--" => (QuoteContext::LineComment, 2),
            // A hint is not a comment.
            QuoteContext::Plain if rest.starts_with("/*+") => (QuoteContext::Plain, 3),
            QuoteContext::Plain if two == "/*" => (QuoteContext::BlockComment, 2),
            QuoteContext::Plain if matches!(c, '\'' | '`' | '"') => (QuoteContext::Quoted(c), 1),
            QuoteContext::Quoted(quote) if c == quote => (QuoteContext::Plain, 1),
            QuoteContext::LineComment if c == '\n' => (QuoteContext::Plain, 1),
            QuoteContext::BlockComment if two == "*/" => (QuoteContext::Plain, 2),
            same => (same, c.len_utf8()),
        };
        each(place, ScriptPart::Text(&rest[..length]));
        place = next;
        at += length;
    }
}

/// Client properties that name servers and groups. All other `properties.…` options may hold a secret.
const PLAIN_PROPERTIES: [&str; 6] = [
    "properties.bootstrap.servers",
    "properties.client.id",
    "properties.group.id",
    "properties.sasl.mechanism",
    "properties.sasl.mechanisms",
    "properties.security.protocol",
];

/// Parts of the names of options and variables that hold secrets.
const SECRET_WORDS: [&str; 9] =
    ["password", "passwd", "passphrase", "secret", "token", "credential", "jaas", "private", "api_key"];

/// Returns a script's variables with secret values: those in an option that may hold a secret, such as
/// `'properties.sasl.password' = '${KAFKA_PASSWORD}'`, and those with a name that suggests a secret.
pub fn secret_variables(script: &str) -> BTreeSet<String> {
    let mut secret = BTreeSet::new();
    // The last quoted text, and whether only `=` has followed: then it is the key of the next value.
    let (mut quoted, mut is_key) = (String::new(), false);
    let mut value_of: Option<String> = None;

    scan(script, &mut |place, piece| match (place, piece) {
        (_, ScriptPart::Variable { variable, .. }) => {
            let is_secret = value_of.as_deref().is_some_and(holds_secret) || says_secret(variable.name);
            if is_secret {
                secret.insert(variable.name.to_owned());
            }
        }
        (QuoteContext::Plain, ScriptPart::Text("'")) => {
            value_of = is_key.then(|| std::mem::take(&mut quoted));
            (quoted, is_key) = (String::new(), false);
        }
        (QuoteContext::Plain, ScriptPart::Text("=")) => is_key = !quoted.is_empty(),
        (QuoteContext::Plain, ScriptPart::Text(text))
            if !text.trim().is_empty() && !text.starts_with(['-', '/']) =>
        {
            (quoted, is_key) = (String::new(), false);
        }
        (QuoteContext::Quoted('\''), ScriptPart::Text("'")) => value_of = None,
        (QuoteContext::Quoted('\''), ScriptPart::Text(text)) => quoted.push_str(text),
        _ => {}
    });

    secret
}

/// Returns whether an option with this key may hold a secret.
fn holds_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    (key.starts_with("properties.") && !PLAIN_PROPERTIES.contains(&key.as_str())) || says_secret(&key)
}

fn says_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

struct Variable<'a> {
    name: &'a str,
    default: Option<&'a str>,
    length: usize,
}

impl<'a> Variable<'a> {
    /// Reads the variable at the start of `text`. Text that only resembles a variable (`${1}`) is ordinary
    /// text.
    fn read(text: &'a str) -> Option<Variable<'a>> {
        let inner = text.strip_prefix("${")?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, behind) = inner.split_at(inner.find(|c| !is_name(c))?);
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return None;
        }

        let default = match behind.strip_prefix(':') {
            Some(rest) => Some(&rest[..rest.find('}')?]),
            None if behind.starts_with('}') => None,
            None => return None,
        };
        let length = "${}".len() + name.len() + default.map_or(0, |default| ":".len() + default.len());
        Some(Variable { name, default, length })
    }
}

impl Filled {
    /// Wraps text whose variables are filled already.
    pub(crate) fn finished(text: String) -> Filled {
        Filled { text, diagnostics: vec![], broken: false, fills: vec![] }
    }

    fn put(&mut self, value: Option<String>, name: &str, place: QuoteContext, origin: Span) {
        let start = self.text.len();
        match (value, place) {
            (Some(value), QuoteContext::Quoted(quote)) => {
                self.text.push_str(&value.replace(quote, &format!("{quote}{quote}")));
            }
            (Some(value), _) => self.text.push_str(&value),
            (None, _) => {
                let unset = Diagnostic::error(origin, format!("the variable `{name}` is not set"))
                    .with_hint(format!("set it, or give it a default: ${{{name}:default}}"));
                self.diagnostics.push(unset);
                self.broken |= !matches!(place, QuoteContext::Quoted(_));
            }
        }
        self.fills.push(Fill { start, end: self.text.len(), origin });
    }

    /// Maps a span of the filled text to the original script.
    pub(crate) fn origin(&self, span: Span) -> Span {
        // The last fill that fulfils a condition, which holds for all fills before it.
        let last = |fulfils: &dyn Fn(&Fill) -> bool| {
            self.fills.partition_point(fulfils).checked_sub(1).map(|place| &self.fills[place])
        };
        let start = match last(&|fill| fill.start <= span.start) {
            Some(fill) if span.start < fill.end => fill.origin.start,
            Some(fill) => fill.origin.end + (span.start - fill.end),
            None => span.start,
        };
        let end = match last(&|fill| fill.start < span.end) {
            Some(fill) if span.end <= fill.end => fill.origin.end,
            Some(fill) => fill.origin.end + (span.end - fill.end),
            None => span.end,
        };
        Span { start, end: end.max(start) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(script: &str) -> Filled {
        fill(script, &|name| match name {
            "TOPIC" => Some("it's".to_owned()),
            "DELAY" => Some("'5' SECOND".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn a_value_inside_quotes_cannot_end_them() {
        assert_eq!(filled("a '${TOPIC}' ${DELAY} '${X:d}'").text, "a 'it''s' '5' SECOND 'd'");
    }

    #[test]
    fn variables_of_secret_options_are_secret_and_so_are_those_that_say_it() {
        let script = "SET 'pipeline.name' = '${NAME}'; -- 'properties.sasl.password' = '${NOT_USED}'
            CREATE TABLE t (a INT) WITH ('topic' = '${TOPIC}', 'properties.bootstrap.servers' = '${BROKERS}',
              'properties.sasl.password'='${A}', 'properties.sasl.jaas.config' /* long */ =
              'x username=\"u\" password=\"${B:none}\"', 'properties.ssl.key.pem' = '-${C}-', 'key' = '${D}');
            SELECT '${MY_SECRET}' = '${E}', 'properties.x', '${F}'";
        let found: Vec<String> = secret_variables(script).into_iter().collect();
        assert_eq!(found, ["A", "B", "C", "MY_SECRET"]);
    }

    #[test]
    fn comments_are_left_alone() {
        assert_eq!(filled("-- ${A}\n/* ${B} */ '${X:}'").text, "-- ${A}\n/* ${B} */ ''");
    }

    #[test]
    fn text_that_resembles_a_variable_is_left_alone() {
        for text in ["${1}", "${}", "${a-b}", "${a b}", "${X:d", "${X", "$X}", "a } ${X:"] {
            assert_eq!(filled(text).text, text);
        }
        assert_eq!(filled("${X:d} ${Y:${Z:} ${X:").text, "d ${Z: ${X:");
        assert_eq!(filled("${_a1:d}'${X:${TOPIC}}'").text, "d'${TOPIC}'");
    }

    #[test]
    fn an_unset_variable_is_an_error_at_its_place() {
        let filled = filled("x '${NOPE}'");
        assert_eq!(filled.diagnostics[0].span, Span { start: 3, end: 10 });
        assert!(!filled.broken);
    }

    #[test]
    fn places_lead_back_to_the_original() {
        let filled = filled("'${TOPIC}' here");
        let here = filled.text.find("here").unwrap();
        assert_eq!(filled.origin(Span { start: here, end: here + 4 }), Span { start: 11, end: 15 });
        assert_eq!(filled.origin(Span { start: 0, end: 7 }), Span { start: 0, end: 10 });
        assert_eq!(filled.origin(Span { start: 2, end: 3 }), Span { start: 1, end: 9 });
    }
}
