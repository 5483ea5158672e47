//! Compact text of objects and arrays, for `STRING` columns whose records hold nested values.

use engine::dictionary::InvalidText;

use super::{number, scan, text, write};

/// Appends `json`, whose grammar has been checked, without blanks and in the form Jackson would write: only
/// the necessary escapes, and numbers with fractions in Java's form. UTF-8 is not checked.
pub(super) fn compact(json: &[u8], out: &mut Vec<u8>) -> Result<(), InvalidText> {
    let mut unescaped = Vec::new();
    let mut i = 0;

    while let Some(&byte) = json.get(i) {
        i = match byte {
            b' ' | b'\n' | b'\t' | b'\r' => i + 1,
            b'"' => {
                let inside = scan::string(json, i + 1).ok_or(InvalidText)?;
                let raw = &json[i + 1..inside.end];
                if inside.escaped {
                    unescaped.clear();
                    text::unescape(raw, &mut unescaped)?;
                    write::write_raw_string(out, &unescaped);
                } else {
                    write::write_raw_string(out, raw);
                }
                inside.end + 1
            }
            b'-' | b'0'..=b'9' => {
                let end = number::end(json, i).ok_or(InvalidText)?;
                write_number(&json[i..end], out);
                end
            }
            _ => {
                out.push(byte);
                i + 1
            }
        };
    }

    Ok(())
}

fn write_number(text: &[u8], out: &mut Vec<u8>) {
    let whole = !text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
    match number::double(text) {
        Some(value) if !whole && value.is_finite() => write::write_double(out, value),
        _ => out.extend_from_slice(text),
    }
}
