//! The content of a snapshot. Field order is part of the format: see [`super::VERSION`].

use serde::{Deserialize, Serialize};

use super::part::{OperatorPart, PartFile};
use super::wire::SourceV2;
use crate::connector::Split;
use crate::operator::LedgerCounts;
use crate::state::KeyGroups;

/// The state of a plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub pipelines: Vec<PipelineImage>,
    /// One per identity, whatever the parallelism.
    pub operators: Vec<OperatorImage>,
}

/// The version in which operators write their state. An operator that changes its form gets its own version.
pub const STATE_VERSION: u16 = 1;

/// The state of an operator.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct OperatorImage {
    /// See [`sql::plan::Operator::identity`].
    pub identity: String,
    /// The operator's type, for people: `GroupAggregate`.
    pub kind: String,
    /// The version in which operators of this kind write their state.
    pub version: u16,
    /// Ascending by range, of key groups with state. Ranges may overlap: rows that wait in an operator are in
    /// the subtask that received them, whatever their key.
    pub parts: Vec<OperatorPart>,
}

impl Snapshot {
    /// Adds parts of an operator's state to those of other subtasks.
    pub fn add_parts(&mut self, identity: &str, kind: &str, parts: Vec<OperatorPart>) {
        let known = self.operators.iter_mut().find(|known| known.identity == identity);
        let operator = match known {
            Some(known) => known,
            None => {
                let (identity, kind) = (identity.to_owned(), kind.to_owned());
                self.operators.push(OperatorImage {
                    identity,
                    kind,
                    version: STATE_VERSION,
                    parts: Vec::new(),
                });
                self.operators.last_mut().expect("an operator was added")
            }
        };
        operator.parts.extend(parts);
        operator.parts.sort_by_key(|part| part.groups);
    }

    /// Returns the parts that are separate files, each with the identity of its operator.
    pub fn part_files(&self) -> impl Iterator<Item = (&str, KeyGroups, &PartFile)> {
        self.operators.iter().flat_map(|operator| {
            let files = operator.parts.iter().filter_map(|part| Some((part.groups, part.file()?)));
            files.map(|(groups, file)| (operator.identity.as_str(), groups, file))
        })
    }
}

/// The state of one pipeline.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PipelineImage {
    /// The source table.
    pub table: String,
    /// The system it reads, as its connector names it: offsets are valid only there.
    pub reads: String,
    /// One per source subtask.
    pub sources: Vec<SourceImage>,
    /// One per subtask that owned state; all have the same units in the same order.
    pub states: Vec<AggregationImage>,
}

/// The positions of a source subtask.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "SourceV2", into = "SourceV2")]
pub struct SourceImage {
    pub splits: Vec<SplitImage>,
    /// The outcome of the records before.
    pub ledger: LedgerCounts,
}

/// The read position of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitImage {
    pub split: Split,
    /// The next offset.
    pub offset: u64,
    /// The watermark that its records imply, in milliseconds.
    pub watermark: Option<i64>,
    /// The id of its topic, if the log has ids: an offset means nothing in a topic of another id.
    pub topic_id: Option<String>,
    /// The bounds against which the records after the offset were judged when they were read before.
    pub replay: Option<ReplayImage>,
}

/// The bounds of records that are still to be replayed ([`crate::lateness`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayImage {
    /// By offset, ascending.
    pub bounds: Vec<BoundsImage>,
    /// The offset up to which, exclusive, the bounds hold.
    pub reached: u64,
}

/// The bounds against which the records from an offset on were judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundsImage {
    pub offset: u64,
    /// As in [`crate::watermark::Clamp`].
    pub current: i64,
    pub others: i64,
    /// The clock in milliseconds, if it influenced the judgement.
    pub clock: Option<i64>,
}

/// The window state of one subtask.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AggregationImage {
    /// The key groups that the subtask owned.
    pub groups: KeyGroups,
    /// The pipeline's watermark, in milliseconds.
    pub watermark: i64,
    /// The values to which the state refers.
    pub domains: Vec<DomainImage>,
    pub units: Vec<UnitImage>,
}

/// The values of a key, distinct argument or picked text. Their codes are their positions, from 1; 0 is null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DomainImage {
    /// The digest of the expression.
    pub identity: String,
    pub values: ValuesImage,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ValuesImage {
    Text(Vec<String>),
    Int(Vec<i64>),
    /// The bits of each double.
    Double(Vec<u64>),
    Wide(Vec<i128>),
    Bytes(Vec<Vec<u8>>),
    Bool(Vec<bool>),
}

/// The state of queries with the same window, conditions and keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitImage {
    pub identity: String,
    /// The queries that read it.
    pub queries: Vec<String>,
    /// The keys' domains.
    pub keys: Vec<u32>,
    /// The aggregation of each state of a slice.
    pub states: Vec<String>,
    pub slices: Vec<SliceImage>,
    pub windows: Vec<WindowImage>,
}

/// The groups that have rows in a slice of time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SliceImage {
    /// Exclusive, in milliseconds on the session's wall clock.
    pub end: i64,
    /// The end of the first window that counts it, which is not its own for rows that are late for earlier
    /// windows.
    pub from: i64,
    /// By key and group: codes.
    pub keys: Vec<Vec<u32>>,
    /// One per group.
    pub rows: Vec<u64>,
    pub states: Vec<StateColumnImage>,
}

/// The state of one aggregate for all groups of a slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum StateColumnImage {
    Count(Vec<u64>),
    SumInt {
        sums: Vec<i64>,
        counts: Vec<u64>,
    },
    SumWide {
        sums: Vec<i128>,
        counts: Vec<u64>,
    },
    SumDouble {
        fixed: Vec<i128>,
        counts: Vec<u64>,
        wide: Vec<(u32, WideImage)>,
    },
    PickInt {
        values: Vec<i64>,
        valid: Vec<u8>,
    },
    PickDouble {
        values: Vec<f64>,
        valid: Vec<u8>,
    },
    PickWide {
        values: Vec<i128>,
        valid: Vec<u8>,
    },
    PickText {
        domain: u32,
        codes: Vec<u32>,
    },
    Values(Vec<Vec<f64>>),
    /// The codes of all groups one after another; `sizes` holds the number of codes per group.
    Distinct {
        domain: u32,
        sizes: Vec<u32>,
        codes: Vec<u32>,
    },
}

/// The part of a sum of doubles that does not fit the fixed form: words of 32 bits, least significant first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WideImage {
    pub words: Vec<i64>,
    pub not_a_number: bool,
    pub positive_infinity: bool,
    pub negative_infinity: bool,
}

/// A window that rows can still reach.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct WindowImage {
    /// Exclusive, in milliseconds on the session's wall clock.
    pub end: i64,
    /// Whether its final result was written.
    pub fired: bool,
    /// The written results, if changes to them are to be reported.
    pub report: Option<ReportImage>,
}

/// The last written result of each group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReportImage {
    /// By key and group: codes.
    pub keys: Vec<Vec<u32>>,
    pub rows: Vec<u64>,
    /// How often the group was corrected.
    pub revisions: Vec<u32>,
}

impl ValuesImage {
    /// Returns the number of values.
    pub fn len(&self) -> usize {
        match self {
            ValuesImage::Text(values) => values.len(),
            ValuesImage::Int(values) => values.len(),
            ValuesImage::Double(values) => values.len(),
            ValuesImage::Wide(values) => values.len(),
            ValuesImage::Bytes(values) => values.len(),
            ValuesImage::Bool(values) => values.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl PipelineImage {
    /// Returns the read positions of all partitions.
    pub fn splits(&self) -> impl Iterator<Item = &SplitImage> {
        self.sources.iter().flat_map(|source| &source.splits)
    }

    /// Returns the pipeline's watermark, in milliseconds.
    pub fn watermark(&self) -> Option<i64> {
        self.states.iter().map(|state| state.watermark).max()
    }

    /// Returns the outcome of all records before.
    pub fn ledger(&self) -> LedgerCounts {
        let mut counts = LedgerCounts::default();
        self.sources.iter().for_each(|source| counts.add(&source.ledger));
        counts
    }
}
