//! Conditions that leave events out, and conditions that check the input.

use connectors::dead_letter::DEAD_LETTER_TOPIC;

use crate::script::{NOON, event, source};
use crate::stage::{Stage, compile};

/// Returns what was filtered and the reasons of dead letters, for a condition of the only query.
fn outcome(condition: &str) -> (u64, Vec<String>) {
    let script = source(&[])
        + &format!(
            "CREATE TABLE seen_by_key (k STRING, n BIGINT, window_end TIMESTAMP(3)) WITH ('connector' = 'redis',
               'key' = 'seen:{{k}}:{{window_end}}', 'ttl' = '3600');
             CREATE VIEW usable AS SELECT * FROM q WHERE {condition};
             INSERT INTO seen_by_key SELECT k, COUNT(*), window_end
             FROM TABLE(TUMBLE(TABLE usable, DESCRIPTOR(seen), INTERVAL '10' SECOND))
             GROUP BY k, window_start, window_end;"
        );
    let without_key = event("x", 1, NOON).replace(r#""k":"x""#, r#""k":null"#);
    let stage = Stage::new(vec![vec![event("a", 1, NOON), without_key]]);
    let job = stage.start(&compile(&script), 1, 100, None);
    job.read_up_to(&[2]);
    let counts = job.finish();
    assert!(counts.balances(), "{counts:?}");

    let letters = stage.log.dead_letters(DEAD_LETTER_TOPIC).into_iter();
    let reasons = letters.map(|letter| letter["reason"].as_str().expect("a reason").to_owned());
    (counts.filtered, reasons.collect())
}

#[test]
fn a_missing_column_is_a_dead_letter_only_where_the_time_is_required_too() {
    assert_eq!(outcome("k IS NOT NULL"), (1, Vec::new()));
    assert_eq!(outcome("k IS NOT NULL AND seen IS NOT NULL"), (0, vec!["missing k".to_owned()]));
}
