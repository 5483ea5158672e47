//! Documents that are accepted, mistakes with their places, and secrets that stay secret.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::document::{BYTES_MAX, Bound, Rule};
use super::super::refusal::Refusal;
use super::super::store::{Put, RULES_MAX, Rules};
use super::*;

fn parse(document: &Value) -> Result<Rule, String> {
    Rule::parse(document.to_string().as_bytes(), None).map_err(|mistake| mistake.to_string())
}

#[test]
fn a_whole_document_comes_back() {
    let whole = json!({"version": 1, "title": "Slow answers", "title_vi": "Chậm", "table": "response_time",
        "number": "p95_time", "by": ["user_type"], "where": "n > 1", "below": 2.5, "for_windows": 3,
        "webhook": {"url": "https://chat.example/hooks?a=b", "header": {"name": "Authorization", "value": "x y"}},
        "enabled": false});
    let rule = parse(&whole).expect("a rule");
    assert_eq!(serde_json::from_slice::<Value>(&rule.text()).expect("JSON"), whole);
    assert_eq!(Rule::parse(&rule.text(), None).expect("a rule"), rule);

    let least = parse(&super::rule(&json!({"by": null, "webhook": null}))).expect("a rule");
    assert_eq!((least.for_windows, least.enabled, &least.by, &least.webhook), (1, true, &None, &None));
    assert_eq!(serde_json::to_value(least.bound()).expect("JSON"), json!({"above": 10}));
    assert!(Rule::parse(format!("\u{feff}{}", super::rule(&json!({}))).as_bytes(), None).is_ok());
}

#[test]
fn a_mistake_is_named_with_its_place() {
    let webhook = |webhook: Value| json!({"webhook": webhook});
    let header = |name: &str, value: &str| json!({"webhook": {"url": "https://a", "header": {"name": name, "value": value}}});
    for (more, expected) in [
        (json!({"version": 2}), "version: version 2 is not supported"),
        (json!({"title": ""}), "title: must have 1 to 120 characters"),
        (json!({"title_vi": "x".repeat(121)}), "title_vi: must have 1 to 120 characters, not 121"),
        (json!({"table": 1}), "table: invalid type"),
        (json!({"number": ""}), "number: must have 1 to 255"),
        (json!({"by": ["a", ""]}), "by[1]: must have 1 to 255"),
        (json!({"by": ["a", "b", "a"]}), "by[2]: `a` is there twice"),
        (json!({"by": ["a", "b", "c", "d", "e", "f", "g", "h", "i"]}), "by: has 9 items, more than 8"),
        (json!({"where": "n >"}), "where: character 4: expected a value"),
        (json!({"above": "10"}), "above: invalid type"),
        (json!({"above": null}), "above: a rule has `above` or `below`"),
        (json!({"below": 1}), "below: a rule has `above` or `below`, not both"),
        (json!({"for_windows": 0}), "for_windows: must be 1 to 100, not 0"),
        (json!({"for_windows": 101}), "for_windows: must be 1 to 100, not 101"),
        (json!({"for_windows": 1.5}), "for_windows: invalid type"),
        (json!({"for_window": 1}), "for_window: unknown field"),
        (json!({"enabled": "no"}), "enabled: invalid type"),
        (webhook(json!({})), "webhook: missing field `url`"),
        (webhook(json!({"url": "ftp://a"})), "webhook.url: must begin with https://"),
        (webhook(json!({"url": "/hook"})), "webhook.url: must begin with https://"),
        (webhook(json!({"url": "https://a b"})), "webhook.url: is no URL"),
        (webhook(json!({"url": "https://me:secret@a"})), "webhook.url: must not have a password"),
        (webhook(json!({"url": "https://a", "method": "PUT"})), "webhook.method: unknown field"),
        (header("a b", "x"), "webhook.header.name: cannot be the name of a header"),
        (header("Host", "x"), "webhook.header.name: Weir sets the header `host`"),
        (header("X-Key", ""), "webhook.header.value: must have 1 to 4096"),
        (header("X-Key", "a\r\nb: c"), "webhook.header.value: has characters"),
        (header("X-Key", "***"), "webhook.header.value: `***` keeps a value, and none is known"),
    ] {
        let mistake = parse(&super::rule(&more)).expect_err("a mistake");
        assert!(mistake.starts_with(expected), "{more}: {mistake}");
    }
    assert!(Rule::parse(&vec![b' '; BYTES_MAX + 1], None).is_err());
    assert!(Rule::parse(b"\xff", None).is_err());
    assert!(Rule::parse(b"{} {}", None).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(
        text in "\\PC{0,60}",
        field in prop::sample::select(&["title", "table", "number", "by", "where", "above", "for_windows", "webhook"][..]),
    ) {
        let _ = Rule::parse(text.as_bytes(), None);
        let _ = parse(&super::rule(&json!({field: text})));
        let _ = parse(&super::rule(&json!({"webhook": {"url": text, "header": {"name": text, "value": text}}})));
    }

    #[test]
    fn a_number_is_beyond_one_bound_at_most(number in any::<i32>(), bound in any::<i32>()) {
        let (above, below) = (Bound::Above(bound.into()), Bound::Below(bound.into()));
        let number_as_float = f64::from(number);
        prop_assert_eq!(above.is_beyond(number_as_float), number > bound);
        prop_assert_eq!(below.is_beyond(number_as_float), number < bound);
    }
}

fn with_secret(url: &str, value: &str) -> Value {
    rule(&json!({"webhook": {"url": url, "header": {"name": "Authorization", "value": value}}}))
}

#[test]
fn a_secret_is_kept_for_its_server_only_and_never_shown() {
    let known = parse(&with_secret("https://a.example/x", "geheim")).expect("a rule");
    let shown = String::from_utf8(known.without_secret().text()).expect("a text");
    assert!(shown.contains("\"***\"") && !shown.contains("geheim"), "{shown}");
    assert!(!format!("{known:?}").contains("geheim"));

    let again = |url: &str| Rule::parse(with_secret(url, "***").to_string().as_bytes(), Some(&known));
    let kept = again("https://A.example/y").expect("a rule");
    assert!(String::from_utf8(kept.text()).expect("a text").contains("geheim"));
    for url in ["https://b.example/x", "http://a.example/x", "https://a.example:444/x"] {
        let mistake = again(url).expect_err("another server").to_string();
        assert!(mistake.contains("send the value again"), "{mistake}");
    }
}

fn open(directory: &Path) -> Rules {
    Rules::open(&DocumentPlaces {
        saved: Some(directory.join("saved")),
        files: vec![directory.join("files")],
    })
}

#[test]
fn a_saved_rule_hides_a_file_and_each_change_needs_its_tag() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(directory.path().join("files")).expect("a directory");
    let file = |name: &str, text: &str| {
        std::fs::write(directory.path().join("files").join(name), text).expect("a file");
    };
    file("a.json", &with_secret("https://a", "geheim").to_string());
    file("bad.json", "{");
    file("hidden.json", &with_secret("https://a", "***").to_string());
    let rules = open(directory.path());
    assert_eq!(rules.all().keys().collect::<Vec<_>>(), ["a"]);

    let text = with_secret("https://a", "***").to_string();
    let put = |rules: &Rules, condition: &Condition| rules.put("a", text.as_bytes(), Some(condition));
    let has = |tag: &str| Condition::Has(Tags::Listed(vec![tag.to_owned()]));
    let tag = rules.get("a").expect("a rule").tag.clone();
    assert!(matches!(put(&rules, &Condition::IsNew), Err(Refusal::Exists { .. })));
    assert!(matches!(put(&rules, &has("\"x\"")), Err(Refusal::Changed { .. })));
    assert!(matches!(rules.put("a", text.as_bytes(), None), Err(Refusal::NoCondition { .. })));
    assert!(matches!(rules.put("A", text.as_bytes(), None), Err(Refusal::Name { .. })));
    assert!(matches!(rules.delete("a", Some(&has(&tag))), Err(Refusal::ReadOnly { .. })));
    let (changed, saved) = put(&rules, &has(&tag)).expect("saved");
    assert_eq!((changed, rules.replaces("a", &saved).is_some()), (Put::Replaced, true));
    assert!(matches!(put(&rules, &has(&tag)), Err(Refusal::Changed { .. })));

    let again = open(directory.path());
    let kept = again.get("a").expect("a rule");
    assert_eq!((&kept.tag, &kept.shown), (&saved.tag, &saved.shown), "the same over a restart");
    assert!(String::from_utf8_lossy(&kept.rule.text()).contains("geheim"), "the secret of the file was kept");
    again.delete("a", Some(&has(&kept.tag))).expect("deleted");
    assert_eq!(again.get("a").expect("the file").tag, tag);
}

#[test]
fn there_is_room_for_so_many_rules() {
    let directory = tempfile::tempdir().expect("a directory");
    let rules = Rules::open(&DocumentPlaces::default());
    let text = rule(&json!({})).to_string();
    for number in 0..RULES_MAX {
        rules.put(&format!("a-{number}"), text.as_bytes(), Some(&Condition::IsNew)).expect("saved");
    }
    let more = rules.put("more", text.as_bytes(), Some(&Condition::IsNew));
    assert!(matches!(more, Err(Refusal::Full)));
    rules.put("a-1", text.as_bytes(), Some(&Condition::Has(Tags::Any))).expect("replaced");

    std::fs::create_dir(directory.path().join("files")).expect("a directory");
    for number in 0..RULES_MAX + 3 {
        std::fs::write(directory.path().join(format!("files/f-{number}.json")), &text).expect("a file");
    }
    assert_eq!(open(directory.path()).all().len(), RULES_MAX);
}
