//! Random lines with missing or invalid fields.

use crate::event::iso;
use crate::random::Random;

const KINDS: [&str; 6] = ["Sinh viên", "Học sinh", "Giảng viên", "Khách", "a:b%c", ""];
const TEXTS: [&str; 6] = [
    "Học phí kỳ này?",
    "  HỌC PHÍ KỲ NÀY?  ",
    "lịch thi",
    "Đà Nẵng \"x\"",
    "câu hỏi 🙂",
    "\\u0110\\u00e0 N\\u1eb5ng",
];

/// Creates a line in which any field may be missing or invalid.
fn line(random: &mut Random, clock: &mut i64) -> String {
    *clock += random.below(900) as i64;
    if random.once_in(300) {
        *clock += 40_000;
    }
    let disorder = if random.once_in(12) { 90_000 } else { 6_000 };
    let time = *clock - random.below(disorder) as i64;
    let stamp = match random.below(5) {
        0 => iso(time),
        1 => format!("{}.{:03}Z", iso(time), time % 1_000),
        2 => format!("{}.{:03}456+07:00", iso(time + 7 * 3_600_000), time % 1_000),
        3 => format!("{}.{:03}", iso(time), time % 1_000),
        _ => format!("{}.{:03}999", iso(time), time % 1_000),
    };

    let mut fields = vec![match random.below(40) {
        0 => "\"query_id\":null".to_owned(),
        1 => "\"unknown\":{\"deep\":[1,{\"x\":\"\\\"}\"}]}".to_owned(),
        _ => format!("\"query_id\":\"q-{}\"", random.below(1 << 40)),
    }];
    fields.push(match random.below(40) {
        0 => "\"timestamp\":\"not a time\"".to_owned(),
        1 => "\"timestamp\":null".to_owned(),
        2..5 => format!("\"ts\":\"{stamp}\""),
        _ => format!("\"timestamp\":\"{stamp}\""),
    });

    if !random.once_in(20) {
        let mut user = vec![];
        let or_null =
            |random: &mut Random, text: String| if random.once_in(8) { "null".to_owned() } else { text };
        let id = random.below(30);
        let id = if random.once_in(4) { format!("{id}.0") } else { id.to_string() };
        user.push(format!("\"user_id\":{}", or_null(random, id)));
        let kind = format!("\"{}\"", random.pick(&KINDS));
        user.push(format!("\"user_type\":{}", or_null(random, kind)));
        if !random.once_in(5) {
            let department = random.below(5).to_string();
            user.push(format!("\"department_id\":{}", or_null(random, department)));
            let name = format!("\"Khoa {}\"", random.below(3));
            user.push(format!("\"department_name\":{}", or_null(random, name)));
        }
        let years = (1 + random.below(6)).to_string();
        user.push(format!("\"years\":{}", or_null(random, years)));
        fields.push(format!("\"user\":{{{}}}", user.join(",")));
    } else if random.once_in(2) {
        fields.push("\"user\":null".to_owned());
    }

    if !random.once_in(9) {
        fields.push(format!("\"query_text\":\"{}\"", random.pick(&TEXTS).replace('"', "\\\"")));
    }
    if !random.once_in(9) {
        fields.push(format!("\"rag_params\":{{\"k\":5,\"context_found\":{}}}", random.below(9)));
    }
    if !random.once_in(9) {
        let response = match random.below(4) {
            0 => random.below(5_000).to_string(),
            1 => "null".to_owned(),
            _ => format!("{}.{:02}", random.below(5_000), random.below(100)),
        };
        let success = random.pick(&["true", "true", "false", "null"]);
        fields.push(format!("\"rag_metrics\":{{\"response_time_ms\":{response},\"success\":{success}}}"));
    }
    if !random.once_in(9) {
        let flags = ["true", "false", "null"];
        let (history, rewritten) = (random.pick(&flags), random.pick(&flags));
        fields.push(format!("\"metadata\":{{\"history_used\":{history},\"query_rewritten\":{rewritten}}}"));
    }

    if random.once_in(3) {
        fields.swap(0, 1);
    }
    let blank = if random.once_in(3) { " " } else { "" };
    let text = format!("{{{}}}", fields.join(&format!(",{blank}")));
    if random.once_in(60) { text[..text.len() - 2].to_owned() } else { text }
}

/// Creates this many lines. They are always valid UTF-8, because the cut is never inside a character.
pub fn lines(random: &mut Random, count: usize) -> Vec<String> {
    let mut clock = 1_765_279_800_000;
    (0..count).map(|_| line(random, &mut clock)).collect()
}
