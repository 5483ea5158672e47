//! Functions that the planner substitutes for longer expressions, with exactly the same results.

use types::DataType;

use super::date_pattern::DatePattern;
use super::loose_time::{at_zone, read_timestamp};
use super::round;
use super::signature::{ArgumentKind, function, int, nullable, simple, text, typed};
use super::timestamp::{self, TimeSeparator, offset_range};
use super::zone::resolve;
use super::{Argument, ScalarFunction, Signature, SignatureError};

pub(super) static FUNCTIONS: &[ScalarFunction] = &[
    function(
        "$PARSE_TIMESTAMP",
        "TRY_CAST(REPLACE(x, 'T', ' ') AS TIMESTAMP(3))",
        |a| nullable(a, "<text>", &[ArgumentKind::Text], 1, DataType::Timestamp(3)),
        |_| {
            simple(|args, out| {
                out.int_or_null(timestamp::parse(text(args, 0).as_bytes(), TimeSeparator::BlankOrT))
            })
        },
    ),
    function(
        "$PARSE_TIMESTAMP_LTZ",
        "TRY_CAST(REPLACE(x, 'T', ' ') AS TIMESTAMP_LTZ(3))",
        |a| nullable(a, "<text>", &[ArgumentKind::Text], 1, DataType::TimestampLtz(3)),
        |call| {
            let zone = call.time_zone.clone();
            simple(move |args, out| {
                let wall = timestamp::parse(text(args, 0).as_bytes(), TimeSeparator::BlankOrT);
                out.int_or_null(wall.map(|ms| resolve(&zone, ms)));
            })
        },
    ),
    function("$STRIP_OFFSET", "REGEXP_REPLACE(x, '(Z|[+-]\\d\\d:\\d\\d)$', '')", text_to_text, |_| {
        simple(|args, out| {
            let text = text(args, 0);
            match offset_range(text.as_bytes()) {
                Some((start, end)) if end == text.len() => out.text(&text[..start]),
                Some((start, end)) => out.write_text(|to| to.extend([&text[..start], &text[end..]])),
                None => out.text(text),
            }
        })
    }),
    function("$OFFSET_OF", "REGEXP_EXTRACT(x, '(Z|[+-]\\d\\d:\\d\\d)$', 1)", text_to_text, |_| {
        simple(|args, out| {
            let text = text(args, 0);
            out.text_or_null(offset_range(text.as_bytes()).map(|(start, end)| &text[start..end]));
        })
    }),
    function(
        "$AT_ZONE",
        "TO_TIMESTAMP_LTZ(CAST(ts AS STRING), 'yyyy-MM-dd HH:mm:ss[.SSS]', zone)",
        |a| {
            typed(
                a,
                "<timestamp>, <zone>",
                &[ArgumentKind::Timestamp, ArgumentKind::Text],
                2,
                DataType::TimestampLtz(3),
            )
            .map(|mut s| {
                s.args[0] = DataType::Timestamp(3);
                s.result.nullable = true;
                s
            })
        },
        |_| {
            let pattern = DatePattern::compile("yyyy-MM-dd HH:mm:ss[.SSS]")?;
            simple(move |args, out| {
                // Times from 0001-01-01 to the end of 9999 survive the way through text unchanged.
                let wall = match int(args, 0) {
                    ms @ -62_135_596_800_000..=253_402_300_799_999 => Some(ms),
                    ms => {
                        let mut written = String::new();
                        timestamp::write(ms, &mut written);
                        read_timestamp(&written, &pattern).map(|read| read.ms)
                    }
                };
                out.int_or_null(wall.and_then(|wall| at_zone(wall, text(args, 1))));
            })
        },
    ),
    function(
        "$ROUND_TEXT",
        "CAST(ROUND(m, digits) AS STRING), with as many digits",
        round::to_text,
        round::rounded_text,
    ),
    function(
        "$TRUNCATE_TEXT",
        "CAST(TRUNCATE(m, digits) AS STRING), with as many digits",
        round::to_text,
        round::truncated_text,
    ),
];

fn text_to_text(args: &[Argument<'_>]) -> Result<Signature, SignatureError> {
    nullable(args, "<text>", &[ArgumentKind::Text], 1, DataType::STRING)
}
