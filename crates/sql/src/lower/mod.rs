//! Lowering: turns relational trees into the plan.
//!
//! Each tree is split. The lower part of each branch that a scan can compute becomes a query of the scan's
//! pipeline ([`fuse`]); each node above becomes an operator ([`operators`]). A shared node is lowered once.
//! Finally each pipeline gets a graph of the rewritten expressions that its queries reach.

mod aggregates;
mod changelog;
mod corrections;
mod fuse;
mod images;
mod joins;
mod keys;
mod lookup;
mod matching;
mod merge;
mod operators;
mod pipeline;
mod producer;
mod prune;
mod ranks;
mod sinks;
mod state_ttl;
mod values;
use crate::bind::BoundQuery;
use crate::catalog::{Catalog, Table};
use crate::dialect;
use crate::error::{Diagnostic, Span};
use crate::plan::operator::{Changes, Field, Operator, Target};
use crate::plan::{Plan, Settings, SinkTable};
use crate::rel::{Rel, reads};
use crate::rules::Rule;
use fuse::{Fused, FusedStage, Sources};
use jiff::tz::TimeZone;
use pipeline::pipeline;
use producer::{Producer, ProducerKind};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use types::Interval;

/// Lowers all queries to one plan.
///
/// # Errors
/// A query needs something that no operator can do or its sink cannot take.
pub(crate) fn lower(
    catalog: &Catalog,
    bound: Vec<BoundQuery>,
    settings: Settings,
    notices: Vec<Diagnostic>,
) -> Result<Plan, Vec<Diagnostic>> {
    reads::within_limit(&bound)?;
    let sink_places: BTreeMap<usize, usize> = {
        let mut places: BTreeMap<usize, usize> = bound.iter().map(|query| (query.sink, 0)).collect();
        places.values_mut().enumerate().for_each(|(place, index)| *index = place);
        places
    };
    let changes = |table: &Table| dialect::source_changes(&table.options, &table.primary_key_fields);
    let is_upsert = |table: usize| matches!(changes(&catalog.tables[table]), Changes::Upsert(_));
    let mut lowering = Lowering {
        catalog,
        time_zone: settings.time_zone.clone(),
        settings: &settings,
        sources: Sources::new(&catalog.tables, &changes, settings.rules),
        drafts: BTreeMap::new(),
        operators: vec![],
        keys: vec![],
        identities: HashMap::new(),
        values: values::Values::default(),
        upserts: BTreeSet::new(),
        produced: HashMap::new(),
        merge: merge::Merge::new(&is_upsert),
        statement: String::new(),
        parts: 0,
        diagnostics: vec![],
    };

    let merged: Vec<Arc<Rel>> = bound.iter().map(|query| lowering.merge.rel(&query.rel)).collect();
    let pruned = match settings.rules.has(Rule::PruneFields) {
        true => prune::pruned(&merged, &is_upsert),
        false => merged,
    };
    let mut names = Names::default();
    for (query, rel) in bound.iter().zip(pruned) {
        let table = &catalog.tables[query.sink];
        lowering.statement = names.next(&table.name);
        lowering.parts = 0;
        // A failure has been added to the diagnostics.
        let _ = lowering.insert(query, &rel, table, sink_places[&query.sink]);
    }

    let Lowering { mut sources, drafts, mut operators, keys, upserts, diagnostics, .. } = lowering;
    if settings.rules.has(Rule::LeaveOutImages) {
        images::leave_out_unread(&mut operators, &keys, &upserts);
    }
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }

    let mut notices = notices;
    notices.extend(corrections::without_effect(&operators, &settings));

    // A table that is also read with other options is another source with a name of its own.
    let mut source_names = Names::default();
    let mut pipelines = vec![];
    for (table, queries) in drafts {
        let graph = sources.graph(table).exprs.clone();
        let of_table = &catalog.tables[table];
        let mut pipeline = pipeline(of_table, changes(of_table), &graph, queries, &settings);
        if of_table.rows.is_none() {
            pipeline.source.name = source_names.next(&of_table.name);
        }
        pipelines.push(pipeline);
    }
    let sinks = sink_places.keys().map(|index| sink(&catalog.tables[*index])).collect();
    let settings = Settings { updates: changelog::updates(&operators, &settings), ..settings };
    Ok(Plan { settings, pipelines, operators, sinks, notices })
}

/// The state of lowering trees to a plan.
struct Lowering<'a> {
    catalog: &'a Catalog,
    time_zone: TimeZone,
    settings: &'a Settings,
    sources: Sources<'a>,
    /// The queries of each table's scan.
    drafts: BTreeMap<usize, Vec<Draft>>,
    operators: Vec<Operator>,
    /// For each operator, the fields that identify its rows.
    keys: Vec<Option<Vec<usize>>>,
    /// How many operators have an identity, not counting their numbers.
    identities: HashMap<String, usize>,
    values: values::Values,
    /// Pairs of an operator and a sink that takes its rows by the same key.
    upserts: BTreeSet<(usize, usize)>,
    /// Producers of nodes that are already lowered.
    produced: HashMap<*const Rel, Producer>,
    merge: merge::Merge<'a>,
    /// Name of the current INSERT, and the number of its parts that scans compute.
    statement: String,
    parts: usize,
    diagnostics: Vec<Diagnostic>,
}

/// A query of a scan.
struct Draft {
    name: String,
    /// Identifies what the query computes, whatever else the script contains.
    meaning: String,
    fused: Fused,
    targets: Vec<Target>,
    span: Span,
}

/// Proof that a finding was reported; what depends on the failed part is dropped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failed;

impl Lowering<'_> {
    fn fail(&mut self, diagnostic: Diagnostic) -> Failed {
        self.diagnostics.push(diagnostic);
        Failed
    }

    fn insert(
        &mut self,
        query: &BoundQuery,
        rel: &Arc<Rel>,
        table: &Table,
        sink: usize,
    ) -> Result<(), Failed> {
        let fused = self.sources.fuse(rel).filter(|fused| self.is_whole(fused));
        let target = Target::Sink(sink);
        let fused = fused.filter(|fused| self.writes_by_itself(query, table, &self.fused_changes(fused)));
        if let Some(fused) = fused {
            self.check_sink(query, table, &self.fused_changes(&fused), None)?;
            let meaning = self.sources.meaning(&fused);
            let name = self.statement.clone();
            let draft = Draft { name, meaning, fused, targets: vec![target], span: query.span };
            self.drafts.entry(draft.fused.table).or_default().push(draft);
            return Ok(());
        }

        let producer = self.produce(rel)?;
        let producer = self.prepare_for_sink(producer, query, table)?;
        self.note_upserts(&producer, table, sink);
        self.connect(&producer, target);
        Ok(())
    }

    /// Returns whether a scan's query may end here: rows with windows still have to be aggregated.
    fn is_whole(&self, fused: &Fused) -> bool {
        let table = &self.catalog.tables[fused.table];
        let is_upsert = matches!((self.sources.changes)(table), Changes::Upsert(_));
        !is_upsert && !matches!(fused.stage, FusedStage::Windowed { .. })
    }

    fn fused_changes(&self, fused: &Fused) -> Changes {
        match fused.stage {
            FusedStage::Rows => (self.sources.changes)(&self.catalog.tables[fused.table]),
            FusedStage::Windowed { .. } | FusedStage::Grouped(_) => Changes::Append,
        }
    }

    /// Returns the producer of a node, which is lowered on first use.
    pub(super) fn produce(&mut self, rel: &Arc<Rel>) -> Result<Producer, Failed> {
        if let Some(known) = self.produced.get(&Arc::as_ptr(rel)) {
            return Ok(known.clone());
        }
        let producer = match self
            .sources
            .fuse(rel)
            .filter(|fused| !matches!(fused.stage, FusedStage::Windowed { .. }))
        {
            Some(fused) => self.scan_part(fused, rel)?,
            None => self.operator(rel)?,
        };
        self.produced.insert(Arc::as_ptr(rel), producer.clone());
        Ok(producer)
    }

    /// Adds a scan query whose rows operators read.
    fn scan_part(&mut self, fused: Fused, rel: &Rel) -> Result<Producer, Failed> {
        let Fused { table, filters, stage, columns } = fused;
        let fused = match stage {
            FusedStage::Grouped(group) if self.settings.allowed_lateness > Interval::ZERO => {
                return self.corrected((table, filters), group, columns, rel);
            }
            stage => Fused { table, filters, stage, columns },
        };
        let of_table = &self.catalog.tables[table];
        let changes = self.fused_changes(&fused);
        let fields: Vec<Field> = fields_of(rel);
        let group_key = match &fused.stage {
            FusedStage::Grouped(group) => {
                let width = group.keys.len();
                let results = width..width + group.aggregates.len();
                keys::of_columns(&fused.columns, &group.output, &|input| !results.contains(&input))
            }
            _ => None,
        };
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (place, field) in rel.fields.iter().enumerate() {
            let quoted = field.name.strip_prefix('`').and_then(|name| name.strip_suffix('`'));
            places.entry(quoted.unwrap_or(&field.name)).or_insert(place);
        }
        let primary_key: Option<Vec<usize>> =
            of_table.primary_key.iter().map(|name| places.get(name.as_str()).copied()).collect();
        let primary_key = primary_key.filter(|key| !key.is_empty());

        let values = self.values_of_scan(&fused);
        self.parts += 1;
        let name = format!("{}/{}", self.statement, self.parts);
        let meaning = self.sources.meaning(&fused);
        let draft = Draft { name, meaning, fused, targets: vec![], span: rel.span };
        let drafts = self.drafts.entry(table).or_default();
        drafts.push(draft);
        let kind = ProducerKind::Query { table, query: drafts.len() - 1 };
        let key = group_key.or_else(|| primary_key.clone().filter(|_| !changes.is_append()));
        let producer = Producer::new(kind, fields, changes.clone(), key, values);

        match (changes, primary_key) {
            (Changes::Upsert(_), Some(key)) => self.normalized(producer, key, None, rel.span),
            (Changes::Upsert(_), None) => {
                let error =
                    Diagnostic::error(of_table.span, format!("`{}` has no PRIMARY KEY", of_table.name))
                        .with_hint("rows that replace others need one: PRIMARY KEY (column) NOT ENFORCED");
                Err(self.fail(error))
            }
            _ => Ok(producer),
        }
    }
}

/// Returns the fields of a node as plan fields.
pub(super) fn fields_of(rel: &Rel) -> Vec<Field> {
    let field = |field: &crate::rel::RelField| Field {
        name: field.name.clone(),
        column_type: field.column_type.clone(),
    };
    rel.fields.iter().map(field).collect()
}

fn sink(table: &Table) -> SinkTable {
    SinkTable {
        name: table.name.clone(),
        columns: table.sink_columns().cloned().collect(),
        primary_key: table.primary_key.clone(),
        options: table.options.clone(),
        span: table.span,
    }
}

/// Names queries after their tables, with a number from the second one on.
#[derive(Default)]
struct Names {
    used: HashMap<String, u32>,
}

impl Names {
    fn next(&mut self, table: &str) -> String {
        let count = self.used.entry(table.to_owned()).or_default();
        *count += 1;
        if *count == 1 { table.to_owned() } else { format!("{table}#{count}") }
    }
}
