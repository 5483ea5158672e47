//! Snapshots: all state of a running plan at one point of its input.
//!
//! Everything is identified by its meaning and not by its position: a unit of state by its window, conditions
//! and keys, a piece of state by what it aggregates, a value by itself. So a snapshot can be restored into a
//! changed script and at another parallelism, and holds nothing that differs from process to process.

mod encoding;
mod image;
mod matching;
mod part;
mod validate;
mod wire;

pub use encoding::{Sizes, SnapshotError, VERSION, decode, encode, encode_sized};
pub use image::{
    AggregationImage, BoundsImage, DomainImage, OperatorImage, PipelineImage, ReplayImage, ReportImage,
    SliceImage, Snapshot, SourceImage, SplitImage, StateColumnImage, UnitImage, ValuesImage, WideImage,
    WindowImage,
};
pub use matching::{Fate, RestoreReport};
pub(crate) use matching::{PipelineMatch, PlanMatch, match_plan};
pub use part::{
    InMemory, InlineBytes, KeptPart, NotKept, OperatorPart, PartContent, PartError, PartFile, PartKeeper,
    PartReader,
};
