//! Dead letters: each event is listed once, and replayed once.

use std::time::Duration;

use connectors::dead_letter::DEAD_LETTER_TOPIC;
use jobs::dead_letters::{DeadLetterId, StoredDeadLetter};
use jobs::{Dispatcher, JobMaster, JobOrigin, JobStatus, Sequel};
use serde_json::json;
use storage::log::NewRecord;
use types::Timestamp;

use crate::world::{SCRIPT, TOPIC, World, submission, until, until_is};

const LONG: Duration = Duration::from_secs(20);

fn all(process: &Dispatcher) -> Vec<StoredDeadLetter> {
    process.dead_letters().newest(&|_| true, 100).expect("the dead letters can be read")
}

fn dead_lettered(job: &JobMaster, count: u64) {
    until(&format!("{count} dead letters are written"), || job.view().ledger.dead_lettered == count);
}

/// Adds events whose timestamps have the wrong format.
fn misread(world: &World, seconds: &[u32]) {
    let line = |second: &u32| format!(r#"{{"k": "a", "v": 1, "at": "2025-12-09T00:00:{second:02}"}}"#);
    world.log.add(TOPIC, 0, seconds.iter().map(line).collect());
}

#[test]
fn letters_are_listed_by_what_they_are_and_replayed_once_when_the_cause_is_fixed() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    misread(&world, &[1, 2]);
    // Dead letters of one batch are ordered by the operator that finds them.
    dead_lettered(&job, 2);
    world.log.add(TOPIC, 0, vec!["{broken".to_owned()]);
    dead_lettered(&job, 3);
    let shelf = process.dead_letters();
    let bad =
        shelf.newest(&|dead_letter| dead_letter.info.reason == "bad timestamp", 100).expect("dead letters");
    assert_eq!((bad.len(), bad[1].info.offset, &*bad[1].info.topic), (2, 1, TOPIC));
    assert!(bad[1].body.ends_with(br#""at": "2025-12-09T00:00:02"}"#) && !bad[1].replayed);
    let broken = shelf
        .newest(&|dead_letter| dead_letter.info.reason.starts_with("malformed"), 9)
        .expect("dead letters");
    assert_eq!(broken[0].body, b"{broken");
    let newest = shelf.newest(&|_| true, 1).expect("dead letters").pop().expect("a dead letter");
    assert_eq!(newest, broken[0]);
    assert_eq!(shelf.dead_letter(newest.id).expect("an answer"), Some(newest));
    assert!(process.shut_down(LONG));

    let fixed = SCRIPT
        .replace("'format' = 'json',", "'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601',");
    let process = world.process();
    let job = process.submit(submission(&fixed, JobOrigin::Start)).expect("it starts");
    let shelf = process.dead_letters();
    let ids: Vec<DeadLetterId> = bad.iter().map(|dead_letter| dead_letter.id).collect();
    let outcome = shelf.replay(&ids).expect("a replay");
    assert_eq!((&outcome.replayed, outcome.left.len()), (&ids, 0));
    until("they are counted", || world.counts().get("a:2025-12-09 00:01:00") == Some(&2));
    let outcome = shelf.replay(&ids).expect("a replay");
    assert!(outcome.replayed.is_empty() && outcome.left[0].1 == "it was replayed before", "{outcome:?}");
    assert_eq!(all(&process).iter().filter(|dead_letter| dead_letter.replayed).count(), 2);
    let ledger = job.view().ledger;
    assert_eq!((ledger.accepted, ledger.counted, ledger.dead_lettered), (5, 2, 3));
    assert!(process.shut_down(LONG));
}

#[test]
fn letters_of_what_is_read_again_stand_once() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    misread(&world, &[1, 2]);
    dead_lettered(&job, 2);
    let savepoint = job.savepoint(None, Sequel::GoOn).expect("a savepoint");
    misread(&world, &[3]);
    dead_lettered(&job, 3);

    // Without a checkpoint, everything is read again.
    world.log.break_down();
    until("it is started again", || job.view().restarts == 1);
    until("three dead letters stand", || all(&process).len() == 3);
    dead_lettered(&job, 3);
    assert_eq!(
        all(&process).iter().map(|dead_letter| dead_letter.info.offset).collect::<Vec<_>>(),
        [0, 1, 2]
    );

    // A new job that continues from the savepoint writes its own dead letters.
    let other = process
        .submit(jobs::Submission { from: Some(&savepoint), ..submission(SCRIPT, JobOrigin::Submitted) });
    dead_lettered(&other.expect("it starts"), 3);
    until("it has written the third", || all(&process).len() == 4);
    assert!(process.shut_down(LONG));
}

#[test]
fn letters_of_a_job_that_ended_before_its_first_checkpoint_stand_once() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    misread(&world, &[1, 2]);
    dead_lettered(&job, 2);
    assert!(process.shut_down(LONG));
    // Simulates a crash before the first checkpoint.
    std::fs::remove_dir_all(world.place("checkpoints")).expect("they were there");
    let record = world.directory.path().join("jobs").join(format!("{}.json", job.id()));
    let text = std::fs::read_to_string(&record).expect("a record");
    let text = text.replace("\"has_checkpoints\": true", "\"has_checkpoints\": false");
    std::fs::write(&record, text).expect("the record is written");
    let process = world.process();
    let again = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    assert_eq!(again.id(), job.id());
    dead_lettered(&again, 2);
    assert_eq!(all(&process).iter().map(|dead_letter| dead_letter.info.offset).collect::<Vec<_>>(), [0, 1]);
    assert!(process.shut_down(LONG));
}

#[test]
fn late_events_that_other_queries_have_counted_are_not_replayed() {
    let world = World::new(1);
    let process = world.process();
    let longer = format!(
        "{SCRIPT} INSERT INTO counts
         SELECT k || '!', COUNT(*), SUM(v), window_end FROM TABLE(TUMBLE(TABLE events, DESCRIPTOR(`at`), INTERVAL '1' HOUR))
         GROUP BY window_start, window_end, k;"
    );

    let job = process.submit(submission(&longer, JobOrigin::Start)).expect("it starts");
    world.append(0, &[("a", 10), ("a", 100), ("a", 20), ("a", 4_000), ("a", 30)]);
    until("two are late", || job.view().ledger.late == 2);
    let dead_letters = all(&process);
    let elsewhere: Vec<(u64, bool)> = dead_letters
        .iter()
        .map(|dead_letter| (dead_letter.info.offset, dead_letter.info.counted_elsewhere))
        .collect();
    assert_eq!(elsewhere, [(2, true), (4, false)]);

    let ids: Vec<DeadLetterId> = dead_letters.iter().map(|dead_letter| dead_letter.id).collect();
    let outcome = process.dead_letters().replay(&ids).expect("a replay");
    assert_eq!((outcome.replayed, outcome.left.len()), (vec![ids[1]], 1));
    // The replayed event is late again, and counts as late again.
    until("the third is late", || job.view().ledger.late == 3);
    assert!(job.view().ledger.balances());
    assert!(process.shut_down(LONG));
}

/// Returns the script without its error.
fn fixed(name: &str) -> String {
    let format = "'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601',";
    format!("SET 'pipeline.name' = '{name}'; {}", SCRIPT.replace("'format' = 'json',", format))
}

#[test]
fn an_event_that_another_job_has_counted_is_not_given_back() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    let other = process.submit(submission(&fixed("other"), JobOrigin::Start)).expect("it starts");
    misread(&world, &[1]);
    dead_lettered(&job, 1);
    until("the other counts it", || other.view().ledger.counted == 1);
    let ids = [all(&process)[0].id];
    let outcome = process.dead_letters().replay(&ids).expect("a replay");
    assert_eq!(outcome.left, [(ids[0], "job `other` has counted it, and would count it twice".to_owned())]);
    // Without this job, the event is replayed.
    assert!(other.cancel());
    until_is(&other, JobStatus::Canceled);
    assert_eq!(process.dead_letters().replay(&ids).expect("a replay").replayed, ids);
    assert!(process.shut_down(LONG));
}

#[test]
fn an_event_that_no_job_could_count_is_given_back_once_whatever_number_of_letters_there_is() {
    let world = World::new(1);
    let process = world.process();
    let other = format!("SET 'pipeline.name' = 'other'; {SCRIPT}");
    let jobs = [SCRIPT, &other]
        .map(|script| process.submit(submission(script, JobOrigin::Start)).expect("it starts"));
    misread(&world, &[1]);
    jobs.iter().for_each(|job| dead_lettered(job, 1));

    let ids: Vec<DeadLetterId> = all(&process).iter().map(|dead_letter| dead_letter.id).collect();
    let outcome = process.dead_letters().replay(&ids[..1]).expect("a replay");
    assert_eq!(outcome.replayed, ids[..1]);
    jobs.iter().for_each(|job| dead_lettered(job, 2));
    assert_eq!(world.log.bodies(TOPIC).len(), 2);
    let replayed: Vec<bool> = all(&process).iter().map(|dead_letter| dead_letter.replayed).collect();
    assert_eq!(replayed, [true, true, false, false]);

    let outcome = process.dead_letters().replay(&ids).expect("a replay");
    assert_eq!((outcome.replayed.len(), outcome.left.len()), (0, 2));
    let ids: Vec<DeadLetterId> = all(&process)[2..].iter().map(|dead_letter| dead_letter.id).collect();
    assert_eq!(process.dead_letters().replay(&ids).expect("a replay").replayed, ids);
    assert_eq!(world.log.bodies(TOPIC).len(), 3);
    assert!(process.shut_down(LONG));
}

#[test]
fn a_record_of_which_a_part_was_counted_is_not_given_back() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    let event = |at: &str| format!(r#"{{"k": "a", "v": 1, "at": "{at}"}}"#);
    let (good, bad) = (event("2025-12-09 00:00:01"), event("yesterday"));
    world.log.add(TOPIC, 0, vec![format!("[{good},{bad}]"), format!("[{good},7]"), format!("[{bad},{bad}]")]);
    dead_lettered(&job, 4);
    let ids: Vec<DeadLetterId> = all(&process).iter().map(|dead_letter| dead_letter.id).collect();
    let outcome = process.dead_letters().replay(&ids).expect("a replay");
    let left: Vec<DeadLetterId> = outcome.left.iter().map(|(id, _)| *id).collect();
    assert_eq!((&outcome.replayed[..], &left[..]), (&ids[2..], &ids[..2]));
    // The other two dead letters belong to one record.
    dead_lettered(&job, 6);
    assert_eq!((world.log.bodies(TOPIC).len(), job.view().ledger.counted), (4, 2));
    assert!(process.shut_down(LONG));
}

#[test]
fn what_a_stopped_job_could_not_count_is_given_back_to_the_one_that_goes_on_from_it() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Submitted)).expect("it starts");
    misread(&world, &[1, 2]);
    dead_lettered(&job, 2);
    let savepoint = job.savepoint(None, Sequel::Stop).expect("a savepoint");
    let script = fixed("fixed");
    let from = jobs::Submission { from: Some(&savepoint), ..submission(&script, JobOrigin::Submitted) };
    let fixed = process.submit(from).expect("it starts");
    assert_ne!(fixed.id(), job.id());
    let ids: Vec<DeadLetterId> = all(&process).iter().map(|dead_letter| dead_letter.id).collect();
    // This is recorded.
    assert!(process.shut_down(LONG));
    let process = world.process();
    process.resume().expect("the records can be read");
    assert_eq!(process.dead_letters().replay(&ids).expect("a replay").replayed, ids);
    until("they are counted", || world.counts().get("a:2025-12-09 00:01:00") == Some(&2));
    assert!(process.shut_down(LONG));
}

#[test]
fn a_replay_that_broke_off_is_gone_on_with() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    misread(&world, &[1, 2]);
    dead_lettered(&job, 2);
    let ids: Vec<DeadLetterId> = all(&process).iter().map(|dead_letter| dead_letter.id).collect();
    // The replay was recorded, but only the second event was appended.
    let mark = json!({"replaying": [ids[0].to_string(), ids[1].to_string()],
                      "ends": [{"topic": TOPIC, "partition": 0, "offset": 2}]});
    world.log.add(DEAD_LETTER_TOPIC, 0, vec![mark.to_string()]);
    misread(&world, &[2]);
    dead_lettered(&job, 3);
    let replayed = || all(&process).iter().map(|dead_letter| dead_letter.replayed).collect::<Vec<_>>();
    assert_eq!(replayed(), [false, true, false]);
    let outcome = process.dead_letters().replay(&ids).expect("a replay");
    assert_eq!(outcome.replayed, [ids[0]]);
    dead_lettered(&job, 4);
    assert_eq!(replayed(), [true, true, false, false]);
    assert!(process.shut_down(LONG));
}

#[test]
fn a_letter_that_its_topic_refuses_for_its_size_is_cut_and_the_original_is_replayed() {
    let world = World::new(1);
    world.log.refuse_larger_than(DEAD_LETTER_TOPIC, 70_000);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    let large = format!("{{broken{}", "\"".repeat(100_000));
    world.log.add(TOPIC, 0, vec!["{small".to_owned(), large.clone(), "{small too".to_owned()]);
    // The job continues: later events are counted.
    world.append(0, &[("a", 1)]);
    until("all are booked", || job.view().ledger.accepted == 4);
    assert_eq!((job.view().ledger.dead_lettered, job.view().ledger.counted), (3, 1));
    assert_eq!(job.view().problem(), None);

    let dead_letters = all(&process);
    let whole: Vec<Option<u64>> = dead_letters
        .iter()
        .map(|dead_letter| dead_letter.info.cut.as_ref().map(|whole| whole.bytes))
        .collect();
    assert_eq!(whole, [None, Some(large.len() as u64), None]);
    assert!(large.as_bytes().starts_with(&dead_letters[1].body) && dead_letters[1].body.len() < 70_000);
    assert_eq!(
        process.dead_letters().replay(&[dead_letters[1].id]).expect("a replay").replayed,
        [dead_letters[1].id]
    );
    assert_eq!(world.log.bodies(TOPIC).last().map(Vec::as_slice), Some(large.as_bytes()));
    assert!(process.shut_down(LONG));
}

#[test]
fn a_replayed_record_has_its_key_its_headers_and_its_time() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    let original = NewRecord {
        key: Some(b"k".to_vec()),
        body: "{broken".into(),
        headers: vec![("trace".to_owned(), Some(vec![0, 255])), ("none".to_owned(), None)],
        time: Some(Timestamp(1_700_000_000_123)),
    };
    world.log.add_records(TOPIC, 0, vec![original.clone()]);
    dead_lettered(&job, 1);
    let dead_letters = all(&process);
    assert_eq!(dead_letters[0].carried.key.as_deref(), Some(&b"k"[..]));
    process.dead_letters().replay(&[dead_letters[0].id]).expect("a replay");
    assert_eq!(world.log.records(TOPIC).last(), Some(&original));
    assert!(process.shut_down(LONG));
}

#[test]
fn all_letters_that_fit_are_found_for_a_replay_however_many_there_are() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    let count = 2_300;
    world.log.add(TOPIC, 0, (0..count).map(|n| format!("{{broken {n}")).collect());
    dead_lettered(&job, count);
    let queue = process.dead_letters();
    let open =
        queue.open(&|dead_letter| dead_letter.info.reason.starts_with("malformed"), usize::MAX).expect("ids");
    assert_eq!(open.len() as u64, count);
    let outcome = queue.replay(&open).expect("a replay");
    assert_eq!((outcome.replayed.len() as u64, outcome.left.len()), (count, 0));
    // They are malformed again; the replayed ones are no longer open.
    dead_lettered(&job, 2 * count);
    assert_eq!(queue.open(&|_| true, usize::MAX).expect("ids").len() as u64, count);
    assert!(process.shut_down(LONG));
}

#[test]
fn a_letter_that_cannot_be_written_is_said_and_is_not_counted() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    world.log.refuse_appends(true);
    world.log.add(TOPIC, 0, vec!["{broken".to_owned()]);
    until("it says so", || job.view().problem().is_some());
    let problem = job.view().problem().expect("it is blocked");
    assert!(problem.starts_with("cannot write dead letters since"), "{problem}");
    assert_eq!(process.problems().len(), 1);
    assert_eq!(job.view().ledger.dead_lettered, 0);
    assert!(job.cancel());
    until_is(&job, JobStatus::Canceled);
    let ledger = job.view().ledger;
    assert!(ledger.dead_lettered == 0 && ledger.balances(), "{ledger:?}");
}

#[test]
fn a_job_that_reads_the_dead_letter_topic_or_a_pattern_of_topics_does_not_feed_itself() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    world.log.add(TOPIC, 0, vec!["{broken".to_owned()]);
    dead_lettered(&job, 1);
    let named = SCRIPT.replace("'topic' = 'events'", &format!("'topic' = '{DEAD_LETTER_TOPIC}'"));
    let named =
        process.submit(submission(&format!("SET 'pipeline.name' = 'named'; {named}"), JobOrigin::Start));
    let pattern = SCRIPT.replace("'topic' = 'events'", "'topic-pattern' = '.*'");
    let pattern =
        process.submit(submission(&format!("SET 'pipeline.name' = 'pattern'; {pattern}"), JobOrigin::Start));
    let (named, pattern) = (named.expect("it starts"), pattern.expect("it starts"));
    until("the dead letter is read", || named.view().ledger.dead_lettered >= 1);
    dead_lettered(&pattern, 1);
    // If the jobs had read their own dead letters, there would be twice as many.
    world.give(&job, 0, &[("a", 1)]);
    until("the pattern has read on", || pattern.view().ledger.accepted == 2);
    assert_eq!(all(&process).len(), 2, "one of each job that reads events");
    assert_eq!(named.view().ledger.dead_lettered, world.log.records(DEAD_LETTER_TOPIC).len() as u64);
    assert!(process.shut_down(LONG));
}

#[test]
fn records_without_a_value_are_counted_apart_and_are_no_dead_letters() {
    let world = World::new(1);
    let process = world.process();
    let job = process.submit(submission(SCRIPT, JobOrigin::Start)).expect("it starts");
    let tombstone = NewRecord { key: Some(b"k".to_vec()), ..NewRecord::default() };
    world.log.add_records(TOPIC, 0, vec![tombstone]);
    world.append(0, &[("a", 1)]);
    until("both are booked", || job.view().ledger.accepted == 2);
    let ledger = job.view().ledger;
    assert_eq!((ledger.counted, ledger.empty, ledger.dead_lettered), (1, 1, 0));
    assert!(ledger.balances() && all(&process).is_empty());
    assert!(process.shut_down(LONG));
}
