//! Sources that a snapshot stops, so that nothing happens after it.

use crate::script::{NOON, event, query, source, tumble};
use crate::stage::{Stage, TOPIC, compile, until};

#[test]
fn a_source_that_a_snapshot_holds_reads_nothing_until_it_is_let_go() {
    for parallelism in [1, 3] {
        let stage = Stage::new(vec![Vec::new(), Vec::new()]);
        let script = source(&[("weir.early-fire", "0 s")]) + &query("t", &tumble(10));
        let job = stage.start(&compile(&script), parallelism, 100, None);
        stage.log.add(TOPIC, 0, vec![event("a", 1, NOON)]);
        until("the event is read", || job.ledger().accepted == 1);
        let before = job.hold();
        let (rows, ledger) = (stage.rows(), job.ledger());
        stage.log.add(TOPIC, 0, vec![event("a", 1, NOON + 60_000)]);
        stage.log.add(TOPIC, 1, vec!["{broken".to_owned()]);
        // A source that takes part in a second snapshot has completed its loop once.
        assert_eq!(job.hold(), before, "parallelism {parallelism}");
        assert_eq!((stage.rows(), job.ledger()), (rows, ledger), "parallelism {parallelism}");
        job.release();
        until("the others are read", || job.ledger().accepted == 3 && job.ledger().balances());
        job.crash();
    }
}
