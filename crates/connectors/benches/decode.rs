//! Benchmark of decoding events into the columns that the analytics read: nanoseconds of CPU time per event.
//!
//! Decodes generated events in three styles, or the lines of the files named in `DECODE_EVENTS` (separated by
//! `:`). Run `cargo bench -p connectors --bench decode`.

mod support;

use std::hint::black_box;

use connectors::format::json::{Decoder, JsonOptions};
use engine::batch::{Batch, Encoding, LeafRequest};
use sql::plan::Leaf;
use types::DataType;

use support::thread_cpu_ns;

const RUNS: usize = 7;

fn main() {
    let options = JsonOptions { ignore_parse_errors: true, ..JsonOptions::default() };
    for (name, events, requests) in inputs() {
        let bytes: usize = events.iter().map(Vec::len).sum();
        report(&format!("{name}: {} events of {} bytes", events.len(), bytes / events.len()), "");
        for batch_rows in [8192, 1000, 32, 1] {
            let mut decoder = Decoder::new(&requests, options);
            let mut batch = Batch::new(&requests);
            let mut runs: Vec<f64> = (0..RUNS)
                .map(|_| {
                    let start = thread_cpu_ns();
                    for chunk in events.chunks(batch_rows) {
                        decoder.begin(&mut batch, chunk.len());
                        for event in chunk {
                            let _ = black_box(decoder.record(&mut batch, event));
                        }
                        decoder.finish(&mut batch).expect("parse errors are ignored");
                        black_box(batch.rows);
                    }
                    (thread_cpu_ns() - start) as f64 / events.len() as f64
                })
                .collect();

            runs.sort_by(f64::total_cmp);
            let line = format!("{:7.1} ns an event (least {:.1})", runs[RUNS / 2], runs[0]);
            report(&format!("  batches of {batch_rows}"), &line);
        }
    }
}

fn leaf(path: &str, encoding: Encoding, data_type: DataType) -> LeafRequest {
    let path = path.split('.').map(str::to_owned).collect();
    LeafRequest { leaf: Leaf { path, column_type: data_type.nullable(), metadata: None }, encoding }
}

/// Returns the leaves that Nexmark's queries read of bids, with texts in the given encoding.
fn bid_leaves(texts: Encoding) -> Vec<LeafRequest> {
    use DataType::{BigInt, Int, Timestamp};
    vec![
        leaf("event_type", Encoding::Plain, Int),
        leaf("person.dateTime", Encoding::Plain, Timestamp(3)),
        leaf("auction.dateTime", Encoding::Plain, Timestamp(3)),
        leaf("bid.auction", Encoding::Plain, BigInt),
        leaf("bid.bidder", Encoding::Plain, BigInt),
        leaf("bid.price", Encoding::Plain, BigInt),
        leaf("bid.channel", Encoding::CodedWhileRepeated, DataType::STRING),
        leaf("bid.url", texts, DataType::STRING),
        leaf("bid.dateTime", Encoding::Plain, Timestamp(3)),
        leaf("bid.extra", texts, DataType::STRING),
    ]
}

/// Returns the leaves that the built-in analytics read.
fn leaves() -> Vec<LeafRequest> {
    use DataType::{Boolean, Double, Int};
    vec![
        leaf("query_id", Encoding::Presence, DataType::STRING),
        leaf("timestamp", Encoding::Plain, DataType::STRING),
        leaf("ts", Encoding::Plain, DataType::STRING),
        leaf("user.user_id", Encoding::Plain, Int),
        leaf("user.user_type", Encoding::Coded, DataType::STRING),
        leaf("user.department_id", Encoding::Plain, Int),
        leaf("user.department_name", Encoding::Coded, DataType::STRING),
        leaf("user.years", Encoding::Plain, Int),
        leaf("query_text", Encoding::Coded, DataType::STRING),
        leaf("rag_params.context_found", Encoding::Plain, Int),
        leaf("rag_metrics.response_time_ms", Encoding::Plain, Double),
        leaf("rag_metrics.success", Encoding::Plain, Boolean),
        leaf("metadata.history_used", Encoding::Plain, Boolean),
        leaf("metadata.query_rewritten", Encoding::Plain, Boolean),
    ]
}

fn inputs() -> Vec<(String, Vec<Vec<u8>>, Vec<LeafRequest>)> {
    let Some(files) = std::env::var_os("DECODE_EVENTS") else {
        return vec![
            ("compact".to_owned(), made_up(Style::Compact), leaves()),
            ("blanks and \\u escapes".to_owned(), made_up(Style::Escaped), leaves()),
            ("bids, texts plain".to_owned(), bids(), bid_leaves(Encoding::Plain)),
            ("bids, texts adaptive".to_owned(), bids(), bid_leaves(Encoding::CodedWhileRepeated)),
            ("bids, texts coded".to_owned(), bids(), bid_leaves(Encoding::Coded)),
        ];
    };
    std::env::split_paths(&files)
        .map(|path| {
            let bytes = std::fs::read(&path).expect("a readable file of events");
            let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
            (path.display().to_string(), lines.map(<[u8]>::to_vec).collect(), leaves())
        })
        .collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Style {
    /// The style of most serialisers: no blanks, text in UTF-8.
    Compact,
    /// The style of Python's `json.dumps`: blanks, text in ASCII.
    Escaped,
}

/// Generates events of about 900 bytes with Vietnamese text, some missing values and two optional keys.
fn made_up(style: Style) -> Vec<Vec<u8>> {
    const WORDS: [&str; 12] = [
        "học phí",
        "kỳ này",
        "điều kiện",
        "tốt nghiệp",
        "ngành",
        "công nghệ",
        "thông tin",
        "lịch thi",
        "đăng ký",
        "môn",
        "ký túc xá",
        "thư viện",
    ];

    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    let mut below = |limit: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % limit
    };

    let sentence = |mut pick: u64, words: u64| {
        let mut text = Vec::new();
        for _ in 0..words {
            text.push(WORDS[(pick % 12) as usize]);
            pick = pick.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(11) >> 3;
        }
        text.join(" ")
    };

    (0..40_000u64)
        .map(|i| {
            let user = below(5000);
            let mut department = String::new();
            if user % 10 > 0 {
                department = format!(",\"department_name\":\"Khoa {}\"", sentence(user % 40 + 7, 3));
            }
            let years = if user % 4 > 0 { (user % 6 + 1).to_string() } else { "null".to_owned() };
            let rewritten = below(10) < 3;
            let again = if rewritten { format!("\"{}\"", sentence(below(300), 6)) } else { "null".to_owned() };
            let trace = if below(25) == 0 { ",\"schema_version\":2,\"trace\":{\"tags\":[\"a\",{\"b\":1}]}" } else { "" };
            let event = format!(
                "{{\"query_id\":\"q-{i:012}\",\"timestamp\":\"2025-12-09T11:{:02}:{:02}.{:06}\",\"user\":\
                 {{\"user_id\":{},\"user_type\":\"{}\",\"department_id\":{}{department},\"code\":\"SV{user:06}\",\
                 \"years\":{years}}},\"session_id\":\"sess-{:010x}\",\"query_text\":\"{}?\",\"rewritten_query\":\
                 {again}{trace},\"rag_params\":{{\"k\":5,\"similarity_threshold\":0.7,\"context_found\":{}}},\
                 \"rag_metrics\":{{\"response_time_ms\":{}.{:02},\"answer_length\":219,\"answer_text\":\"{}\",\
                 \"success\":{}}},\"metadata\":{{\"model_used\":\"gpt-4o-mini\",\"history_used\":{},\
                 \"history_count\":{},\"query_rewritten\":{rewritten}}}}}",
                i / 60_000 % 60,
                i / 1000 % 60,
                below(1_000_000),
                1000 + user,
                ["Sinh viên", "Học sinh", "Giảng viên", "Khách"][(user % 4) as usize],
                user % 40 + 1,
                below(1 << 40),
                sentence(below(45) * below(45), 8),
                below(9),
                below(2000),
                below(100),
                sentence(below(500), 30),
                below(100) < 93,
                below(10) < 4,
                below(9),
            );
            if style == Style::Escaped { escaped(&event) } else { event.into_bytes() }
        })
        .collect()
}

/// Generates bids of about 270 bytes as in the Nexmark benchmark: half of the bids share four channels; URLs
/// and extras are unique.
fn bids() -> Vec<Vec<u8>> {
    let mut seed = 0x9E37_79B9_7F4A_7C15u64;
    let mut letter = || {
        seed = seed.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(11);
        char::from(b'a' + (seed >> 40) as u8 % 26)
    };
    let mut letters = |count: usize| -> String { (0..count).map(|_| letter()).collect() };

    (0..100_000u64)
        .map(|i| {
            let (a, b, c, extra) = (letters(5), letters(5), letters(5), letters(60));
            let channel = match i % 2 {
                0 => ["Google", "Facebook", "Baidu", "Apple"][(i / 2 % 4) as usize].to_owned(),
                _ => format!("channel-{}", i * 7_919 % 10_000),
            };
            let event = format!(
                "{{\"auction\":null,\"bid\":{{\"auction\":{},\"bidder\":{},\"channel\":\"{channel}\",\"dateTime\":\
                 \"2025-12-09 08:{:02}:{:02}.{:03}\",\"extra\":\"{extra}\",\"price\":{},\"url\":\
                 \"https://www.nexmark.com/{a}/{b}/{c}/item.htm?query=1&channel_id={i}\"}},\"event_type\":2,\
                 \"person\":null}}",
                1_000 + i % 997,
                1_000 + i % 331,
                i / 60_000 % 60,
                i / 1_000 % 60,
                i % 1_000,
                100 + i * 31 % 1_000_000,
            );
            event.into_bytes()
        })
        .collect()
}

/// Writes an event with blanks behind commas and colons, and only in ASCII.
fn escaped(event: &str) -> Vec<u8> {
    let mut out = String::new();
    let mut inside = false;
    for c in event.chars() {
        inside ^= c == '"';
        if c.is_ascii() {
            out.push(c);
        } else {
            out.push_str(&format!("\\u{:04x}", c as u32));
        }
        if !inside && (c == ',' || c == ':') {
            out.push(' ');
        }
    }
    out.into_bytes()
}

#[expect(clippy::print_stdout, reason = "a benchmark reports to people")]
fn report(what: &str, figures: &str) {
    println!("{what:24} {figures}");
}
