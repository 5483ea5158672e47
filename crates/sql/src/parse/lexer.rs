//! The lexer: tokens with their spans in the original script.

use sqlparser::dialect::Dialect;
use sqlparser::tokenizer::{Location, Token, Tokenizer, Whitespace};

use crate::error::{Diagnostic, Span};
use crate::variables::Filled;

/// Flink's lexical rules: names in back-quotes, texts in single quotes, doubled quotes as escapes.
#[derive(Debug)]
struct Flink;

impl Dialect for Flink {
    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '`'
    }

    fn is_identifier_start(&self, c: char) -> bool {
        c.is_alphabetic() || c == '_' || c == '$'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        self.is_identifier_start(c) || c.is_alphanumeric()
    }
}

/// A token and its span.
#[derive(Debug, Clone)]
pub(crate) struct Lexeme {
    pub(crate) token: Token,
    pub(crate) span: Span,
}

/// Opening and closing of a hint, `/*+ OPTIONS('key' = 'value') */`. For sqlparser, hints are comments.
pub(super) const HINT_OPENS: &str = "/*+";
pub(super) const HINT_CLOSES: &str = "*/";

/// The operator `!=`, a synonym of `<>`; sqlparser has one token for both.
pub(super) const BANG_EQUAL: &str = "!=";

/// Creates a token that no script text produces.
pub(super) fn mark(text: &str) -> Token {
    Token::CustomBinaryOperator(text.to_owned())
}

/// Returns the tokens of a script without blanks and comments, followed by an end marker. The tokens of a
/// hint stand between [`HINT_OPENS`] and [`HINT_CLOSES`].
///
/// # Errors
/// Also returns a diagnostic for text that is no token: an unterminated text, name or comment. The tokens
/// before it are returned too.
pub(crate) fn lexemes(filled: &Filled) -> (Vec<Lexeme>, Option<Diagnostic>) {
    let mut raw = Vec::new();
    let failure = Tokenizer::new(&Flink, &filled.text).tokenize_with_location_into_buf(&mut raw).err();
    let mut ruler = Ruler::new(&filled.text);
    let mut lexemes = Vec::with_capacity(raw.len() / 2 + 1);

    for token in raw {
        let start = ruler.offset_of(token.span.start);
        let end = ruler.offset_of(token.span.end);
        match token.token {
            Token::Whitespace(Whitespace::MultiLineComment(text)) if text.starts_with('+') => {
                add_hint(filled, Span { start, end }, &mut lexemes);
            }
            Token::Whitespace(_) => {}
            token => {
                let is_bang = token == Token::Neq && filled.text[start..end].starts_with('!');
                let token = if is_bang { mark(BANG_EQUAL) } else { token };
                lexemes.push(Lexeme { token, span: filled.origin(Span { start, end }) });
            }
        }
    }

    let end = filled.origin(Span { start: filled.text.len(), end: filled.text.len() });
    lexemes.push(Lexeme { token: Token::EOF, span: end });

    let failure = failure.map(|error| {
        let start = ruler.offset_of(error.location);
        let width = filled.text[start..].chars().next().map_or(0, char::len_utf8);
        let span = filled.origin(Span { start, end: start + width });
        Diagnostic::error(span, lower_first(&error.message))
    });

    (lexemes, failure)
}

/// Adds the tokens of a hint, the comment at `comment` in the filled text.
fn add_hint(filled: &Filled, comment: Span, lexemes: &mut Vec<Lexeme>) {
    let inside = Span {
        start: comment.start + HINT_OPENS.len(),
        end: comment.end.saturating_sub(HINT_CLOSES.len()).max(comment.start + HINT_OPENS.len()),
    };
    let text = &filled.text[inside.start..inside.end];
    let mut raw = Vec::new();
    // Text that is no token ends the hint early, which the parser reports.
    let _ = Tokenizer::new(&Flink, text).tokenize_with_location_into_buf(&mut raw);

    let mut add = |token: Token, start: usize, end: usize| {
        lexemes.push(Lexeme { token, span: filled.origin(Span { start, end }) });
    };
    add(mark(HINT_OPENS), comment.start, inside.start);
    let mut ruler = Ruler::new(text);
    for token in raw {
        let start = inside.start + ruler.offset_of(token.span.start);
        let end = inside.start + ruler.offset_of(token.span.end);
        if !matches!(token.token, Token::Whitespace(_)) {
            add(token.token, start, end);
        }
    }
    add(mark(HINT_CLOSES), inside.end, comment.end);
}

fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}

/// Converts lines and columns, in ascending order, to byte offsets.
struct Ruler<'a> {
    text: &'a str,
    offset: usize,
    line: u64,
    column: u64,
}

impl<'a> Ruler<'a> {
    fn new(text: &'a str) -> Ruler<'a> {
        Ruler { text, offset: 0, line: 1, column: 1 }
    }

    fn offset_of(&mut self, location: Location) -> usize {
        while (self.line, self.column) < (location.line, location.column) {
            let Some(c) = self.text[self.offset..].chars().next() else { break };
            self.offset += c.len_utf8();
            if c == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.offset
    }
}
