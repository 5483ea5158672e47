//! `LIKE` and `SIMILAR TO`.

use std::sync::Arc;

use memchr::memmem::Finder;
use types::{DataType, Scalar};

use super::of_text::TruthCode;
use super::regex::JavaRegex;
use super::signature::{ArgumentKind, fail, function, literal_text, optional_text, text, typed};
use super::{Argument, Code, Env, EvalError, Output, ScalarCall, ScalarFunction, Signature, SignatureError};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function(
        "LIKE",
        "text LIKE pattern [ESCAPE c], bound as LIKE(text, pattern[, c]): % is any text, _ any character, no escape unless given; 'abc' LIKE 'a%' = TRUE",
        signature,
        |call| {
            prepare(call, |pattern, escape| {
                Like::compile(pattern, escape).map(|like| move |text: &str| like.matches(text))
            })
        },
    ),
    function(
        "SIMILAR TO",
        "text SIMILAR TO pattern [ESCAPE c], bound as SIMILAR TO(text, pattern[, c]): like LIKE, with | * + ? {n} ( ) [ ] and, for any character, a point; 'abb' SIMILAR TO 'a(b|c)*' = TRUE",
        signature,
        |call| {
            prepare(call, |pattern, escape| {
                similar(pattern, escape).map(|regex| move |text: &str| regex.is_match(text))
            })
        },
    ),
];

/// Returns whether a text is `LIKE` a pattern without an escape, or `None` if the pattern is invalid.
pub(crate) fn is_like(text: &str, pattern: &str) -> Option<bool> {
    Like::compile(pattern, None).ok().map(|like| like.matches(text))
}

/// Prepares `LIKE` with a literal pattern without an escape.
pub(super) fn truth(pattern: &str) -> Option<TruthCode> {
    Some(match Like::compile(pattern, None).ok()? {
        Like::Contains(part) => {
            let finder = Finder::new(&part).into_owned();
            Arc::new(move |text| finder.find(text.as_bytes()).is_some())
        }
        like => Arc::new(move |text| like.matches(text)),
    })
}

fn signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    typed(args, "<text>, <pattern>[, <escape>]", &[ArgumentKind::Text; 3], 2, DataType::Boolean)
}

/// Compiles a literal pattern once, other patterns for each row.
fn prepare<M: Fn(&str) -> bool + Send + Sync + 'static>(
    call: &ScalarCall<'_>,
    compile: impl Fn(&str, Option<&str>) -> Result<M, String> + Send + Sync + 'static,
) -> Result<Code, String> {
    let escape_is_known = call.args.len() < 3 || literal_text(call, 2).is_some();
    if let (Some(pattern), true) = (literal_text(call, 1), escape_is_known) {
        let matches = compile(pattern, literal_text(call, 2))?;
        return Ok(Arc::new(move |_: &Env, args: &[Scalar<'_>], out: &mut Output| {
            out.bool(matches(text(args, 0)));
            Ok(())
        }));
    }
    Ok(Arc::new(move |_: &Env, args: &[Scalar<'_>], out: &mut Output| -> Result<(), EvalError> {
        let matches = compile(text(args, 1), optional_text(args, 2)).map_err(fail)?;
        out.bool(matches(text(args, 0)));
        Ok(())
    }))
}

fn escape_character(escape: Option<&str>) -> Result<Option<char>, String> {
    let Some(escape) = escape else { return Ok(None) };
    let mut chars = escape.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(Some(c)),
        _ => Err(format!("Invalid escape character '{escape}'")),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    AnyText,
    AnyChar,
}

/// A compiled pattern of `LIKE`.
#[derive(Debug, PartialEq, Eq)]
enum Like {
    Exactly(String),
    StartsWith(String),
    EndsWith(String),
    Contains(String),
    Tokens(Vec<Token>),
}

impl Like {
    fn compile(pattern: &str, escape: Option<&str>) -> Result<Like, String> {
        let escape = escape_character(escape)?;
        let mut tokens = Vec::new();
        let mut chars = pattern.chars();

        while let Some(c) = chars.next() {
            tokens.push(match c {
                c if Some(c) == escape => match chars.next() {
                    Some(next) if matches!(next, '%' | '_') || Some(next) == escape => Token::Char(next),
                    _ => return Err(format!("Invalid escape sequence in the pattern '{pattern}'")),
                },
                '%' => Token::AnyText,
                '_' => Token::AnyChar,
                c => Token::Char(c),
            });
        }

        tokens.dedup_by(|a, b| *a == Token::AnyText && *b == Token::AnyText);
        let text = |tokens: &[Token]| {
            let chars = tokens.iter().map(|t| if let Token::Char(c) = t { Some(*c) } else { None });
            chars.collect::<Option<String>>()
        };

        let simple = match tokens.as_slice() {
            [Token::AnyText, inner @ .., Token::AnyText] => text(inner).map(Like::Contains),
            [Token::AnyText, end @ ..] => text(end).map(Like::EndsWith),
            [start @ .., Token::AnyText] => text(start).map(Like::StartsWith),
            all => text(all).map(Like::Exactly),
        };

        Ok(simple.unwrap_or(Like::Tokens(tokens)))
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Like::Exactly(all) => text == all,
            Like::StartsWith(start) => text.starts_with(start.as_str()),
            Like::EndsWith(end) => text.ends_with(end.as_str()),
            Like::Contains(part) => text.contains(part.as_str()),
            Like::Tokens(tokens) => matches(tokens, text),
        }
    }
}

/// Matches with each `%` taking as little text as possible. Only the last `%` is retried, so the time is at
/// most quadratic.
fn matches(tokens: &[Token], text: &str) -> bool {
    let (mut token, mut rest) = (0, text);
    let mut retry: Option<(usize, &str)> = None;

    loop {
        let mut chars = rest.chars();
        match (tokens.get(token), chars.next()) {
            (None, None) => return true,
            (Some(Token::AnyText), _) => {
                token += 1;
                retry = Some((token, rest));
                continue;
            }
            (Some(Token::Char(wanted)), Some(c)) if *wanted == c => {
                (token, rest) = (token + 1, chars.as_str());
                continue;
            }
            // As in Java's patterns, `_` does not match a line terminator.
            (Some(Token::AnyChar), Some(c))
                if !matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}') =>
            {
                (token, rest) = (token + 1, chars.as_str());
                continue;
            }
            _ => {}
        }
        let Some((after, from)) = retry else { return false };
        let mut chars = from.chars();
        if chars.next().is_none() {
            return false;
        }
        retry = Some((after, chars.as_str()));
        (token, rest) = (after, chars.as_str());
    }
}

/// Characters with a meaning in `SIMILAR TO`; only they may follow an escape.
const SIMILAR_SPECIALS: &str = "[]()|^-+*_%?{}";

/// Translates a `SIMILAR TO` pattern to a regular expression for the whole text.
///
/// As in Calcite, `%` matches any text including line ends, and `_` any character but line ends. A point is
/// not escaped, so it means the same as `_`; `$` and `\` are literal.
fn similar(pattern: &str, escape: Option<&str>) -> Result<JavaRegex, String> {
    let escape = escape_character(escape)?;
    let invalid = || format!("Invalid regular expression '{pattern}'");
    let mut java = String::from(r"\A(?:");
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            c if Some(c) == escape => java.push_str(&escaped(chars.next(), escape, pattern)?),
            '_' => java.push('.'),
            '%' => java.push_str("(?s:.*)"),
            '[' => chars = similar_class(chars, &mut java, escape, pattern)?,
            ']' => return Err(invalid()),
            '$' | '\\' => java.extend(['\\', c]),
            c => java.push(c),
        }
    }
    java.push_str(r")\z");
    JavaRegex::compile(&java).map_err(|e| format!("{}: {e}", invalid()))
}

/// Returns the escaped character in the form of a regular expression.
fn escaped(next: Option<char>, escape: Option<char>, pattern: &str) -> Result<String, String> {
    match next {
        Some(next) if SIMILAR_SPECIALS.contains(next) || Some(next) == escape => {
            let needs_escape = next.is_ascii_punctuation() && next != '_' && next != '%';
            Ok(if needs_escape { format!("\\{next}") } else { next.to_string() })
        }
        _ => Err(format!("Invalid escape sequence in the pattern '{pattern}'")),
    }
}

/// Translates `[a-c]`, `[^a]` or `[[:ALPHA:]]` after the opening bracket; returns the text behind the closing
/// one.
fn similar_class<'p>(
    mut chars: std::str::Chars<'p>,
    java: &mut String,
    escape: Option<char>,
    pattern: &str,
) -> Result<std::str::Chars<'p>, String> {
    let invalid = || format!("Invalid regular expression '{pattern}'");

    java.push('[');
    while let Some(c) = chars.next() {
        match c {
            ']' => {
                java.push(']');
                return Ok(chars);
            }
            c if Some(c) == escape => java.push_str(&escaped(chars.next(), escape, pattern)?),
            '-' | '^' => java.push(c),
            '[' if chars.as_str().starts_with(':') => {
                let rest = &chars.as_str()[1..];
                let (name, behind) = rest.split_once(":]").ok_or_else(invalid)?;
                java.push_str(posix_class(name).ok_or_else(invalid)?);
                chars = behind.chars();
            }
            c if SIMILAR_SPECIALS.contains(c) => return Err(invalid()),
            '\\' => java.push_str(r"\\"),
            c => java.push(c),
        }
    }

    Err(invalid())
}

fn posix_class(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_uppercase().as_str() {
        "ALPHA" => r"\p{Alpha}",
        "UPPER" => r"\p{Upper}",
        "LOWER" => r"\p{Lower}",
        "DIGIT" => r"\d",
        "SPACE" => " ",
        "WHITESPACE" => r"\s",
        "ALNUM" => r"\p{Alnum}",
        _ => return None,
    })
}
