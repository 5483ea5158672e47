//! Scripts for a Flink cluster, without one: `make flink-submit` submits them to a real Flink.

use super::text::Block;
use super::world::World;

/// Runs the check, and prints what would be sent.
pub fn a_script_is_checked_and_printed(world: &World, block: &Block) {
    let line = |command: &str| {
        let found = block.lines.iter().find(|line| line.starts_with(command));
        found.unwrap_or_else(|| panic!("{}: there is no {command}", block.place))
    };

    let checked = world.succeeds(&block.place, line("weir check"));
    assert!(checked.contains("results in 15 topics"), "{}: {checked}", block.place);
    assert!(checked.contains("flink-sql-connector-kafka"), "{}: {checked}", block.place);

    let sent = world.succeeds(&block.place, &format!("{} --dry-run", line("weir submit")));
    assert!(sent.contains("SET 'execution.checkpointing.interval' = '10 s';"), "{}: {sent}", block.place);
    assert!(sent.contains("'topic' = 'weir-results-faculty'"), "{}: {sent}", block.place);
    assert!(sent.trim_end().ends_with("\nEND;"), "{}: {sent}", block.place);
}
