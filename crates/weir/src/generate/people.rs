//! The users: each with a type, a year of study and a department, formatted once as the `user` object of an
//! event.

use std::fmt::Write as _;

use super::draw::{Draw, Weighted};
use super::words;

const TYPES: [&str; 4] = ["Sinh viên", "Học sinh", "Giảng viên", "Khách"];
const SHARES: [f64; 4] = [0.6, 0.15, 0.15, 0.1];
const CODES: [&str; 4] = ["SV", "HS", "GV", "K"];

/// Returns the `user` objects without their braces.
pub(crate) fn users(count: usize, departments: usize, draw: &mut Draw) -> Vec<String> {
    let kinds = Weighted::new(SHARES.into_iter());
    let names = words::departments(departments);
    (0..count).map(|number| user(number, &kinds, &names, draw)).collect()
}

fn user(number: usize, kinds: &Weighted, names: &[String], draw: &mut Draw) -> String {
    let kind = kinds.draw(draw);
    let is_student = kind < 2;
    let department = (!names.is_empty() && draw.chance(0.95)).then(|| draw.below(names.len()));
    let mut out = String::new();

    // Writing into a String cannot fail.
    let _ = match draw.chance(0.985) {
        true => write!(out, "\"user_id\":{}", 1000 + number),
        false => write!(out, "\"user_id\":null"),
    };

    let _ = match draw.chance(0.985) {
        true => write!(out, ",\"user_type\":\"{}\"", TYPES[kind]),
        false => write!(out, ",\"user_type\":null"),
    };

    let _ = match department {
        Some(index) => write!(out, ",\"department_id\":{}", index + 1),
        None => write!(out, ",\"department_id\":null"),
    };

    // Older producers omit the name; newer ones know most names.
    let knowledge = draw.unit();
    let _ = match department {
        _ if knowledge < 0.1 => Ok(()),
        Some(index) if knowledge >= 0.15 => write!(out, ",\"department_name\":\"{}\"", names[index]),
        _ => write!(out, ",\"department_name\":null"),
    };

    let _ = match draw.chance(0.9) {
        true => write!(out, ",\"code\":\"{}{number:06}\"", CODES[kind]),
        false => write!(out, ",\"code\":null"),
    };

    let _ = match is_student && draw.chance(0.97) {
        true => write!(out, ",\"years\":{}", draw.between(1, 6)),
        false if draw.chance(0.8) => write!(out, ",\"years\":null"),
        false => write!(out, ",\"years\":2"),
    };

    out
}
