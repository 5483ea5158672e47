//! The parts of a snapshot as each version of the format writes them. Field order is part of the format.
//!
//! Version 2 added to version 1:
//! * the ids of topics;
//! * the bounds of records that are to be replayed;
//! * the ledger's counts of records without a value and of records lost to retention;
//! * the state of operators, in parts by key group;
//! * the key groups of a subtask's windows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::image::{
    AggregationImage, DomainImage, PipelineImage, ReplayImage, Snapshot, SourceImage, SplitImage, UnitImage,
};
use crate::connector::Split;
use crate::operator::LedgerCounts;
use crate::state::KeyGroups;

/// A snapshot of version 1.
#[derive(Deserialize)]
pub(super) struct SnapshotV1 {
    pipelines: Vec<PipelineV1>,
}

#[derive(Deserialize)]
struct PipelineV1 {
    table: String,
    reads: String,
    sources: Vec<SourceV1>,
    states: Vec<AggregationV1>,
}

#[derive(Deserialize)]
struct AggregationV1 {
    watermark: i64,
    domains: Vec<DomainImage>,
    units: Vec<UnitImage>,
}

#[derive(Deserialize)]
struct SourceV1 {
    splits: Vec<SplitV1>,
    ledger: LedgerV1,
}

#[derive(Serialize, Deserialize)]
struct SplitV1 {
    split: Split,
    offset: u64,
    watermark: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct LedgerV1 {
    accepted: u64,
    counted: u64,
    filtered: u64,
    late: u64,
    dead_lettered: u64,
    reasons: BTreeMap<String, u64>,
    late_by_query: BTreeMap<String, u64>,
    wrong_types: BTreeMap<String, u64>,
}

/// A [`SourceImage`] of version 2.
#[derive(Serialize, Deserialize)]
pub(super) struct SourceV2 {
    splits: Vec<SplitV2>,
    ledger: LedgerV1,
    empty: u64,
    lost: u64,
}

#[derive(Serialize, Deserialize)]
struct SplitV2 {
    of: SplitV1,
    topic_id: Option<String>,
    replay: Option<ReplayImage>,
}

impl From<SnapshotV1> for Snapshot {
    fn from(of: SnapshotV1) -> Snapshot {
        let pipelines = of.pipelines.into_iter().map(|pipeline| PipelineImage {
            table: pipeline.table,
            reads: pipeline.reads,
            sources: pipeline.sources.into_iter().map(SourceImage::from).collect(),
            states: pipeline.states.into_iter().map(AggregationImage::from).collect(),
        });
        Snapshot { pipelines: pipelines.collect(), operators: Vec::new() }
    }
}

impl From<AggregationV1> for AggregationImage {
    /// Version 1 does not have the groups that a subtask owned, so every subtask searches each image.
    fn from(AggregationV1 { watermark, domains, units }: AggregationV1) -> AggregationImage {
        AggregationImage { groups: KeyGroups::ALL, watermark, domains, units }
    }
}

impl From<SourceV1> for SourceImage {
    fn from(SourceV1 { splits, ledger }: SourceV1) -> SourceImage {
        let splits = splits.into_iter().map(|of| split(of, None, None)).collect();
        SourceImage { splits, ledger: counts(ledger, 0, 0) }
    }
}

impl From<SourceV2> for SourceImage {
    fn from(SourceV2 { splits, ledger, empty, lost }: SourceV2) -> SourceImage {
        let splits =
            splits.into_iter().map(|SplitV2 { of, topic_id, replay }| split(of, topic_id, replay)).collect();
        SourceImage { splits, ledger: counts(ledger, empty, lost) }
    }
}

impl From<SourceImage> for SourceV2 {
    fn from(SourceImage { splits, ledger }: SourceImage) -> SourceV2 {
        let splits = splits.into_iter().map(|SplitImage { split, offset, watermark, topic_id, replay }| {
            SplitV2 { of: SplitV1 { split, offset, watermark }, topic_id, replay }
        });
        let LedgerCounts {
            accepted,
            counted,
            filtered,
            empty,
            late,
            dead_lettered,
            lost,
            reasons,
            late_by_query,
            wrong_types,
        } = ledger;

        let ledger = LedgerV1 {
            accepted,
            counted,
            filtered,
            late,
            dead_lettered,
            reasons,
            late_by_query,
            wrong_types,
        };

        SourceV2 { splits: splits.collect(), ledger, empty, lost }
    }
}

fn split(of: SplitV1, topic_id: Option<String>, replay: Option<ReplayImage>) -> SplitImage {
    SplitImage { split: of.split, offset: of.offset, watermark: of.watermark, topic_id, replay }
}

fn counts(of: LedgerV1, empty: u64, lost: u64) -> LedgerCounts {
    LedgerCounts {
        accepted: of.accepted,
        counted: of.counted,
        filtered: of.filtered,
        empty,
        late: of.late,
        dead_lettered: of.dead_lettered,
        lost,
        reasons: of.reasons,
        late_by_query: of.late_by_query,
        wrong_types: of.wrong_types,
    }
}
