//! Text search and splitting by separators. Positions count code points from 1; 0 means not found.

use types::{DataType, Scalar};

use super::signature::{
    ArgumentKind, accept, fail, fallible, function, int, optional_int, simple, text, typed,
};
use super::text::{byte_of, length};
use super::{Argument, EvalError, Output, ScalarFunction, Signature, SignatureError};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function(
        "POSITION",
        "POSITION(search IN text), bound as POSITION(search, text): the first place; POSITION('b' IN 'abc') = 2",
        |a| {
            typed(
                a,
                "<search> IN <text>",
                &[ArgumentKind::Text, ArgumentKind::Text, ArgumentKind::Integer],
                2,
                DataType::Int,
            )
        },
        |_| simple(locate),
    ),
    function(
        "LOCATE",
        "LOCATE(search, text[, from]): the first place at or after from; LOCATE('a', 'banana', 3) = 4",
        |a| {
            typed(
                a,
                "<search>, <text>[, <from>]",
                &[ArgumentKind::Text, ArgumentKind::Text, ArgumentKind::Integer],
                2,
                DataType::Int,
            )
        },
        |_| simple(locate),
    ),
    function(
        "INSTR",
        "INSTR(text, search[, from[, n]]): the n-th place at or after from, backwards if from is negative; INSTR('banana', 'a', 1, 2) = 4",
        |a| {
            typed(
                a,
                "<text>, <search>[, <from>[, <n>]]",
                &[ArgumentKind::Text, ArgumentKind::Text, ArgumentKind::Integer, ArgumentKind::Integer],
                2,
                DataType::Int,
            )
        },
        |_| fallible(instr),
    ),
    function(
        "STARTSWITH",
        "STARTSWITH(text, start): whether it begins so; STARTSWITH('abc', 'ab') = TRUE",
        two_texts,
        |_| simple(|args, out| out.bool(text(args, 0).starts_with(text(args, 1)))),
    ),
    function(
        "ENDSWITH",
        "ENDSWITH(text, end): whether it ends so; ENDSWITH('abc', 'bc') = TRUE",
        two_texts,
        |_| simple(|args, out| out.bool(text(args, 0).ends_with(text(args, 1)))),
    ),
    function(
        "SPLIT_INDEX",
        "SPLIT_INDEX(text, separator, n): the n-th part, from 0, null beyond; SPLIT_INDEX('a,b,c', ',', 1) = 'b'",
        split_signature,
        |_| simple(split_index),
    ),
];

fn two_texts(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    typed(args, "<text>, <text>", &[ArgumentKind::Text, ArgumentKind::Text], 2, DataType::Boolean)
}

fn split_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let expected = "<text>, <separator or its code point>, <index>";
    let accepted =
        accept(args, expected, &[ArgumentKind::Text, ArgumentKind::Text, ArgumentKind::Integer], 3).or_else(
            |_| {
                accept(args, expected, &[ArgumentKind::Text, ArgumentKind::Integer, ArgumentKind::Integer], 3)
            },
        )?;
    Ok(Signature { args: accepted, result: DataType::STRING.nullable() })
}

/// Returns the position, from 1, of the first occurrence at or after code point `from`, counted from 0.
fn find(text: &str, search: &str, from: i64) -> Option<i64> {
    if search.is_empty() {
        return Some(1);
    }
    let from = from.max(0);
    let start = byte_of(text, from as u64);
    let at = text[start..].find(search)?;
    // If `from` is beyond the end, nothing is found; so here `from` is the number of code points before
    // `start`.
    Some(from.saturating_add(length(&text[start..start + at])).saturating_add(1))
}

fn locate(args: &[Scalar<'_>], out: &mut Output) {
    let from = optional_int(args, 2).unwrap_or(1).saturating_sub(1);
    out.int(find(text(args, 1), text(args, 0), from).unwrap_or(0));
}

fn instr(args: &[Scalar<'_>], out: &mut Output) -> Result<(), EvalError> {
    let (text, search) = (text(args, 0), text(args, 1));
    let from = optional_int(args, 2).unwrap_or(1);
    let nth = optional_int(args, 3).unwrap_or(1);
    if nth <= 0 {
        return Err(fail("nthAppearance must be positive!"));
    }

    let place = match from {
        0 => 0,
        1.. => find_nth(text, search, from, nth),
        _ => {
            let reversed = |s: &str| s.chars().rev().collect::<String>();
            match find_nth(&reversed(text), &reversed(search), from.saturating_neg(), nth) {
                0 => 0,
                place => length(text) + 2 - place - length(search),
            }
        }
    };

    out.int(place);
    Ok(())
}

fn find_nth(text: &str, search: &str, from: i64, nth: i64) -> i64 {
    if search.is_empty() {
        return 1;
    }
    let mut start = from;
    let mut place = 0;
    for _ in 0..nth {
        match find(text, search, start.saturating_sub(1)) {
            Some(found) => place = found,
            None => return 0,
        }
        start = place + 1;
    }
    place
}

fn split_index(args: &[Scalar<'_>], out: &mut Output) {
    let text = text(args, 0);
    let Ok(index) = usize::try_from(int(args, 2)) else { return out.null() };
    let part = match args.get(1) {
        _ if text.is_empty() => None,
        Some(Scalar::Text("")) => text.split(is_java_whitespace).nth(index),
        Some(Scalar::Text(separator)) => text.split(*separator).nth(index),
        Some(Scalar::Int(code @ 1..=255)) => text.split(char::from(*code as u8)).nth(index),
        _ => None,
    };
    out.text_or_null(part);
}

/// Tests for Java's `Character.isWhitespace`, which excludes non-breaking blanks.
fn is_java_whitespace(c: char) -> bool {
    matches!(c, '\t'..='\r' | '\u{1c}'..='\u{1f}')
        || c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{85}')
}
