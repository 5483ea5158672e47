//! Runs the examples of `docs/alerts.md`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::text::Block;
use super::world::World;

/// A rule that never fires.
const RULE: &str =
    r#"{"version": 1, "title": "Slow", "table": "response_time", "number": "p95_time", "above": 1e9}"#;

pub fn a_rule_is_saved_and_deleted(world: &World, block: &Block) {
    std::fs::write(world.path().join("slow.json"), RULE).expect("a file");
    let out = world.succeeds(&block.place, &block.text());
    assert!(out.starts_with("created slow\n") && out.ends_with("replaced slow\ndeleted slow\n"), "{out}");
}

pub fn the_rule_is_accepted(world: &World, block: &Block) {
    std::fs::write(world.path().join("rule.json"), block.text()).expect("a file");
    let out = world.succeeds(&block.place, "weir alerts put rule rule.json");
    assert_eq!(out, "created rule\n", "{}", block.place);

    let printed = world.succeeds(&block.place, "weir alerts get rule");
    let mut expected: Value = serde_json::from_str(&block.text()).expect("JSON");
    expected["webhook"]["header"]["value"] = "***".into();
    expected["enabled"] = true.into();
    assert_eq!(serde_json::from_str::<Value>(&printed).expect("JSON"), expected, "{}", block.place);
    world.succeeds(&block.place, "weir alerts delete rule");
}

pub fn a_notification_has_these_fields(world: &World, block: &Block) {
    let described = world.up.get("/openapi.json");
    let described = &described["components"]["schemas"]["AlertNotification"]["properties"];
    let names = |value: &Value| -> BTreeSet<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    };
    let shown: Value = serde_json::from_str(&block.text()).expect("JSON");
    assert_eq!(names(&shown), names(described), "{}", block.place);
}
