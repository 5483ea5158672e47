//! Composes an event directly in a buffer of lines.

use std::io::Write as _;

use jiff::tz::TimeZone;

use super::draw::{Draw, Weighted};
use super::people;
use super::stamp::{Stamp, TimeForm};
use super::words::{Question, Texts};

/// Options of the generated events.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) seed: u64,
    pub(crate) users: usize,
    pub(crate) departments: usize,
    pub(crate) texts: usize,
    /// Maximum by which a time is moved back; the order of the lines stays.
    pub(crate) out_of_order_us: i64,
    /// The share of lines that no analytic can use.
    pub(crate) bad: f64,
    pub(crate) times: TimeForms,
    pub(crate) shapes: Shapes,
    /// Zone of times without an offset.
    pub(crate) zone: TimeZone,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeForms {
    /// Microseconds without an offset.
    One,
    /// All four forms of the contract.
    Mixed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shapes {
    Plain,
    /// Everything the contract permits: whole numbers for fractions and the reverse, `ts` for `timestamp`,
    /// missing objects, unknown fields, blanks, capitals and escapes in texts.
    Awkward,
}

/// An endless stream of events.
#[derive(Debug)]
pub(crate) struct Events {
    draw: Draw,
    options: Options,
    users: Vec<String>,
    texts: Texts,
    contexts: Weighted,
    stamp: Stamp,
    number: u64,
}

/// The differences of one event from the plain form.
#[derive(Debug, Default)]
struct Oddity {
    whole_response: bool,
    fractional_contexts: bool,
    ts: bool,
    user: UserForm,
    unknown_fields: bool,
    question: QuestionForm,
    short: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum UserForm {
    #[default]
    Present,
    Missing,
    Null,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum QuestionForm {
    #[default]
    Plain,
    Shouted,
    Escaped,
}

impl Oddity {
    fn draw(shapes: Shapes, draw: &mut Draw) -> Oddity {
        let mut oddity = Oddity::default();
        if shapes == Shapes::Plain {
            return oddity;
        }
        match draw.unit() {
            at if at < 0.05 => oddity.whole_response = true,
            at if at < 0.10 => oddity.fractional_contexts = true,
            at if at < 0.12 => oddity.ts = true,
            at if at < 0.13 => oddity.user = UserForm::Missing,
            at if at < 0.14 => oddity.user = UserForm::Null,
            at if at < 0.18 => oddity.unknown_fields = true,
            at if at < 0.22 => oddity.question = QuestionForm::Shouted,
            at if at < 0.24 => oddity.question = QuestionForm::Escaped,
            at if at < 0.25 => oddity.short = true,
            _ => {}
        }
        oddity
    }
}

impl Events {
    pub(crate) fn new(options: Options) -> Events {
        let mut draw = Draw::new(options.seed);
        Events {
            texts: Texts::new(options.texts, &mut draw),
            users: people::users(options.users, options.departments, &mut draw),
            contexts: Weighted::poisson(4.0),
            stamp: Stamp::new(options.zone.clone()),
            draw,
            options,
            number: 0,
        }
    }

    /// Appends one event and a line feed. `micros` is its time since 1970 UTC, before it is moved for
    /// disorder.
    pub(crate) fn append(&mut self, micros: i64, out: &mut Vec<u8>) {
        let start = out.len();
        let oddity = Oddity::draw(self.options.shapes, &mut self.draw);
        out.extend_from_slice(b"{\"query_id\":\"");
        self.write_id(out);
        out.extend_from_slice(b"\",");
        let body = out.len();
        self.write_body(micros, &oddity, out);
        if self.draw.chance(self.options.bad) {
            spoil(self.number, &oddity, start, body, out);
        }
        out.push(b'\n');
        self.number += 1;
    }

    fn write_id(&self, out: &mut Vec<u8>) {
        let mut digits = *b"q-000000000000";
        let mut rest = self.number;
        for digit in digits[2..].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        out.extend_from_slice(&digits);
    }

    /// Appends everything after the id, with the closing brace.
    fn write_body(&mut self, micros: i64, oddity: &Oddity, out: &mut Vec<u8>) {
        out.extend_from_slice(if oddity.ts { b"\"ts\":\"" } else { b"\"timestamp\":\"" });
        let disorder = (self.draw.unit() * self.options.out_of_order_us as f64) as i64;
        let form = self.time_form();
        self.stamp.write(out, micros - disorder, form);
        out.extend_from_slice(b"\",");

        match oddity.user {
            UserForm::Present => {
                out.extend_from_slice(b"\"user\":{");
                let user = self.draw.below(self.users.len());
                out.extend_from_slice(self.users[user].as_bytes());
                out.extend_from_slice(b"},");
            }
            UserForm::Missing => {}
            UserForm::Null => out.extend_from_slice(b"\"user\":null,"),
        }

        // One draw decides about all nulls, so that the rarer nulls come with the commoner ones.
        let nullness = self.draw.unit();
        let question = self.texts.question(&mut self.draw);
        let question = (nullness > 0.004).then_some(question);

        if oddity.short {
            write_question(question, &oddity.question, out);
            out.push(b'}');
            return;
        }

        let session = self.draw.bits(40);
        out.extend_from_slice(b"\"session_id\":\"sess-");
        write_hex(out, session);
        out.extend_from_slice(b"\",");
        write_question(question, &oddity.question, out);
        let rewritten = self.draw.chance(0.3).then(|| self.texts.rewritten(&mut self.draw));

        match rewritten {
            Some(text) => {
                out.extend_from_slice(b",\"rewritten_query\":\"");
                out.extend_from_slice(text.as_bytes());
                out.extend_from_slice(b"\",");
            }
            None => out.extend_from_slice(b",\"rewritten_query\":null,"),
        }

        if oddity.unknown_fields {
            out.extend_from_slice(b"\"schema_version\":2,\"trace\":{\"id\":\"");
            write_hex(out, session);
            out.extend_from_slice(b"\",\"tags\":[\"a\",\"b\",{\"c\":[1,2,3]}]},");
        }

        self.write_measures(nullness, rewritten.is_some(), oddity, out);
    }

    fn time_form(&mut self) -> TimeForm {
        if self.options.times == TimeForms::One {
            return TimeForm::Micros;
        }
        match self.draw.unit() {
            at if at < 0.4 => TimeForm::Micros,
            at if at < 0.6 => TimeForm::Seconds,
            at if at < 0.8 => TimeForm::Utc,
            _ => TimeForm::Offset,
        }
    }

    /// Appends `rag_params`, `rag_metrics` and `metadata`.
    fn write_measures(&mut self, nullness: f64, rewritten: bool, oddity: &Oddity, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"rag_params\":{\"k\":5,\"similarity_threshold\":0.7,\"context_found\":");
        let contexts = self.contexts.draw(&mut self.draw) as u64;

        if nullness < 0.985 {
            write_number(out, contexts);
            if oddity.fractional_contexts {
                out.extend_from_slice(b".0");
            }
        } else {
            out.extend_from_slice(b"null");
        }

        out.extend_from_slice(b"},\"rag_metrics\":{\"response_time_ms\":");
        let hundredths = (self.draw.lognormal(6.6, 0.5) * 100.0).round() as u64;

        if nullness < 0.99 {
            write_number(out, hundredths / 100);
            if !oddity.whole_response {
                let rest = (hundredths % 100) as u8;
                out.extend_from_slice(&[b'.', b'0' + rest / 10, b'0' + rest % 10]);
            }
        } else {
            out.extend_from_slice(b"null");
        }

        let answer = self.texts.answer(&mut self.draw);
        out.extend_from_slice(b",\"answer_length\":");
        write_number(out, answer.length as u64);
        out.extend_from_slice(b",\"answer_text\":\"");
        out.extend_from_slice(answer.text.as_bytes());
        out.extend_from_slice(b"\",\"success\":");
        out.extend_from_slice(flag(self.draw.unit(), 0.93, 0.995));
        out.extend_from_slice(b"},\"metadata\":{\"model_used\":\"gpt-4o-mini\",\"history_used\":");
        out.extend_from_slice(flag(self.draw.unit(), 0.4, 0.99));
        out.extend_from_slice(b",\"history_count\":");
        write_number(out, self.draw.below(9) as u64);
        out.extend_from_slice(b",\"query_rewritten\":");
        out.extend_from_slice(if rewritten { b"true}}" } else { b"false}}" });
    }
}

/// Returns true, then false, then null as the draw grows.
fn flag(at: f64, is_true: f64, is_known: f64) -> &'static [u8] {
    match at {
        at if at < is_true => b"true",
        at if at < is_known => b"false",
        _ => b"null",
    }
}

fn write_question(question: Option<&Question>, form: &QuestionForm, out: &mut Vec<u8>) {
    let Some(question) = question else {
        out.extend_from_slice(b"\"query_text\":null");
        return;
    };
    out.extend_from_slice(b"\"query_text\":\"");
    match form {
        QuestionForm::Plain => out.extend_from_slice(question.text.as_bytes()),
        QuestionForm::Shouted => {
            out.extend_from_slice(b"  ");
            out.extend_from_slice(question.shouted.as_bytes());
            out.extend_from_slice(b"  ");
        }
        QuestionForm::Escaped => {
            out.extend_from_slice(question.text.as_bytes());
            out.extend_from_slice(br#" \u0110\u00e0 N\u1eb5ng \"x\""#);
        }
    }
    out.push(b'"');
}

/// Makes an event unusable, in one of six ways in turn.
fn spoil(number: u64, oddity: &Oddity, start: usize, body: usize, out: &mut Vec<u8>) {
    match number % 6 {
        // Cut off in the middle.
        0 => {
            let mut cut = start + (out.len() - start) / 2;
            while out[cut] & 0xC0 == 0x80 {
                cut -= 1;
            }
            out.truncate(cut);
        }

        // No id.
        1 => {
            out.drain(start + 1..body);
        }

        // No time: its field gets an unknown name.
        2 => {
            let name_end = body + if oddity.ts { 3 } else { 10 };
            out.splice(body + 1..name_end, *b"noted");
        }

        // An invalid time.
        3 => {
            let value = body + if oddity.ts { 6 } else { 13 };
            out.splice(value..value, *b"not a time ");
        }

        // Not an object.
        4 => {
            out.truncate(start);
            out.extend_from_slice(b"[1,2,\"three\"]");
        }

        // An id of null.
        _ => {
            out.splice(start..body, *b"{\"query_id\":null,");
        }
    }
}

fn write_hex(out: &mut Vec<u8>, value: u64) {
    // Writing into a Vec cannot fail.
    let _ = write!(out, "{value:010x}");
}

fn write_number(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut rest = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
