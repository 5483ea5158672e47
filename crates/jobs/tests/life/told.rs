//! The messages for followers of results.

use std::time::Duration;

use jobs::JobOrigin;

use crate::world::{SCRIPT, World, submission, until};

#[test]
fn followers_are_told_the_end_of_the_window_as_keys_name_it_whatever_its_type() {
    for (declared, written) in
        [("TIMESTAMP(3)", "window_end"), ("STRING", "DATE_FORMAT(window_end, 'HH:mm')")]
    {
        let world = World::new(1);
        let script = SCRIPT
            .replace("window_end TIMESTAMP(3))", &format!("window_end {declared})"))
            .replace("SUM(v), window_end", &format!("SUM(v), {written}"))
            .replace("'key' = '{k}:{window_end}'", "'key' = '{k}:{window_end}', 'channel' = 'told'");

        let process = world.process();
        process.submit(submission(&script, JobOrigin::Start)).expect("it starts");
        world.append(0, &[("a", 10), ("b", 20), ("a", 100)]);
        until("they are told", || !world.store.told().is_empty());

        let told = world.store.told().swap_remove(0);
        let (_, key) = world.store.history()[0]
            .0
            .split_once(':')
            .map(|(k, end)| (k.to_owned(), end.to_owned()))
            .expect("a key");

        assert_eq!((&*told.kind, &*told.channel, told.count), ("counts", "told", 2));
        assert_eq!(*told.time, key, "{declared}");
        assert!(!told.time.is_empty());
        assert!(process.shut_down(Duration::from_secs(20)));
    }
}

#[test]
fn a_latest_key_is_written_without_a_channel_too() {
    let world = World::new(1);
    let keys = "'key' = '{k}:{window_end}'";
    let script = SCRIPT.replace(keys, &format!("{keys}, 'latest-key' = 'latest'"));
    let process = world.process();
    process.submit(submission(&script, JobOrigin::Start)).expect("it starts");
    world.append(0, &[("a", 10), ("b", 20), ("a", 100)]);
    until("the latest key is written", || !world.store.told().is_empty());
    let told = world.store.told().swap_remove(0);
    assert_eq!((&*told.channel, &*told.latest_key, &*told.time), ("", "latest", "2025-12-09 00:01:00"));
    assert!(process.shut_down(Duration::from_secs(20)));
}
