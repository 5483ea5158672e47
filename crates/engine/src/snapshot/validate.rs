//! Validates a snapshot: columns have one length, codes have values, states have the kinds that they claim.
//! Restoring relies on it.

use super::image::{
    AggregationImage, OperatorImage, PipelineImage, SliceImage, Snapshot, StateColumnImage, UnitImage,
};

/// The bound of the words of the wide form of a sum: carries are propagated, and the last word has the sign.
const WIDE_WORD: u64 = 1 << 48;
/// No stream has this many rows.
const MOST_ROWS: u64 = 1 << 56;

impl Snapshot {
    /// Returns the first inconsistency as an error.
    pub(super) fn validate(&self) -> Result<(), String> {
        self.pipelines.iter().try_for_each(|pipeline| {
            pipeline.validate().map_err(|wrong| format!("source table `{}`: {wrong}", pipeline.table))
        })?;
        self.operators.iter().try_for_each(|operator| {
            operator.validate().map_err(|wrong| format!("operator `{}`: {wrong}", operator.identity))
        })
    }
}

impl OperatorImage {
    fn validate(&self) -> Result<(), String> {
        self.parts.iter().try_for_each(|part| {
            ensure(part.groups.is_sound(), "a part has an invalid range of key groups")?;
            // A name with a path would make a restore read another file.
            let name = part.file().map_or("", |file| &file.name);
            ensure(!name.contains(['/', '\\']) && name != "..", "the file name of a part contains a path")
        })
    }
}

impl PipelineImage {
    fn validate(&self) -> Result<(), String> {
        let Some(first) = self.states.first() else { return Ok(()) };
        for state in &self.states {
            ensure(state.groups.is_sound(), "a subtask has an invalid range of key groups")?;
            let same = state.units.len() == first.units.len()
                && state.units.iter().zip(&first.units).all(|(a, b)| {
                    a.identity == b.identity
                        && a.queries == b.queries
                        && a.states == b.states
                        && a.keys.len() == b.keys.len()
                });
            ensure(same, "the subtasks have different queries, keys or aggregates")?;
            state.units.iter().try_for_each(|unit| {
                let queries = || unit.queries.join("`, `");
                state.validate_unit(unit).map_err(|wrong| format!("queries `{}`: {wrong}", queries()))
            })?;
        }
        Ok(())
    }
}

impl AggregationImage {
    fn validate_unit(&self, unit: &UnitImage) -> Result<(), String> {
        let sizes =
            unit.keys.iter().map(|&domain| self.size(domain)).collect::<Result<Vec<usize>, String>>()?;
        for slice in &unit.slices {
            check_keys(&slice.keys, &sizes, slice.rows.len())?;
            ensure(slice.rows.iter().all(|&rows| rows < MOST_ROWS), "a group has more rows than any stream")?;
            ensure(
                slice.states.len() == unit.states.len(),
                "a slice of time has another number of aggregates than its query",
            )?;
            slice.states.iter().try_for_each(|state| self.validate_state(slice, state))?;
        }
        for report in unit.windows.iter().filter_map(|window| window.report.as_ref()) {
            check_keys(&report.keys, &sizes, report.rows.len())?;
            ensure(
                report.revisions.len() == report.rows.len(),
                "the columns of a written result differ in length",
            )?;
        }
        Ok(())
    }

    fn validate_state(&self, slice: &SliceImage, state: &StateColumnImage) -> Result<(), String> {
        let groups = slice.rows.len();
        let lengths: &[usize] = match state {
            StateColumnImage::Count(counts) => &[counts.len()],
            StateColumnImage::SumInt { sums, counts } => &[sums.len(), counts.len()],
            StateColumnImage::SumWide { sums, counts } => &[sums.len(), counts.len()],
            StateColumnImage::SumDouble { fixed, counts, wide } => {
                let right = wide.iter().all(|(group, wide)| {
                    (*group as usize) < groups && wide.words.iter().all(|word| word.abs_diff(0) < WIDE_WORD)
                });
                ensure(right, "a sum of doubles belongs to no group or is out of range")?;
                &[fixed.len(), counts.len()]
            }
            StateColumnImage::PickInt { values, valid } => &[values.len(), valid.len()],
            StateColumnImage::PickDouble { values, valid } => &[values.len(), valid.len()],
            StateColumnImage::PickWide { values, valid } => &[values.len(), valid.len()],
            StateColumnImage::PickText { domain, codes } => {
                check_codes(codes, self.size(*domain)?)?;
                &[codes.len()]
            }
            StateColumnImage::Values(values) => &[values.len()],
            StateColumnImage::Distinct { domain, sizes, codes } => {
                check_codes(codes, self.size(*domain)?)?;
                let total: u64 = sizes.iter().map(|&size| size as u64).sum();
                ensure(total == codes.len() as u64, "the sizes of sets of distinct values do not add up")?;
                &[sizes.len()]
            }
        };

        ensure(lengths.iter().all(|&length| length == groups), "the columns of an aggregate differ in length")
    }

    fn size(&self, domain: u32) -> Result<usize, String> {
        match self.domains.get(domain as usize) {
            Some(domain) => Ok(domain.values.len()),
            None => Err(format!("the values with number {domain} are missing")),
        }
    }
}

fn check_keys(keys: &[Vec<u32>], sizes: &[usize], groups: usize) -> Result<(), String> {
    ensure(keys.len() == sizes.len(), "a column of keys is missing")?;
    for (codes, &size) in keys.iter().zip(sizes) {
        ensure(codes.len() == groups, "a column of keys differs in length from its groups")?;
        check_codes(codes, size)?;
    }
    Ok(())
}

fn check_codes(codes: &[u32], size: usize) -> Result<(), String> {
    ensure(codes.iter().all(|&code| code as usize <= size), "a code stands for no value")
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
