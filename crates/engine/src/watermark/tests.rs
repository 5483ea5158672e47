//! The rules of watermarks, one per test.

use super::*;

const A: PartitionId = PartitionId(0);
const B: PartitionId = PartitionId(1);

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn two() -> Watermarks {
    let mut watermarks = Watermarks::new(Some(seconds(5)));
    watermarks.add(&[A, B], seconds(0));
    watermarks
}

#[test]
fn the_least_partition_decides_and_nothing_goes_back() {
    let mut watermarks = two();
    watermarks.records(A, 100, true, seconds(1));
    assert_eq!(watermarks.advance(seconds(1)), NO_WATERMARK);
    watermarks.records(B, 50, true, seconds(1));
    assert_eq!(watermarks.advance(seconds(1)), 50);
    watermarks.records(B, 20, true, seconds(1));
    assert_eq!(watermarks.advance(seconds(1)), 50);
}

#[test]
fn a_partition_that_is_read_slowly_is_not_idle() {
    let mut watermarks = two();
    watermarks.records(A, 1_000, true, seconds(1));
    watermarks.records(B, 10, true, seconds(1));
    // An hour later there is still more in B.
    assert_eq!(watermarks.advance(seconds(3_600)), 10);
}

#[test]
fn a_caught_up_partition_holds_back_until_the_timeout() {
    let mut watermarks = two();
    watermarks.records(A, 1_000, false, seconds(1));
    watermarks.records(B, 10, false, seconds(1));
    watermarks.caught_up(&[B], seconds(5));
    watermarks.records(A, 2_000, true, seconds(5));
    assert_eq!(watermarks.advance(seconds(5)), 10);
    watermarks.caught_up(&[B], seconds(6));
    assert_eq!(watermarks.advance(seconds(6)), 2_000);
}

#[test]
fn event_time_goes_on_with_the_clock_when_all_is_silent() {
    let mut watermarks = two();
    watermarks.records(A, 1_000, false, seconds(1));
    watermarks.records(B, 500, false, seconds(1));
    let mut asked = |at: u64| {
        watermarks.caught_up(&[A, B], seconds(at));
        watermarks.advance(seconds(at))
    };
    assert_eq!([asked(5), asked(6), asked(26)], [500, 6_000, 26_000]);
}

#[test]
fn what_the_log_said_counts_for_a_moment_only() {
    let mut watermarks = two();
    watermarks.records(A, 1_000, false, seconds(1));
    watermarks.records(B, 500, false, seconds(1));
    watermarks.caught_up(&[A, B], seconds(7));
    // The last report is a minute old: the reader of B is blocked, and there may be more.
    watermarks.records(A, 60_000, false, seconds(67));
    assert_eq!(watermarks.advance(seconds(67)), 500);
    watermarks.caught_up(&[B], seconds(67));
    assert_eq!(watermarks.advance(seconds(67)), 60_000);
}

#[test]
fn a_log_that_does_not_answer_is_not_silent() {
    let mut watermarks = two();
    watermarks.records(A, 1_000, false, seconds(1));
    watermarks.records(B, 500, false, seconds(1));
    watermarks.unreachable(&[A, B], seconds(20));
    assert_eq!(watermarks.advance(seconds(60)), 500);
    watermarks.caught_up(&[A, B], seconds(24));
    assert_eq!(watermarks.advance(seconds(24)), 500);
    watermarks.caught_up(&[A, B], seconds(25));
    assert_eq!(watermarks.advance(seconds(25)), 6_000);
}

#[test]
fn a_source_without_events_has_no_watermark() {
    let mut watermarks = two();
    watermarks.caught_up(&[A, B], seconds(600));
    assert_eq!(watermarks.advance(seconds(600)), NO_WATERMARK);
}

#[test]
fn a_batch_that_is_being_judged_holds_the_watermark_back() {
    let mut watermarks = two();
    watermarks.records(A, 1_000, false, seconds(1));
    watermarks.records(B, 500, false, seconds(1));
    watermarks.caught_up(&[A, B], seconds(6));
    assert_eq!(watermarks.advance(seconds(6)), 6_000);
    watermarks.caught_up(&[A], seconds(7));
    let standpoint = watermarks.begin(B, seconds(7));
    let clamp = Clamp { current: 6_000, others: i64::MAX };
    assert_eq!(standpoint, Standpoint { clamp, partition: 500 });
    // Both were idle, and one no longer is: the clock alone advances nothing.
    assert_eq!(watermarks.advance(seconds(9)), 6_000);
    watermarks.records(B, 7_000, false, seconds(9));
    watermarks.caught_up(&[A], seconds(9));
    assert_eq!(watermarks.advance(seconds(9)), 7_000);
}

#[test]
fn a_partition_that_is_read_a_second_time_holds_the_watermark_where_its_rows_were_judged() {
    let mut watermarks = two();
    watermarks.hold(A, Some(300));
    watermarks.records(A, 1_000, true, seconds(1));
    watermarks.records(B, 500, true, seconds(1));
    assert_eq!(watermarks.advance(seconds(1)), 300);
    assert!(watermarks.holds_back(&[A], seconds(1)) && !watermarks.are_ahead(&[A], seconds(1)));
    watermarks.hold(A, None);
    assert_eq!(watermarks.advance(seconds(1)), 500);
    assert!(watermarks.holds_back(&[B], seconds(1)) && watermarks.are_ahead(&[A], seconds(1)));
}

#[test]
fn the_slowest_partition_holds_event_time_back_unless_it_is_idle() {
    let mut watermarks = two();
    watermarks.records(A, 1_000, true, seconds(1));
    watermarks.records(B, 10, false, seconds(1));
    assert!(watermarks.holds_back(&[B], seconds(2)) && !watermarks.holds_back(&[A], seconds(2)));
    watermarks.caught_up(&[B], seconds(7));
    assert!(watermarks.holds_back(&[A], seconds(7)) && !watermarks.holds_back(&[B], seconds(7)));
    assert!(!watermarks.are_ahead(&[A], seconds(2)), "there is nothing to wait for: B was read to its end");
    watermarks.records(B, 20, true, seconds(7));
    assert!(watermarks.are_ahead(&[A], seconds(7)) && !watermarks.are_ahead(&[B], seconds(7)));
}

#[test]
fn event_time_ends_with_the_last_partition() {
    let mut watermarks = two();
    watermarks.records(A, 1_000, false, seconds(1));
    watermarks.end(&[B]);
    assert_eq!(watermarks.advance(seconds(1)), 1_000);
    watermarks.end(&[A]);
    assert_eq!(watermarks.current(), i64::MAX);
}

#[test]
fn a_restored_pipeline_goes_on_where_it_stood() {
    let mut watermarks = two();
    watermarks.restore(700, &[(A, 1_000), (B, 500)]);
    assert_eq!(watermarks.advance(seconds(1)), 700);
    watermarks.records(B, 900, true, seconds(1));
    assert_eq!(watermarks.advance(seconds(1)), 900);
}
