//! Producers: the scan queries and operators that emit rows, and how an operator is added to the plan.

use std::collections::HashSet;

use super::keys::CalcColumns;
use super::values::ValueId;
use super::{Lowering, lookup};
use crate::error::Span;
use crate::plan::operator::{Changes, Distribution, Field, Input, Operator, OperatorKind, RankEnd, Target};

/// The scan query or operator that emits the rows of a node.
#[derive(Clone)]
pub(super) struct Producer {
    pub(super) kind: ProducerKind,
    pub(super) fields: Vec<Field>,
    pub(super) changes: Changes,
    /// Fields that identify the current rows and are not changed by updates.
    pub(super) key: Option<Vec<usize>>,
    /// The key, if it can be found without comparing values. State of operators depends on this key, so that it
    /// is found again by later versions, which may derive more keys.
    pub(super) plain_key: Option<Vec<usize>>,
    /// The values of the key, also if no field holds one of them any more.
    pub(super) key_values: Option<Vec<ValueId>>,
    /// The value of each field.
    pub(super) values: Vec<ValueId>,
}

impl Producer {
    pub(super) fn new(
        kind: ProducerKind,
        fields: Vec<Field>,
        changes: Changes,
        key: Option<Vec<usize>>,
        values: Vec<ValueId>,
    ) -> Producer {
        let key_values = key.as_ref().map(|key| key.iter().map(|field| values[*field]).collect());
        Producer { kind, fields, changes, plain_key: key.clone(), key, key_values, values }
    }

    /// Sets what the columns of a Calc over an input are. If the key is not passed on, its values are kept.
    pub(super) fn with_columns(self, columns: CalcColumns, of_input: CalcInput) -> Producer {
        let Producer { kind, fields, changes, key, .. } = self;
        let producer = Producer::new(kind, fields, changes, key, columns.values);
        Producer {
            plain_key: of_input.plain_key,
            key_values: producer.key_values.or(of_input.key_values),
            ..producer
        }
    }

    /// Returns whether fields identify the rows: each value of the key is the value of one of them.
    pub(super) fn is_identified_by(&self, fields: &[usize]) -> bool {
        let of_fields = self.distinct_values(fields);
        self.key_values.as_ref().is_some_and(|key| key.iter().all(|value| of_fields.contains(value)))
    }

    /// Returns whether fields are the key: they identify the rows, and an update does not change them.
    pub(super) fn is_keyed_by(&self, fields: &[usize]) -> bool {
        let key = self.key_values.iter().flatten().copied().collect();
        self.is_identified_by(fields) && self.distinct_values(fields) == key
    }

    fn distinct_values(&self, fields: &[usize]) -> HashSet<ValueId> {
        fields.iter().map(|field| self.values[*field]).collect()
    }
}

/// What a Calc passes on of its input's key.
pub(super) struct CalcInput {
    plain_key: Option<Vec<usize>>,
    key_values: Option<Vec<ValueId>>,
}

impl CalcInput {
    pub(super) fn new(input: &Producer, columns: &CalcColumns) -> CalcInput {
        CalcInput { plain_key: columns.plain_key(input), key_values: input.key_values.clone() }
    }
}

#[derive(Clone, Copy)]
pub(super) enum ProducerKind {
    Query { table: usize, query: usize },
    Operator(usize),
}

impl Lowering<'_> {
    /// Adds a target for a producer's rows.
    pub(super) fn connect(&mut self, producer: &Producer, target: Target) {
        let targets = match producer.kind {
            ProducerKind::Query { table, query } => {
                self.drafts.get_mut(&table).map(|drafts| &mut drafts[query].targets)
            }
            ProducerKind::Operator(operator) => Some(&mut self.operators[operator].targets),
        };
        if let Some(targets) = targets {
            targets.push(target);
        }
    }

    /// Adds an operator that reads from producers.
    pub(super) fn add(
        &mut self,
        kind: OperatorKind,
        inputs: Vec<(Producer, Distribution)>,
        (fields, changes, key): (Vec<Field>, Changes, Option<Vec<usize>>),
        (name, span): (String, Span),
    ) -> Producer {
        let (place, of_inputs) = (self.operators.len(), inputs.len());
        for (input, (producer, _)) in inputs.iter().enumerate() {
            self.connect(producer, Target::Operator { operator: place, input });
        }
        let identity = self.identity(&kind, &inputs);
        let values = self.values_of(&kind, &inputs, fields.len());
        let plain_key = plain_key(&kind, &inputs, key.as_ref(), fields.len());
        let operator = Operator {
            identity,
            name,
            kind,
            inputs: inputs
                .into_iter()
                .map(|(producer, distribution)| Input {
                    fields: producer.fields,
                    distribution,
                    changes: producer.changes,
                })
                .collect(),
            fields: fields.clone(),
            changes: changes.clone(),
            targets: vec![],
            state_ttl: vec![self.settings.state_ttl; of_inputs],
            span,
        };
        self.operators.push(operator);
        self.keys.push(key.clone());
        let producer = Producer::new(ProducerKind::Operator(place), fields, changes, key, values);
        Producer { plain_key, ..producer }
    }

    /// Returns a text that identifies the operator's meaning: the statement, and a digest of the operator and
    /// its inputs. Operators of one statement with the same meaning are numbered.
    fn identity(&mut self, kind: &OperatorKind, inputs: &[(Producer, Distribution)]) -> String {
        let mut text = match kind {
            OperatorKind::LookupJoin(join) => lookup::meaning(join),
            kind => format!("{kind:?}"),
        };
        for (producer, _) in inputs {
            match producer.kind {
                ProducerKind::Operator(place) => text.push_str(&self.operators[place].identity),
                ProducerKind::Query { table, query } => {
                    text.push_str(&self.catalog.tables[table].name);
                    text.push_str(self.drafts.get(&table).map_or("", |drafts| &drafts[query].meaning));
                }
            }
        }

        // FNV-1a.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in text.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let identity = format!("{}/{hash:016x}", self.statement);
        let operators = self.identities.entry(identity.clone()).or_default();
        *operators += 1;
        match *operators {
            1 => identity,
            number => format!("{identity}#{number}"),
        }
    }
}

/// Returns the plain key of an operator, except a Calc or a join, whose key is `key`.
fn plain_key(
    kind: &OperatorKind,
    inputs: &[(Producer, Distribution)],
    key: Option<&Vec<usize>>,
    width: usize,
) -> Option<Vec<usize>> {
    let of_input = inputs.first().and_then(|(input, _)| input.plain_key.clone());
    match kind {
        // These pass the key of their input on.
        OperatorKind::Over(_) | OperatorKind::Limit(_) | OperatorKind::LookupJoin(_) => {
            of_input.filter(|_| key.is_some())
        }
        OperatorKind::Rank(rank)
            if !rank.with_number && (rank.from, rank.to) != (1, RankEnd::Constant(1)) =>
        {
            of_input
        }
        // A row is in several windows, which their ends tell apart.
        OperatorKind::WindowAssign(_) => of_input.map(|key| key.into_iter().chain([width - 2]).collect()),
        // The others have keys of their own.
        _ => key.cloned(),
    }
}
