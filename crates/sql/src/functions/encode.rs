//! Encodings of text and numbers: base 64, hexadecimal, URL, code points.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use types::{DataType, Scalar};

use super::signature::{
    ArgumentKind, accept, any_nullable, fail, fallible, function, int, nullable, shortened, simple, text,
    typed,
};
use super::{Argument, Output, ScalarFunction, Signature, SignatureError};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function(
        "TO_BASE64",
        "TO_BASE64(text): base 64 of its UTF-8; TO_BASE64('hello') = 'aGVsbG8='",
        one_text,
        |_| simple(|args, out| out.text(&base64(text(args, 0).as_bytes()))),
    ),
    function(
        "FROM_BASE64",
        "FROM_BASE64(text): the text that base 64 spells, fails the job for other text; FROM_BASE64('aGVsbG8=') = 'hello'",
        one_text,
        |_| {
            fallible(|args, out| {
                let encoded = text(args, 0);
                let decoded = BASE64
                    .decode(encoded)
                    .map_err(|e| fail(format!("{} is not base 64: {e}", shortened(encoded))))?;
                out.text(&String::from_utf8_lossy(&decoded));
                Ok(())
            })
        },
    ),
    function(
        "ASCII",
        "ASCII(text): the first byte, 0 for the empty text; ASCII('abc') = 97",
        |a| typed(a, "<text>", &[ArgumentKind::Text], 1, DataType::TinyInt),
        |_| simple(|args, out| out.int(text(args, 0).bytes().next().map_or(0, |b| i64::from(b as i8)))),
    ),
    function(
        "CHR",
        "CHR(n): the character of code n modulo 256, '' if negative; CHR(97) = 'a'",
        |a| typed(a, "<integer>", &[ArgumentKind::Integer], 1, DataType::STRING),
        |_| {
            simple(|args, out| match int(args, 0) {
                code if code < 0 => out.text(""),
                code => out.write_text(|to| to.push(char::from(code as u8))),
            })
        },
    ),
    function(
        "HEX",
        "HEX(x): capital hexadecimal of a whole number or of a text's UTF-8; HEX(255) = 'FF', HEX('a') = '61'",
        hex_signature,
        |_| simple(hex),
    ),
    function(
        "BIN",
        "BIN(n): a whole number in base 2; BIN(4) = '100'",
        |a| typed(a, "<integer>", &[ArgumentKind::Integer], 1, DataType::STRING),
        |_| simple(|args, out| out.text(&format!("{:b}", int(args, 0)))),
    ),
    function(
        "URL_ENCODE",
        "URL_ENCODE(text): as a form does, a blank as +; URL_ENCODE('a b/c') = 'a+b%2Fc'",
        one_text,
        |_| simple(url_encode),
    ),
    function(
        "URL_DECODE",
        "URL_DECODE(text): back from a form's spelling, null if malformed; URL_DECODE('a+b%2Fc') = 'a b/c'",
        |a| nullable(a, "<text>", &[ArgumentKind::Text], 1, DataType::STRING),
        |_| simple(url_decode),
    ),
];

/// Decodes like Java: padding may be missing, trailing bits are ignored.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Encodes bytes as base 64.
pub(super) fn base64(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

fn one_text(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    typed(args, "<text>", &[ArgumentKind::Text], 1, DataType::STRING)
}

fn hex_signature(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    let expected = "<integer or text>";
    let accepted = accept(args, expected, &[ArgumentKind::Integer], 1)
        .or_else(|_| accept(args, expected, &[ArgumentKind::Text], 1))?;
    let result = types::ColumnType { data_type: DataType::STRING, nullable: any_nullable(args) };
    Ok(Signature { args: accepted, result })
}

fn hex(args: &[Scalar<'_>], out: &mut Output) {
    match args.first() {
        Some(Scalar::Int(v)) => out.text(&format!("{v:X}")),
        _ => out.write_text(|to| text(args, 0).bytes().for_each(|byte| push_hex(byte, to))),
    }
}

fn push_hex(byte: u8, to: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    to.extend([byte >> 4, byte & 15].map(|d| char::from(DIGITS[usize::from(d)])));
}

fn url_encode(args: &[Scalar<'_>], out: &mut Output) {
    out.write_text(|to| {
        for byte in text(args, 0).bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                    to.push(char::from(byte))
                }
                b' ' => to.push('+'),
                _ => {
                    to.push('%');
                    push_hex(byte, to);
                }
            }
        }
    });
}

fn url_decode(args: &[Scalar<'_>], out: &mut Output) {
    let mut bytes = Vec::new();
    let mut rest = text(args, 0).as_bytes();

    loop {
        rest = match rest {
            [] => break,
            [b'+', rest @ ..] => {
                bytes.push(b' ');
                rest
            }
            [b'%', a, b, rest @ ..] => {
                let digit = |c: u8| char::from(c).to_digit(16).map(|d| d as u8);
                let (Some(a), Some(b)) = (digit(*a), digit(*b)) else { return out.null() };
                bytes.push(a << 4 | b);
                rest
            }
            [b'%', ..] => return out.null(),
            [byte, rest @ ..] => {
                bytes.push(*byte);
                rest
            }
        };
    }

    out.text(&String::from_utf8_lossy(&bytes));
}
