//! The inner join: emits pairs, and nothing for a row without a partner.
//!
//! No row has a count of partners, so the rows of the other side do not change while a batch is processed,
//! and pairs may refer to them: pairs are gathered, evaluated and emitted many at a time, in columns.
//!
//! ```text
//! chunk of rows ─► keys, hashes ─► entries of both sides prefetched
//!         each row: stored or removed ─► pairs with the other side's rows
//!                               │ full, or the batch ends
//!                               ▼
//!            condition over the fields it reads ─► all fields of the pairs that pass
//! ```

use jiff::tz::TimeZone;
use sql::expr::{Expr, ExprId};
use sql::functions::{Env, EvalError};
use sql::plan::operator::{Input, Join, Predicate};
use types::{Interval, Repr};

use super::packed::RowForm;
use super::pair_columns::{Pair, PairColumns};
use super::shape::{JoinShape, LEFT, RIGHT};
use super::side::Side;
use crate::evaluate::{Evaluator, Inputs, Passed};
use crate::operator::chain::{Context, OperatorError};
use crate::operator::changes::{Changes, RowKind, RowWatermarks};
use crate::operator::fields;
use crate::selection::Selection;
use crate::watermark::NO_WATERMARK;

/// The number of rows whose keys are looked up together.
const CHUNK: usize = 64;
/// The number of pairs, and of their bytes, that are emitted at once.
const FULL_PAIRS: usize = 4_096;
const FULL_BYTES: usize = 1 << 20;

/// The state of an inner join; see the module documentation.
pub(super) struct InnerJoin {
    shape: JoinShape,
    pub sides: [Side; 2],
    chunk: JoinChunk,
    row: Vec<u8>,
    emitter: PairEmitter,
}

/// Rows with their keys.
#[derive(Default)]
struct JoinChunk {
    keys: Vec<u8>,
    rows: Vec<ChunkRow>,
}

struct ChunkRow {
    at: usize,
    hash: u64,
    /// The end of the key in `keys`.
    end: usize,
}

/// Emits the pairs that pass the condition.
struct PairEmitter {
    operator: String,
    condition: Option<PairCondition>,
    columns: PairColumns,
    watermark: i64,
    places: Vec<u32>,
    kinds: Vec<RowKind>,
}

/// A condition over pairs, evaluated in columns of the fields that it reads.
struct PairCondition {
    evaluator: Evaluator,
    conditions: Vec<ExprId>,
    columns: PairColumns,
    passed: Vec<u32>,
}

impl InnerJoin {
    /// Builds the join.
    ///
    /// # Errors
    /// A function does not accept its literal arguments.
    pub fn new(
        operator: String,
        join: &Join,
        shape: JoinShape,
        inputs: &[Input],
        ttl: [Option<Interval>; 2],
        time_zone: &TimeZone,
    ) -> Result<InnerJoin, String> {
        let side = |side: usize| {
            Side::new(RowForm { unique: join.unique[side], tracks: false }, side as u8, ttl[side])
        };
        let reprs: Vec<Repr> = inputs.iter().flat_map(|input| fields::reprs(&input.fields)).collect();

        let condition = match &join.condition {
            Some(predicate) => Some(PairCondition::new(predicate, &shape, &reprs, time_zone)?),
            None => None,
        };

        let emitter = PairEmitter {
            operator,
            condition,
            columns: PairColumns::new(&shape, &reprs, |_| true),
            watermark: NO_WATERMARK,
            places: Vec::new(),
            kinds: Vec::new(),
        };

        let sides = [side(LEFT), side(RIGHT)];
        Ok(InnerJoin { shape, sides, chunk: JoinChunk::default(), row: Vec::new(), emitter })
    }

    pub fn advance(&mut self, watermark: i64) {
        self.emitter.watermark = watermark;
    }

    /// Processes rows of one input.
    ///
    /// # Errors
    /// As `Operator::process`.
    pub fn process(
        &mut self,
        input: usize,
        rows: &Changes<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let InnerJoin { shape, sides, chunk, row, emitter } = self;
        let now_ms = context.now_ms();
        let [left, right] = sides;
        let (own, other) = if input == LEFT { (left, &*right) } else { (right, &*left) };
        let mut pairs = Vec::new();
        let mut bytes = 0;

        let mut places = rows.places();
        while chunk.fill(&mut places, own, |at, keys| shape.append_key(input, rows, at, keys)) {
            [&*own, other]
                .into_iter()
                .filter(|side| side.exceeds_caches())
                .for_each(|side| chunk.prefetch(side));

            for (at, hash, key) in chunk.iter() {
                shape.write_row(input, rows, at, row);
                if rows.kind(at).is_addition() {
                    own.add_hashed(hash, key, row, 0, now_ms);
                } else if own.remove(key, row, now_ms).is_none() {
                    // The row retracts a row that is absent.
                    continue;
                }

                let mut given_bytes = row.len();
                other.partners(hash, key, now_ms, |stored, count| {
                    pairs.push(Pair { at: at as u32, count, stored });
                    bytes += stored.len() + std::mem::take(&mut given_bytes);
                    if pairs.len() >= FULL_PAIRS || bytes >= FULL_BYTES {
                        emitter.emit_passing(input, rows, &pairs, context)?;
                        pairs.clear();
                        bytes = 0;
                    }
                    Ok::<(), OperatorError>(())
                })?;
            }
        }
        emitter.emit_passing(input, rows, &pairs, context)
    }

    pub fn memory_bytes(&self) -> usize {
        self.sides.iter().map(Side::memory_bytes).sum::<usize>() + self.emitter.memory_bytes()
    }
}

impl JoinChunk {
    /// Takes the next rows with their keys; returns false if there are none. `append` adds the key of a row,
    /// and returns whether the row may have partners: other rows are left out.
    fn fill(
        &mut self,
        places: &mut impl Iterator<Item = usize>,
        side: &Side,
        append: impl Fn(usize, &mut Vec<u8>) -> bool,
    ) -> bool {
        let JoinChunk { keys, rows } = self;
        keys.clear();
        rows.clear();
        let mut taken = 0;
        for at in places.take(CHUNK) {
            taken += 1;
            let start = keys.len();
            if append(at, keys) {
                rows.push(ChunkRow { at, hash: side.hash(&keys[start..]), end: keys.len() });
            } else {
                keys.truncate(start);
            }
        }
        taken > 0
    }

    /// Returns each row with its key and the hash of the key.
    fn iter(&self) -> impl Iterator<Item = (usize, u64, &[u8])> {
        let mut start = 0;
        self.rows.iter().map(move |row| {
            let key = &self.keys[start..row.end];
            start = row.end;
            (row.at, row.hash, key)
        })
    }

    fn prefetch(&self, side: &Side) {
        side.prefetch(self.rows.iter().map(|row| row.hash));
    }
}

impl PairEmitter {
    /// Emits the pairs that pass the condition.
    fn emit_passing(
        &mut self,
        given: usize,
        rows: &Changes<'_>,
        pairs: &[Pair<'_>],
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        if pairs.is_empty() {
            return Ok(());
        }
        let Some(condition) = &mut self.condition else {
            return self.emit_pairs(given, rows, pairs.iter(), context);
        };

        let passed = condition.evaluate(given, rows, pairs, &mut self.places, context.env());
        let passed =
            passed.map_err(|source| OperatorError::Evaluate { operator: self.operator.clone(), source })?;
        match passed {
            Passed::All => self.emit_pairs(given, rows, pairs.iter(), context),
            Passed::Some => {
                let passed = std::mem::take(&mut condition.passed);
                let result =
                    self.emit_pairs(given, rows, passed.iter().map(|&pair| &pairs[pair as usize]), context);
                if let Some(condition) = &mut self.condition {
                    condition.passed = passed;
                }
                result
            }
        }
    }

    /// Emits pairs, once per copy of their partner.
    fn emit_pairs<'p, 's: 'p>(
        &mut self,
        given: usize,
        rows: &Changes<'_>,
        pairs: impl Iterator<Item = &'p Pair<'s>>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let mut stored = Vec::new();
        let mut bytes = 0;
        self.places.clear();

        for pair in pairs {
            for _ in 0..pair.count {
                if stored.len() >= FULL_PAIRS || bytes >= FULL_BYTES {
                    self.emit_batch(given, rows, &stored, context)?;
                    self.places.clear();
                    stored.clear();
                    bytes = 0;
                }
                self.places.push(pair.at);
                stored.push(pair.stored);
                bytes += pair.stored.len();
            }
        }
        if stored.is_empty() { Ok(()) } else { self.emit_batch(given, rows, &stored, context) }
    }

    /// Emits the pairs of the rows at `places` with these partners.
    fn emit_batch(
        &mut self,
        given: usize,
        rows: &Changes<'_>,
        stored: &[&[u8]],
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let PairEmitter { columns, places, kinds, .. } = self;
        let kinds = rows.kinds.gather(places, kinds);
        let columns = columns.fill(given, rows, places, stored.iter().copied());
        context.emit(&Changes {
            columns: &columns,
            rows: Selection::All(stored.len()),
            kinds,
            watermarks: RowWatermarks::All(self.watermark),
        })
    }

    fn memory_bytes(&self) -> usize {
        let condition = self
            .condition
            .as_ref()
            .map_or(0, |condition| condition.evaluator.memory_bytes() + condition.columns.memory_bytes());
        condition + self.columns.memory_bytes() + self.places.capacity() * size_of::<u32>()
    }
}

impl PairCondition {
    fn new(
        predicate: &Predicate,
        shape: &JoinShape,
        reprs: &[Repr],
        time_zone: &TimeZone,
    ) -> Result<PairCondition, String> {
        let Predicate { exprs, conditions } = predicate;
        let mut reads = vec![false; reprs.len()];
        let mut waiting = conditions.clone();
        while let Some(expr) = waiting.pop() {
            match exprs.expr(expr) {
                Expr::Column(field) => reads[*field] = true,
                _ => waiting.extend(exprs.operands(expr)),
            }
        }
        Ok(PairCondition {
            evaluator: Evaluator::new(exprs, conditions, time_zone)?,
            conditions: conditions.clone(),
            columns: PairColumns::new(shape, reprs, |field| reads[field]),
            passed: Vec::new(),
        })
    }

    /// Finds the pairs that pass. `places` is a buffer for the places of the input rows.
    fn evaluate(
        &mut self,
        given: usize,
        rows: &Changes<'_>,
        pairs: &[Pair<'_>],
        places: &mut Vec<u32>,
        env: &Env,
    ) -> Result<Passed, EvalError> {
        let PairCondition { evaluator, conditions, columns, passed } = self;
        places.clear();
        places.extend(pairs.iter().map(|pair| pair.at));
        let columns = columns.fill(given, rows, places, pairs.iter().map(|pair| pair.stored));

        evaluator.begin(pairs.len(), env);
        evaluator.filter(Inputs::Vectors(&columns), conditions, None, passed)
    }
}
