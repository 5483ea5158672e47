//! Runs the examples of `docs/results.md`.

use std::collections::BTreeSet;

use super::text::Block;
use super::world::{World, root};

pub fn tables_and_rows_are_printed(world: &World, block: &Block) {
    world.up.wait_for("/results/faculty", |answer| answer["count"] != 0);
    let printed: Vec<String> = block.lines.iter().map(|line| world.succeeds(&block.place, line)).collect();
    assert!(printed[0].contains("popular_by_year") && printed[1].contains("_is_final"), "{printed:?}");
    assert!(printed[2].starts_with("faculty") && printed[3].starts_with("query_text,"), "{printed:?}");
}

pub fn rows_have_these_fields(world: &World, block: &Block) {
    let [command, answer] = block.lines.as_slice() else { panic!("{}: two lines", block.place) };
    let found = world.succeeds(&block.place, command);
    let fields = |json: &str| {
        let answer: serde_json::Value = serde_json::from_str(json).expect("JSON");
        let names =
            |value: &serde_json::Value| value.as_object().expect("an object").keys().cloned().collect();
        let all: [BTreeSet<String>; 2] = [names(&answer), names(&answer["rows"][0])];
        all
    };
    assert_eq!(fields(&found), fields(answer), "{}", block.place);
}

pub fn every_minute_has_a_line(world: &World, block: &Block) {
    let csv = world.succeeds(&block.place, &block.text());
    let lines = csv.lines().count();
    assert!(csv.starts_with("minute(window_start),sum(total_queries),_is_final") && lines > 30, "{csv}");
}

pub fn messages_are_described(_: &World, block: &Block) {
    let text = std::fs::read_to_string(root().join("crates/server/asyncapi.json")).expect("a file");
    let described: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    for line in &block.lines {
        let message: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let kind = message["type"].as_str().expect("a type").to_owned();
        let name = kind[..1].to_uppercase() + &kind[1..];
        let properties = &described["components"]["schemas"][&name]["properties"];
        for field in message.as_object().expect("an object").keys() {
            assert!(properties[field].is_object(), "{}: {kind} has no {field}", block.place);
        }
    }
}

pub fn an_event_comes(world: &World, block: &Block) {
    let out = world.succeeds(&block.place, &format!("(timeout 20 {} || true) | head -n 2", block.text()));
    assert!(out.contains("data: ") && out.contains("\"type\":\"snapshot\""), "{}: {out}", block.place);
}

pub fn rows_are_followed(world: &World, block: &Block) {
    let follow = format!("{} --initial", block.text());
    let out = world.succeeds(&block.place, &format!("(timeout 20 {follow} || true) | head -n 1"));
    assert!(out.contains("query_count="), "{}: {out}", block.place);
}
