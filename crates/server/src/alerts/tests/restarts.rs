//! Nothing is told twice or forgotten over restarts.

use serde_json::{Value, json};

use super::receiver::{Receiver, Reply};
use super::*;
use crate::alerts::state::{AlertState, HISTORY_MAX, Outcome};

#[test]
fn an_undelivered_notification_is_sent_after_a_restart_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let receiver = Receiver::start(&[Reply::With(503, "Retry-After: 300")]);
    let hook = rule(&json!({"webhook": {"url": receiver.url()}}));
    {
        let world = World::open(directory.path());
        world.put("many", &hook);
        world.write("a", 1, 11);
        world.until("many", "the first attempt fails", |state| state.last_delivery.is_some());
        assert_eq!(world.state("many").undelivered.len(), 1);
    }

    {
        let world = World::open(directory.path());
        world.until("many", "it is delivered", |state| state.undelivered.is_empty());
        let last = world.state("many").last_delivery.expect("a delivery");
        assert_eq!((last.outcome, last.attempts), (Outcome::Delivered, 2));
    }
    let ids = receiver.values("id");
    assert!(ids.len() == 2 && ids[0] == ids[1], "{ids:?}");

    // The series fires still, so only its end is told.
    let world = World::open(directory.path());
    world.write("a", 2, 12);
    world.write("b", 2, 12);
    world.until("many", "the other series fires", |state| state.firing.len() == 2);
    world.write("a", 3, 1);
    world.until("many", "it ends", |state| state.history.len() == 3 && state.undelivered.is_empty());
    let told: Vec<_> = receiver.received()[2..].iter().map(|received| received.body.clone()).collect();
    assert_eq!(told[0]["series"], json!({"page": "b"}));
    assert_eq!((&told[1]["series"], &told[1]["state"]), (&json!({"page": "a"}), &json!("resolved")));
}

#[test]
fn what_happens_while_weir_does_not_run_is_told_afterwards() {
    let directory = tempfile::tempdir().expect("a directory");
    {
        let world = World::open(directory.path());
        world.put("many", &rule(&json!({})));
        world.write("a", 1, 11);
        world.write("b", 1, 11);
        world.until("many", "both fire", |state| state.firing.len() == 2);
        // The rule does not look any more.
        world.alerts.book.close();
        world.write("a", 2, 1);
    }
    let world = World::open(directory.path());
    world.until("many", "one ends", |state| state.firing.len() == 1);
    let texts = |texts: [&str; 3]| {
        let [page, state, reason] = texts.map(str::to_owned);
        (page, state, reason)
    };
    assert_eq!(
        world.history("many"),
        [
            texts(["a", "firing", "beyond the bound"]),
            texts(["b", "firing", "beyond the bound"]),
            texts(["a", "resolved", "within the bound"])
        ]
    );
}

#[test]
fn a_table_that_is_not_declared_yet_ends_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    {
        let world = World::open(directory.path());
        world.put("many", &rule(&json!({})));
        world.write("a", 1, 11);
        world.until("many", "it fires", |state| state.firing.len() == 1);
    }
    let world = World::open(directory.path());
    // Another rule shows when the rows are loaded.
    world.put("other", &rule(&json!({"number": "m"})));
    world.put("late", &rule(&json!({"table": "not-yet"})));
    world.alerts.book.slot("late").held.lock().state.firing = world.state("many").firing.clone();
    eventually("the rules are evaluated", || {
        world.alerts.look();
        let slot = world.alerts.book.slot("other");
        let verdict = slot.held.lock().verdict.clone();
        matches!(verdict, crate::alerts::book::Verdict::Mistake(_))
    });
    assert_eq!((world.state("many").firing.len(), world.state("late").firing.len()), (1, 1));
    assert_eq!(world.history("many").len(), 1);
}

#[test]
fn a_damaged_state_is_set_aside_and_the_rule_begins_anew() {
    let directory = tempfile::tempdir().expect("a directory");
    let states = directory.path().join("alerts/state");
    std::fs::create_dir_all(&states).expect("a directory");
    std::fs::write(directory.path().join("alerts/many.json"), rule(&json!({})).to_string()).expect("a file");
    std::fs::write(states.join("many.json"), "{\"firing\": [").expect("a file");
    let world = World::open(directory.path());
    world.write("a", 1, 11);
    world.until("many", "it fires", |state| state.firing.len() == 1);
    assert!(states.join("many.json.damaged").exists() && states.join("many.json").exists());
}

#[test]
fn the_state_keeps_the_newest_transitions_and_comes_back_as_it_was() {
    let parsed = crate::alerts::document::Rule::parse(rule(&json!({})).to_string().as_bytes(), None);
    let parsed = parsed.expect("a rule");
    let mut state = AlertState::default();
    let notification = |number: usize| {
        let id = number.to_string();
        crate::alerts::state::Notification {
            id,
            ..crate::alerts::state::Notification::test("many", &parsed, "now")
        }
    };
    for number in 0..HISTORY_MAX + 5 {
        state.add(notification(number), true);
    }
    let ids: Vec<_> = state.history.iter().map(|past| past.notification.id.clone()).collect();
    let expected: Vec<_> = (5..HISTORY_MAX + 5).map(|number| number.to_string()).collect();
    assert_eq!(ids, expected);
    assert_eq!(state.undelivered.len(), HISTORY_MAX + 5);

    let text = serde_json::to_string(&state).expect("JSON");
    assert_eq!(serde_json::from_str::<AlertState>(&text).expect("a state"), state);
    assert!(serde_json::from_str::<Value>(&text).expect("JSON")["history"].is_array());
}
