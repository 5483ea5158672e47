//! Translates Java's pattern language to that of the `regex` crate.
//!
//! Most of it is common to both. In Java, `\d`, `\w` and `\s` are ASCII, `.` stops at more line terminators,
//! `$` also matches before a final one, `\Q…\E` quotes, and `\uXXXX` is a character.

use super::PatternError;

const NOT_A_TERMINATOR: &str = r"[^\n\r\x{85}\x{2028}\x{2029}]";
const HORIZONTAL: &str = r"[ \t\x{a0}\x{1680}\x{180e}\x{2000}-\x{200a}\x{202f}\x{205f}\x{3000}]";
const VERTICAL: &str = r"[\n\x0b\x0c\r\x{85}\x{2028}\x{2029}]";

struct Translator<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    out: String,
    /// Number of open character classes.
    classes: usize,
    dot_matches_all: bool,
    multi_line: bool,
    has_dollar: bool,
}

/// Returns the translated pattern, and whether it has a `$`.
pub(super) fn translate(pattern: &str) -> Result<(String, bool), PatternError> {
    let mut t = Translator {
        rest: pattern.chars().peekable(),
        out: String::with_capacity(pattern.len() + 16),
        classes: 0,
        dot_matches_all: false,
        multi_line: false,
        has_dollar: false,
    };

    while let Some(c) = t.rest.next() {
        match c {
            '\\' => t.escape()?,
            '[' => {
                t.classes += 1;
                t.out.push('[');
                if t.rest.next_if_eq(&'^').is_some() {
                    t.out.push('^');
                }
            }
            ']' if t.classes > 0 => {
                t.classes -= 1;
                t.out.push(']');
            }
            // These are set operators in the crate, but not in Java.
            '-' | '~' if t.classes > 0 && t.rest.peek() == Some(&c) => t.out.extend(['\\', c]),
            _ if t.classes > 0 => t.out.push(c),
            '.' if t.dot_matches_all => t.out.push_str("(?s:.)"),
            '.' => t.out.push_str(NOT_A_TERMINATOR),
            '$' if t.multi_line => t.out.push('$'),
            '$' => {
                t.has_dollar = true;
                t.out.push_str(r"\z");
            }
            '(' => t.group()?,
            '*' | '+' | '?' => t.quantifier(c)?,
            '{' => {
                t.out.push('{');
                for c in t.rest.by_ref() {
                    t.out.push(c);
                    if c == '}' {
                        break;
                    }
                }
                t.refuse_possessive()?;
            }
            c => t.out.push(c),
        }
    }

    Ok((t.out, t.has_dollar))
}

fn unsupported<T>(what: &str) -> Result<T, PatternError> {
    Err(PatternError::Unsupported(what.to_owned()))
}

fn broken<T>(why: &str) -> Result<T, PatternError> {
    Err(PatternError::Broken(why.to_owned()))
}

impl Translator<'_> {
    fn quantifier(&mut self, c: char) -> Result<(), PatternError> {
        self.out.push(c);
        self.refuse_possessive()
    }

    /// Handles what follows a quantifier: `?` makes it reluctant, `+` would make it possessive.
    fn refuse_possessive(&mut self) -> Result<(), PatternError> {
        if self.rest.next_if_eq(&'?').is_some() {
            self.out.push('?');
        }
        match self.rest.peek() {
            Some('+') => unsupported("possessive quantifiers"),
            Some('*' | '?') => broken("dangling meta character"),
            _ => Ok(()),
        }
    }

    fn group(&mut self) -> Result<(), PatternError> {
        self.out.push('(');
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        self.out.push('?');
        match self.rest.peek() {
            Some('=' | '!') => unsupported("look-ahead"),
            Some('>') => unsupported("atomic groups"),
            Some('<') => {
                self.rest.next();
                if matches!(self.rest.peek(), Some('=' | '!')) {
                    return unsupported("look-behind");
                }
                self.out.push('<');
                Ok(())
            }
            _ => self.flags(),
        }
    }

    fn flags(&mut self) -> Result<(), PatternError> {
        let mut on = true;
        while let Some(&c) = self.rest.peek() {
            match c {
                's' => self.dot_matches_all = on,
                'm' => self.multi_line = on,
                '-' => on = false,
                'i' | 'x' => {}
                // Unicode case folding: the crate's `i` always uses it.
                'u' => {
                    self.rest.next();
                    continue;
                }
                'd' | 'U' => return unsupported("the flags d and U"),
                _ => break,
            }
            self.out.push(c);
            self.rest.next();
        }

        if self.out.ends_with('?') && self.rest.peek() == Some(&')') {
            // All flags were dropped, because the crate needs none of them.
            self.out.push(':');
        }

        Ok(())
    }

    /// Adds a class, which is part of the open class if there is one.
    fn class(&mut self, members: &str, negated: bool) {
        self.out.push_str(if negated { "[^" } else { "[" });
        self.out.push_str(members);
        self.out.push(']');
    }

    fn escape(&mut self) -> Result<(), PatternError> {
        let Some(c) = self.rest.next() else { return broken("unexpected end after a backslash") };
        match c {
            'd' | 'D' => self.class("0-9", c == 'D'),
            'w' | 'W' => self.class("a-zA-Z_0-9", c == 'W'),
            's' | 'S' => self.class(r" \t\n\x0b\x0c\r", c == 'S'),
            'h' => self.out.push_str(HORIZONTAL),
            'v' => self.out.push_str(VERTICAL),
            'R' => self.out.push_str(r"(?:\r\n|[\n\x0b\x0c\r\x{85}\x{2028}\x{2029}])"),
            'Q' => self.quote(),
            'E' => {}
            'Z' => {
                self.has_dollar = true;
                self.out.push_str(r"\z");
            }
            'A' | 'z' | 'b' | 'B' | 'n' | 'r' | 't' | 'f' | 'a' => self.out.extend(['\\', c]),
            'e' => self.out.push_str(r"\x1b"),
            'p' | 'P' => self.property(c)?,
            'u' => self.code_point(4)?,
            'x' if self.rest.peek() == Some(&'{') => self.out.push_str(r"\x"),
            'x' => self.code_point(2)?,
            '0' => self.octal()?,
            '1'..='9' | 'k' => return unsupported("back-references"),
            'G' | 'X' | 'N' | 'H' | 'V' => return unsupported(&format!("`\\{c}`")),
            'c' => match self.rest.next() {
                Some(c) if c.is_ascii() => self.push_code_point(u32::from(c) ^ 64)?,
                _ => return broken("illegal control escape"),
            },
            c if c.is_ascii_alphabetic() => return broken("illegal escape"),
            // `\<` would be the start of a word in the crate.
            '<' | '>' => self.out.push(c),
            c if c.is_ascii_punctuation() => self.out.extend(['\\', c]),
            c => self.out.push(c),
        }
        Ok(())
    }

    fn quote(&mut self) {
        let mut quoted = String::new();
        for c in self.rest.by_ref() {
            quoted.push(c);
            if quoted.ends_with(r"\E") {
                quoted.truncate(quoted.len() - 2);
                break;
            }
        }
        self.out.push_str(&::regex::escape(&quoted));
    }

    fn property(&mut self, letter: char) -> Result<(), PatternError> {
        let negated = letter == 'P';
        let name: String = match self.rest.next() {
            Some('{') => self.rest.by_ref().take_while(|c| *c != '}').collect(),
            Some(c) => c.to_string(),
            None => return broken("unknown character property"),
        };

        let members = match name.as_str() {
            "Lower" => "a-z",
            "Upper" => "A-Z",
            "ASCII" => r"\x00-\x7f",
            "Alpha" => "a-zA-Z",
            "Digit" => "0-9",
            "Alnum" => "a-zA-Z0-9",
            "Punct" => r"!-/:-@\[-`{-\x7e",
            "Graph" => r"!-\x7e",
            "Print" => r" -\x7e",
            "Blank" => r" \t",
            "Cntrl" => r"\x00-\x1f\x7f",
            "XDigit" => "0-9a-fA-F",
            "Space" => r" \t\n\x0b\x0c\r",
            _ if name.starts_with("java") || name.starts_with("In") => {
                return unsupported(&format!("`\\p{{{name}}}`"));
            }
            _ => {
                let name = name.strip_prefix("Is").unwrap_or(&name);
                self.out.push_str(&format!(r"\{letter}{{{name}}}"));
                return Ok(());
            }
        };

        self.class(members, negated);
        Ok(())
    }

    fn code_point(&mut self, digits: usize) -> Result<(), PatternError> {
        let text: String = self.rest.by_ref().take(digits).collect();
        match u32::from_str_radix(&text, 16) {
            Ok(code) if text.len() == digits && !text.starts_with('+') => self.push_code_point(code),
            _ => broken("illegal hexadecimal escape"),
        }
    }

    fn octal(&mut self) -> Result<(), PatternError> {
        let mut code = 0;
        let mut digits = 0;
        while let Some(digit) = self.rest.peek().and_then(|c| c.to_digit(8)) {
            if digits == 3 || digits == 2 && code > 0o37 {
                break;
            }
            code = code * 8 + digit;
            digits += 1;
            self.rest.next();
        }
        if digits == 0 { broken("illegal octal escape") } else { self.push_code_point(code) }
    }

    fn push_code_point(&mut self, code: u32) -> Result<(), PatternError> {
        if char::from_u32(code).is_none() {
            return unsupported("half a surrogate pair");
        }
        self.out.push_str(&format!(r"\x{{{code:x}}}"));
        Ok(())
    }
}
