//! Digests of a text's UTF-8 bytes, as lower-case hexadecimal.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use types::DataType;

use super::signature::{ArgumentKind, function, int, nullable, simple, text, typed};
use super::{Argument, Code, Output, ScalarFunction, Signature, SignatureError};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function("MD5", "MD5(text): 32 digits; MD5('') = 'd41d8cd98f00b204e9800998ecf8427e'", one_text, |_| {
        digest::<Md5>()
    }),
    function(
        "SHA1",
        "SHA1(text): 40 digits; SHA1('') = 'da39a3ee5e6b4b0d3255bfef95601890afd80709'",
        one_text,
        |_| digest::<Sha1>(),
    ),
    function("SHA224", "SHA224(text): 56 digits", one_text, |_| digest::<Sha224>()),
    function("SHA256", "SHA256(text): 64 digits", one_text, |_| digest::<Sha256>()),
    function("SHA384", "SHA384(text): 96 digits", one_text, |_| digest::<Sha384>()),
    function("SHA512", "SHA512(text): 128 digits", one_text, |_| digest::<Sha512>()),
    function(
        "SHA2",
        "SHA2(text, bits): SHA-224, 256, 384 or 512, null for other bits; SHA2(x, 256) = SHA256(x)",
        |a| nullable(a, "<text>, <bits>", &[ArgumentKind::Text, ArgumentKind::Integer], 2, DataType::STRING),
        |_| {
            simple(|args, out| match int(args, 1) {
                224 => write::<Sha224>(text(args, 0), out),
                256 => write::<Sha256>(text(args, 0), out),
                384 => write::<Sha384>(text(args, 0), out),
                512 => write::<Sha512>(text(args, 0), out),
                _ => out.null(),
            })
        },
    ),
];

fn one_text(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    typed(args, "<text>", &[ArgumentKind::Text], 1, DataType::STRING)
}

fn digest<D: Digest>() -> Result<Code, String> {
    simple(|args, out| write::<D>(text(args, 0), out))
}

fn write<D: Digest>(text: &str, out: &mut Output) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = D::digest(text);
    out.write_text(|to| {
        to.extend(digest.iter().flat_map(|b| [b >> 4, b & 15]).map(|d| char::from(DIGITS[usize::from(d)])));
    });
}
