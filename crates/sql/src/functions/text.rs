//! Functions on text: case, trimming, parts and joins. Positions count code points from 1.

use types::{DataType, Scalar};

use super::signature::{
    ArgumentKind, any_nullable, fallible, function, int, literal_text, mismatch, nullable, optional_int,
    optional_text, simple, text, typed,
};
use super::{
    Argument, Code, EvalError, Nulls, Output, ScalarCall, ScalarFunction, Signature, SignatureError,
};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function("LOWER", "LOWER(text): small letters; LOWER('ĐÀ') = 'đà'", one_text, |_| {
        simple(|args, out| lower(text(args, 0), out))
    }),
    function("UPPER", "UPPER(text): capital letters; UPPER('straße') = 'STRASSE'", one_text, |_| {
        simple(|args, out| upper(text(args, 0), out))
    }),
    function(
        "INITCAP",
        "INITCAP(text): a capital at each word's start, of ASCII letters only; INITCAP('big data') = 'Big Data'",
        one_text,
        |_| simple(|args, out| initcap(text(args, 0), out)),
    ),
    function(
        "TRIM",
        "TRIM(text), TRIM([BOTH|LEADING|TRAILING] characters FROM text), bound as TRIM(characters, text, 'BOTH'): without blanks (U+0020) or the characters at its ends; TRIM('  a ') = 'a'",
        trim_signature,
        prepare_trim,
    ),
    function(
        "LTRIM",
        "LTRIM(text[, characters]): without them at its start; LTRIM('  a ') = 'a '",
        text_and_characters,
        |_| trim_code(Ends::Leading, 0, 1),
    ),
    function(
        "RTRIM",
        "RTRIM(text[, characters]): without them at its end; RTRIM(' a  ') = ' a'",
        text_and_characters,
        |_| trim_code(Ends::Trailing, 0, 1),
    ),
    function(
        "BTRIM",
        "BTRIM(text[, characters]): without them at both ends; BTRIM('xax', 'x') = 'a'",
        text_and_characters,
        |_| trim_code(Ends::Both, 0, 1),
    ),
    ScalarFunction {
        aliases: &["CHARACTER_LENGTH"],
        ..function(
            "CHAR_LENGTH",
            "CHAR_LENGTH(text): number of code points; CHAR_LENGTH('học') = 3",
            length_signature,
            |_| simple(|args, out| out.int(length(text(args, 0)))),
        )
    },
    ScalarFunction {
        aliases: &["SUBSTR"],
        ..function(
            "SUBSTRING",
            "SUBSTRING(text, start[, length]): a part, counted from the end if start is negative; SUBSTRING('abcde', 2, 3) = 'bcd'",
            |a| {
                nullable(
                    a,
                    "<text>, <start>[, <length>]",
                    &[ArgumentKind::Text, ArgumentKind::Integer, ArgumentKind::Integer],
                    2,
                    DataType::STRING,
                )
            },
            |_| simple(substring),
        )
    },
    function("LEFT", "LEFT(text, n): the first n characters; LEFT('abc', 2) = 'ab'", text_and_number, |_| {
        simple(|args, out| {
            let text = text(args, 0);
            out.text(&text[..byte_of(text, int(args, 1).max(0) as u64)]);
        })
    }),
    function(
        "RIGHT",
        "RIGHT(text, n): the last n characters; RIGHT('abc', 2) = 'bc'",
        text_and_number,
        |_| {
            simple(|args, out| {
                let text = text(args, 0);
                let skipped = length(text).saturating_sub(int(args, 1).max(0)).max(0);
                out.text(&text[byte_of(text, skipped as u64)..]);
            })
        },
    ),
    function("REVERSE", "REVERSE(text): backwards; REVERSE('học') = 'cọh'", one_text, |_| {
        simple(|args, out| out.write_text(|to| to.extend(text(args, 0).chars().rev())))
    }),
    ScalarFunction {
        aliases: &["||"],
        ..function(
            "CONCAT",
            "CONCAT(a, b, …) or a || b: joined, null if any is null; CONCAT('a', 'b') = 'ab'",
            concat_signature,
            |_| {
                fallible(|args, out| {
                    EvalError::if_too_long((0..args.len()).map(|i| text(args, i).len()).sum())?;
                    out.write_text(|to| (0..args.len()).for_each(|i| to.push_str(text(args, i))));
                    Ok(())
                })
            },
        )
    },
    ScalarFunction {
        nulls: Nulls::Handled,
        ..function(
            "CONCAT_WS",
            "CONCAT_WS(separator, a, b, …): joined, nulls left out; CONCAT_WS('-', 'a', NULL, 'b') = 'a-b'",
            concat_ws_signature,
            |_| fallible(concat_ws),
        )
    },
];

fn one_text(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    typed(args, "<text>", &[ArgumentKind::Text], 1, DataType::STRING)
}

fn length_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    typed(args, "<text>", &[ArgumentKind::Text], 1, DataType::Int)
}

fn text_and_number(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    typed(
        args,
        "<text>, <number of characters>",
        &[ArgumentKind::Text, ArgumentKind::Integer],
        2,
        DataType::STRING,
    )
}

fn text_and_characters(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    typed(args, "<text>[, <characters>]", &[ArgumentKind::Text, ArgumentKind::Text], 1, DataType::STRING)
}

fn all_text(args: &[Argument<'_>], expected: &str) -> Result<Signature, SignatureError> {
    if args.is_empty() {
        return Err(mismatch(expected));
    }
    typed(args, expected, &vec![ArgumentKind::Text; args.len()], 1, DataType::STRING)
}

fn concat_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    all_text(args, "<text>, <text>, …")
}

fn concat_ws_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let mut signature = all_text(args, "<separator>, <text>, …")?;
    // Only a null separator makes the result null.
    signature.result.nullable = any_nullable(&args[..1]);
    Ok(signature)
}

pub(super) fn lower(text: &str, out: &mut Output) {
    if text.is_ascii() {
        out.write_text(|to| to.extend(text.chars().map(|c| c.to_ascii_lowercase())));
    } else {
        // Both Rust and Java follow Unicode without a language: final sigma, dotted capital I.
        out.text(&text.to_lowercase());
    }
}

fn upper(text: &str, out: &mut Output) {
    out.text(&text.to_uppercase());
}

fn initcap(text: &str, out: &mut Output) {
    out.write_text(|to| {
        let mut inside = false;
        to.extend(text.chars().map(|c| {
            let c = if inside { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
            inside = c.is_ascii_alphanumeric();
            c
        }));
    });
}

/// Returns the number of code points.
pub(super) fn length(text: &str) -> i64 {
    text.chars().count() as i64
}

/// Returns the byte position of code point `index`, counted from 0, or the end of the text.
pub(super) fn byte_of(text: &str, index: u64) -> usize {
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    if text.is_ascii() {
        return index.min(text.len());
    }
    text.char_indices().nth(index).map_or(text.len(), |(at, _)| at)
}

fn substring(args: &[Scalar<'_>], out: &mut Output) {
    let text = text(args, 0);
    let start = int(args, 1);
    let wanted = optional_int(args, 2).unwrap_or(i64::MAX);
    if wanted < 0 {
        return out.null();
    }

    let skipped = match start {
        1.. => start - 1,
        0 => 0,
        _ => {
            let skipped = length(text).saturating_add(start);
            if skipped < 0 {
                return out.text("");
            }
            skipped
        }
    };

    let rest = &text[byte_of(text, skipped as u64)..];
    out.text(&rest[..byte_of(rest, wanted as u64)]);
}

fn concat_ws(args: &[Scalar<'_>], out: &mut Output) -> Result<(), EvalError> {
    let Some(separator) = optional_text(args, 0) else {
        out.null();
        return Ok(());
    };
    let parts = || (1..args.len()).filter_map(|i| optional_text(args, i));
    EvalError::if_too_long(parts().map(|part| part.len() + separator.len()).sum())?;

    out.write_text(|to| {
        let mut first = true;
        for part in parts() {
            if !first {
                to.push_str(separator);
            }
            to.push_str(part);
            first = false;
        }
    });
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Both,
    Leading,
    Trailing,
}

fn trim_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let modes = ArgumentKind::Word(&["BOTH", "LEADING", "TRAILING"]);
    let expected = "<text>, or [BOTH|LEADING|TRAILING] <characters> FROM <text>";
    match args.len() {
        1 => one_text(args),
        2 => Err(mismatch(expected)),
        _ => typed(args, expected, &[ArgumentKind::Text, ArgumentKind::Text, modes], 3, DataType::STRING),
    }
}

fn prepare_trim(call: &ScalarCall<'_>) -> Result<Code, String> {
    let mode = literal_text(call, 2).unwrap_or("BOTH").trim_end().to_uppercase();
    let ends = match mode.as_str() {
        "LEADING" => Ends::Leading,
        "TRAILING" => Ends::Trailing,
        _ => Ends::Both,
    };
    if call.args.len() == 1 { trim_code(ends, 0, 1) } else { trim_code(ends, 1, 0) }
}

fn trim_code(ends: Ends, text_at: usize, characters_at: usize) -> Result<Code, String> {
    simple(move |args, out| {
        let mut text = text(args, text_at);
        let characters = optional_text(args, characters_at).unwrap_or(" ");
        let taken = |c: char| characters.contains(c);
        if ends != Ends::Trailing {
            text = text.trim_start_matches(taken);
        }
        if ends != Ends::Leading {
            text = text.trim_end_matches(taken);
        }
        out.text(text);
    })
}
