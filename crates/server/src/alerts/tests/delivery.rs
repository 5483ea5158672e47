//! Notifications to a receiver: in order, again after failures, never beside the rule's own server.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use ureq::tls::Certificate;

use super::receiver::{Receiver, Reply};
use super::*;
use crate::alerts::state::Outcome;
use crate::alerts::webhook::Attempt;

/// Returns a world in which the rule `many` has told its receiver of page `a`, with the given number of attempts.
fn told(directory: &Path, receiver: &Receiver) -> World {
    let world = World::open(directory);
    world.put("many", &rule(&json!({"webhook": {"url": receiver.url()}})));
    world.write("a", 1, 11);
    world
}

fn outcome(world: &World, name: &str) -> Option<(Outcome, u32, Option<u16>)> {
    let last = world.state(name).last_delivery?;
    Some((last.outcome, last.attempts, last.status))
}

#[test]
fn a_notification_has_all_that_is_known() {
    let directory = tempfile::tempdir().expect("a directory");
    let receiver = Receiver::start(&[]);
    let world = World::open(directory.path());
    let header = json!({"name": "Authorization", "value": "Bearer geheim"});
    let webhook = json!({"url": receiver.url(), "header": header});
    world.put("many", &rule(&json!({"above": 10, "webhook": webhook})));
    world.write("a", 1, 11);
    world.until("many", "it is delivered", |state| state.undelivered.is_empty() && !state.history.is_empty());

    let received = receiver.received();
    let mut body = received[0].body.clone();
    let id = body["id"].take();
    assert_eq!(id.as_str().map(str::len), Some(32));
    assert_eq!(
        body,
        json!({"id": null, "alert": "many", "title": "Many", "state": "firing", "table": "pages",
            "series": {"page": "a"}, "number": "n", "value": 11, "bound": {"above": 10}, "window_start": null,
            "window_end": "2025-12-09T12:01:00", "at": "2025-12-09T12:00:00Z", "reason": "beyond the bound"})
    );
    let head = received[0].head.to_ascii_lowercase();
    assert!(head.starts_with("post /hook http/1.1"), "{head}");
    assert!(head.contains("authorization: bearer geheim\r\n"), "{head}");
    assert!(head.contains("content-type: application/json\r\n"), "{head}");
    assert_eq!(outcome(&world, "many"), Some((Outcome::Delivered, 1, Some(200))));
}

#[test]
fn a_failure_is_tried_again_with_the_same_id_and_the_order_stays() {
    let directory = tempfile::tempdir().expect("a directory");
    let receiver = Receiver::start(&[Reply::Status(500), Reply::Status(429), Reply::Status(200)]);
    let world = told(directory.path(), &receiver);
    world.until("many", "it fires", |state| state.firing.len() == 1);
    world.write("a", 2, 1);
    world.until("many", "it ends", |state| state.firing.is_empty());
    world.write("a", 3, 12);
    world.until("many", "all is delivered", |state| state.history.len() == 3 && state.undelivered.is_empty());

    let states = receiver.values("state");
    assert_eq!(states, ["firing", "firing", "firing", "resolved", "firing"].map(Value::from));
    let ids = receiver.values("id");
    assert!(ids[0] == ids[1] && ids[1] == ids[2], "{ids:?}");
    assert!(ids[2] != ids[3] && ids[3] != ids[4] && ids[2] != ids[4], "{ids:?}");

    let attempts: Vec<_> = world.state("many").history.iter().map(|past| past.delivery.clone()).collect();
    let attempts: Vec<_> = attempts.into_iter().flatten().map(|delivery| delivery.attempts).collect();
    assert_eq!(attempts, [3, 1, 1]);
}

#[test]
fn a_refusal_is_given_up_at_once_and_the_next_notification_follows() {
    let directory = tempfile::tempdir().expect("a directory");
    let moved = Reply::With(307, "Location: http://127.0.0.1:1/elsewhere");
    let receiver = Receiver::start(&[Reply::Status(404), moved]);
    let world = told(directory.path(), &receiver);
    world.until("many", "it fires", |state| state.firing.len() == 1);
    world.write("a", 2, 1);
    world.until("many", "it ends", |state| state.firing.is_empty());
    world.write("a", 3, 12);
    world.until("many", "all is over", |state| state.history.len() == 3 && state.undelivered.is_empty());

    assert_eq!(receiver.values("state"), ["firing", "resolved", "firing"].map(Value::from));
    let history = world.state("many").history;
    let outcomes: Vec<_> = history.iter().filter_map(|past| past.delivery.as_ref()).collect();
    let outcomes: Vec<_> = outcomes.iter().map(|delivery| (delivery.outcome, delivery.status)).collect();
    let given_up = |status| (Outcome::GivenUp, Some(status));
    assert_eq!(outcomes, [given_up(404), given_up(307), (Outcome::Delivered, Some(200))]);
}

#[test]
fn a_receiver_that_hangs_delays_only_its_rule() {
    let directory = tempfile::tempdir().expect("a directory");
    let (hanging, well) = (Receiver::start(&[Reply::Hang]), Receiver::start(&[]));
    let world = World::open(directory.path());
    world.put("hangs", &rule(&json!({"webhook": {"url": hanging.url()}})));
    world.put("well", &rule(&json!({"webhook": {"url": well.url()}})));
    world.write("a", 1, 11);
    world.until("well", "it is delivered", |state| {
        state.last_delivery.as_ref().is_some_and(|last| last.outcome == Outcome::Delivered)
    });
    eventually("the other one was asked", || hanging.received().len() == 1);
    world.write("a", 2, 1);
    world.until("well", "the second is delivered", |state| {
        state.history.len() == 2 && state.undelivered.is_empty()
    });
    let held_back = world.state("hangs");
    assert_eq!((held_back.undelivered.len(), held_back.last_delivery), (2, None));
}

#[test]
fn a_pause_that_the_receiver_asks_for_ends_when_the_rule_changes() {
    let directory = tempfile::tempdir().expect("a directory");
    let receiver = Receiver::start(&[Reply::With(503, "Retry-After: 300")]);
    let world = told(directory.path(), &receiver);
    let is = |wanted| {
        move |state: &crate::alerts::state::AlertState| {
            state.last_delivery.as_ref().is_some_and(|last| last.outcome == wanted)
        }
    };
    world.until("many", "it waits", is(Outcome::Retrying));
    let second = Receiver::start(&[]);
    world.put("many", &rule(&json!({"webhook": {"url": second.url()}})));
    world.until("many", "it is delivered", is(Outcome::Delivered));
    assert_eq!((receiver.received().len(), second.received().len()), (1, 1));
}

#[test]
fn after_a_day_of_failures_a_notification_is_given_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let receiver = Receiver::start(&vec![Reply::Status(500); 1_000]);
    let world = told(directory.path(), &receiver);
    world.until("many", "it fails", |state| state.last_delivery.is_some());
    world.clock.advance(types::Interval(24 * 60 * 60 * 1_000));
    eventually("it is given up", || {
        outcome(&world, "many").is_some_and(|(outcome, ..)| outcome == Outcome::GivenUp)
    });
}

#[test]
fn a_deleted_rule_sends_nothing_more_and_leaves_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let receiver = Receiver::start(&[Reply::With(503, "Retry-After: 300")]);
    let world = told(directory.path(), &receiver);
    world.until("many", "it waits", |state| state.last_delivery.is_some());
    world.alerts.delete("many", Some(&Condition::Has(Tags::Any))).expect("deleted");
    let states = directory.path().join("alerts/state");
    assert_eq!(std::fs::read_dir(&states).expect("a directory").count(), 0);

    // A rule of the same name begins anew.
    world.put("many", &rule(&json!({"webhook": {"url": receiver.url()}})));
    world.until("many", "it fires again", |state| state.history.len() == 1 && state.undelivered.is_empty());
    let ids = receiver.values("id");
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
}

#[test]
fn a_disabled_rule_ends_what_fires_and_tells_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let receiver = Receiver::start(&[]);
    let world = told(directory.path(), &receiver);
    world.until("many", "it fires", |state| state.firing.len() == 1);
    world.put("many", &rule(&json!({"enabled": false, "webhook": {"url": receiver.url()}})));
    world.until("many", "it is told", |state| state.history.len() == 2 && state.undelivered.is_empty());
    assert_eq!(receiver.values("reason"), ["beyond the bound", "disabled"].map(Value::from));
    world.put("many", &rule(&json!({"webhook": {"url": receiver.url()}})));
    world.until("many", "it fires again", |state| state.history.len() == 3);
}

#[test]
fn tls_needs_a_certificate_that_is_trusted() {
    let directory = tempfile::tempdir().expect("a directory");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a configuration");
    let receiver = Receiver::start_with(&[], Some(Arc::new(config)));
    let url = format!("https://localhost:{}/hook", receiver.address.port());
    let secure = rule(&json!({"webhook": {"url": url}}));

    let strange = World::open(&directory.path().join("strange"));
    strange.put("many", &secure);
    let Attempt::Failed { error, .. } = strange.alerts.test("many").expect("an attempt") else {
        panic!("a strange certificate is trusted");
    };
    assert!(error.contains("certificate"), "{error}");
    assert!(receiver.received().is_empty());

    let root = Certificate::from_der(made.cert.der()).to_owned();
    let world = World::sending(&directory.path().join("trusting"), Webhooks::trusting(vec![root]));
    world.put("many", &secure);
    assert_eq!(world.alerts.test("many").expect("an attempt"), Attempt::Delivered { status: 200 });
    assert_eq!(receiver.values("reason"), ["test"].map(Value::from));
    assert!(world.state("many").history.is_empty(), "a test is no transition");
}
