//! A look-up table for tests: it holds names by number, and behaves as a test prescribes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use parking_lot::{Condvar, Mutex};
use sql::plan::SourceTable;
use sql::plan::operator::{
    Changes, Distribution, Field, Input, JoinKind, LookupHint, LookupJoin, LookupKey, Predicate,
};
use types::{DataType, Interval, Repr, Scalar, Value};

use crate::connector::{CachePolicy, ConnectorError, Found, Lookup, LookupFactory};
use crate::operator::chain::Operator;
use crate::operator::lookup_join::LookupJoinOperator;
use crate::row::Reader;

/// A table of names by number; see the module documentation.
#[derive(Default)]
pub struct Names {
    pub rows: Mutex<BTreeMap<i64, Vec<&'static str>>>,
    /// The requested keys, in order.
    pub asked: Mutex<Vec<i64>>,
    pub cache: Option<CachePolicy>,
    /// Odd keys are answered later than even ones.
    pub is_uneven: bool,
    /// While true, nothing is answered.
    pub gate: Mutex<bool>,
    pub opened: Condvar,
    pub fails: Mutex<Option<Failure>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    Error,
    Panic,
}

impl Names {
    pub fn of(rows: &[(i64, &'static str)]) -> Names {
        let names = Names::default();
        rows.iter().for_each(|&(key, name)| names.put(key, name));
        names
    }

    pub fn put(&self, key: i64, name: &'static str) {
        self.rows.lock().entry(key).or_default().push(name);
    }

    pub fn replace(&self, key: i64, name: &'static str) {
        self.rows.lock().insert(key, vec![name]);
    }

    pub fn close(&self) {
        *self.gate.lock() = true;
    }

    pub fn open(&self) {
        *self.gate.lock() = false;
        self.opened.notify_all();
    }
}

struct Opened(Arc<Names>);

struct Factory(Arc<Names>);

impl LookupFactory for Factory {
    fn open(&self) -> Result<Box<dyn Lookup>, ConnectorError> {
        Ok(Box::new(Opened(self.0.clone())))
    }

    fn cache(&self) -> Option<CachePolicy> {
        self.0.cache
    }
}

impl Lookup for Opened {
    fn find(&mut self, keys: &[Box<[u8]>], found: &mut Found) -> Result<(), ConnectorError> {
        let names = &self.0;
        for (place, key) in keys.iter().enumerate() {
            let Some(Scalar::Int(key)) = Reader::new(key).next() else { panic!("a key is a number") };
            names.asked.lock().push(key);
            let mut is_closed = names.gate.lock();
            while *is_closed {
                names.opened.wait(&mut is_closed);
            }
            drop(is_closed);

            if names.is_uneven && key % 2 == 1 {
                std::thread::park_timeout(Duration::from_micros(300));
            }

            match *names.fails.lock() {
                Some(Failure::Error) => return Err(ConnectorError::external("cannot ask", "it is gone")),
                Some(Failure::Panic) => panic!("no such shelf"),
                None => {}
            }

            for name in names.rows.lock().get(&key).into_iter().flatten() {
                found.add(place, [Scalar::Int(key), Scalar::Text(name)]);
            }
        }
        Ok(())
    }
}

/// A lookup join. Left rows are `(id, key)`, both numbers; the table's are `(key, name)`.
#[derive(Clone)]
pub struct Join {
    pub kind: JoinKind,
    pub kept_by: Option<Vec<usize>>,
    pub hint: LookupHint,
    pub condition: Option<Predicate>,
    pub keys: Vec<(usize, LookupKey)>,
    pub ttl: Option<Interval>,
}

pub const LEFT: [Repr; 2] = [Repr::Int, Repr::Int];

pub fn inner() -> Join {
    Join {
        kind: JoinKind::Inner,
        kept_by: None,
        hint: LookupHint::default(),
        condition: None,
        keys: vec![(0, LookupKey::Field(1))],
        ttl: None,
    }
}

pub fn left() -> Join {
    Join { kind: JoinKind::Left, ..inner() }
}

impl Join {
    pub fn operator(&self, names: &Arc<Names>) -> Box<dyn Operator> {
        let field = |name: &str, data_type: DataType| Field {
            name: name.to_owned(),
            column_type: data_type.nullable(),
        };
        let input = Input {
            fields: vec![field("id", DataType::BigInt), field("key", DataType::BigInt)],
            distribution: Distribution::Forward,
            changes: Changes::Append,
        };
        let table = SourceTable {
            name: "names".to_owned(),
            columns: vec![],
            leaves: vec![],
            changes: Changes::Append,
            options: Default::default(),
            rows: None,
            span: Default::default(),
        };
        let join = LookupJoin {
            kind: self.kind,
            table: Arc::new(table),
            keys: self.keys.clone(),
            condition: self.condition.clone(),
            fields: vec![field("key", DataType::BigInt), field("name", DataType::STRING)],
            kept_by: self.kept_by.clone(),
            hint: self.hint,
        };

        let factory: Arc<dyn LookupFactory> = Arc::new(Factory(names.clone()));
        let name = "LookupJoin".to_owned();
        let operator = LookupJoinOperator::new(name, &join, &[input], &factory, self.ttl, &TimeZone::UTC);
        Box::new(operator.expect("the join is right"))
    }
}

/// Returns a left row.
pub fn order(id: i64, key: impl Into<Option<i64>>) -> [Value; 2] {
    [Value::Int(id), key.into().map_or(Value::Null, Value::Int)]
}

/// Returns a left row with its partner.
pub fn named(id: i64, key: i64, name: &str) -> [Value; 4] {
    [Value::Int(id), Value::Int(key), Value::Int(key), Value::Text(name.into())]
}

/// Returns a left row without a partner.
pub fn nameless(id: i64, key: impl Into<Option<i64>>) -> [Value; 4] {
    let [id, key] = order(id, key);
    [id, key, Value::Null, Value::Null]
}
