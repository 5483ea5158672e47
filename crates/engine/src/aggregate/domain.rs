//! Domains: the values of one key, distinct argument or compared text as codes. State knows only the codes.
//!
//! The code columns of a batch belong to dictionaries in front of the state (the decoder's, or those of
//! another subtask), which are dropped when they grow too large; `front` caches their translation. A domain's
//! own dictionary is compacted to the values that open windows still need.

use std::cmp::Ordering;

use foldhash::fast::RandomState;
use sql::expr::ExprId;
use types::{Scalar, Value};

use super::pick::TextOrder;
use crate::column::{Column, Numbers, Texts, tri};
use crate::dictionary::{Dictionary, IntDictionary, NULL_CODE, Remap};
use crate::evaluate::Vector;
use crate::selection::Selection;

/// The kind of a domain's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DomainSpec {
    Text(ExprId),
    Int(ExprId),
    Double(ExprId),
    Wide(ExprId),
    Bytes(ExprId),
    Bool(ExprId),
    /// A pair of codes of two other domains, by which three or more keys become two.
    Pair(usize, usize),
}

/// The codes of a domain's values so far, and those of the current batch.
#[derive(Debug, Clone)]
pub struct Domain {
    values: Values,
    /// The domain's code for each code of the front dictionary; [`UNKNOWN`] if not seen yet.
    front: Vec<u32>,
    /// One code per row of the batch.
    pub codes: Vec<u32>,
}

const UNKNOWN: u32 = u32::MAX;

#[derive(Debug, Clone)]
enum Values {
    Text(Dictionary),
    /// Doubles by their bits, pairs as two codes side by side.
    Int(IntDictionary),
    Wide(WideDictionary),
    /// Bytes as hexadecimal digits, since dictionaries hold text.
    Bytes(Dictionary),
    /// The codes are those of [`tri`].
    Bool,
}

#[derive(Debug, Clone, Default)]
struct WideDictionary {
    codes: hashbrown::HashMap<i128, u32, RandomState>,
    values: Vec<i128>,
}

impl DomainSpec {
    pub fn domain(self) -> Domain {
        let values = match self {
            DomainSpec::Text(_) => Values::Text(Dictionary::new()),
            DomainSpec::Int(_) | DomainSpec::Double(_) | DomainSpec::Pair(..) => {
                Values::Int(IntDictionary::new())
            }
            DomainSpec::Wide(_) => Values::Wide(WideDictionary::default()),
            DomainSpec::Bytes(_) => Values::Bytes(Dictionary::new()),
            DomainSpec::Bool(_) => Values::Bool,
        };
        Domain { values, front: Vec::new(), codes: Vec::new() }
    }

    /// Returns the expression of the values; `None` for a pair.
    pub fn expr(self) -> Option<ExprId> {
        match self {
            DomainSpec::Text(e)
            | DomainSpec::Int(e)
            | DomainSpec::Double(e)
            | DomainSpec::Wide(e)
            | DomainSpec::Bytes(e)
            | DomainSpec::Bool(e) => Some(e),
            DomainSpec::Pair(..) => None,
        }
    }

    /// Returns the value of a code. Pairs have none.
    pub fn value(self, domain: &Domain, code: u32) -> Value {
        if code == NULL_CODE {
            return Value::Null;
        }
        match (&domain.values, self) {
            (Values::Text(dictionary), _) => Value::Text(dictionary.text(code).to_owned()),
            (Values::Int(dictionary), DomainSpec::Double(_)) => {
                Value::Double(f64::from_bits(dictionary.value(code) as u64))
            }
            (Values::Int(dictionary), _) => Value::Int(dictionary.value(code)),
            (Values::Wide(dictionary), _) => Value::Wide(dictionary.values[code as usize - 1]),
            (Values::Bytes(dictionary), _) => Value::Bytes(from_hex(dictionary.text(code))),
            (Values::Bool, _) => Value::Bool(code == tri::TRUE as u32),
        }
    }
}

impl Domain {
    /// Returns a bound above every code.
    pub fn len(&self) -> usize {
        match &self.values {
            Values::Text(dictionary) | Values::Bytes(dictionary) => dictionary.len(),
            Values::Int(dictionary) => dictionary.len(),
            Values::Wide(dictionary) => dictionary.values.len() + 1,
            Values::Bool => 3,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 1
    }

    pub fn memory_bytes(&self) -> usize {
        let dictionary = match &self.values {
            Values::Text(dictionary) | Values::Bytes(dictionary) => dictionary.memory_bytes(),
            Values::Int(dictionary) => dictionary.memory_bytes(),
            Values::Wide(dictionary) => {
                dictionary.codes.allocation_size() + dictionary.values.capacity() * 16
            }
            Values::Bool => 0,
        };
        dictionary + (self.front.capacity() + self.codes.capacity()) * 4
    }

    /// Fills the codes of the selected rows from a column of the batch.
    pub fn fill(&mut self, vector: Vector<'_>, rows: Selection<'_>, batch_rows: usize) {
        self.codes.clear();
        self.codes.resize(batch_rows, NULL_CODE);

        if let Vector::Const(value) = vector {
            let code = self.code(value);
            self.codes.fill(code);
            return;
        }

        let codes = &mut self.codes;

        match (&mut self.values, vector) {
            (Values::Text(own), Vector::Coded { codes: theirs, dictionary }) => {
                self.front.resize(dictionary.len(), UNKNOWN);
                let front = &mut self.front;
                front[NULL_CODE as usize] = NULL_CODE;
                rows.for_each(|_, row| {
                    let mut code = front[theirs[row] as usize];
                    if code == UNKNOWN {
                        code = own.code_str(dictionary.text(theirs[row]));
                        front[theirs[row] as usize] = code;
                    }
                    codes[row] = code;
                });
            }
            (Values::Text(own), vector @ Vector::Text { .. }) => rows.for_each(|_, row| {
                if let Some(text) = vector.bytes(row) {
                    // Texts of a closed batch are UTF-8.
                    codes[row] = own.code(text).unwrap_or(NULL_CODE);
                }
            }),
            (Values::Int(own), Vector::Int { values, valid }) => rows.for_each(|_, row| {
                if valid[row] != 0 {
                    codes[row] = own.code(values[row]);
                }
            }),
            (Values::Int(own), Vector::Double { values, valid }) => rows.for_each(|_, row| {
                if valid[row] != 0 {
                    codes[row] = own.code(double_key(values[row]));
                }
            }),
            (Values::Wide(own), Vector::Wide { values, valid }) => rows.for_each(|_, row| {
                if valid[row] != 0 {
                    codes[row] = own.code(values[row]);
                }
            }),
            (Values::Bytes(own), vector @ Vector::Bytes { .. }) => rows.for_each(|_, row| {
                if let Some(bytes) = vector.bytes(row) {
                    codes[row] = own.code_str(&to_hex(bytes));
                }
            }),
            (Values::Bool, Vector::Bool(flags)) => rows.for_each(|_, row| codes[row] = flags[row] as u32),
            (values, vector) => unreachable!("a domain {values:?} cannot be filled from {vector:?}"),
        }
    }

    /// Fills a pair's codes from those of its parts.
    pub fn fill_pair(&mut self, left: &[u32], right: &[u32], rows: Selection<'_>, batch_rows: usize) {
        self.codes.clear();
        self.codes.resize(batch_rows, NULL_CODE);
        let Values::Int(own) = &mut self.values else { unreachable!("pairs are held as numbers") };
        let codes = &mut self.codes;
        rows.for_each(|_, row| codes[row] = own.code(pair_key(left[row], right[row])));
    }

    /// Returns the code of a value of this domain; another representation is null.
    pub fn code(&mut self, value: Scalar<'_>) -> u32 {
        match (&mut self.values, value) {
            (Values::Text(own), Scalar::Text(text)) => own.code_str(text),
            (Values::Int(own), Scalar::Int(v)) => own.code(v),
            (Values::Int(own), Scalar::Double(v)) => own.code(double_key(v)),
            (Values::Wide(own), Scalar::Wide(v)) => own.code(v),
            (Values::Bytes(own), Scalar::Bytes(v)) => own.code_str(&to_hex(v)),
            (Values::Bool, Scalar::Bool(v)) => tri::of(v) as u32,
            _ => NULL_CODE,
        }
    }

    /// Returns the code of a pair of codes.
    pub fn pair_code(&mut self, left: u32, right: u32) -> u32 {
        let Values::Int(own) = &mut self.values else { unreachable!("pairs are held as numbers") };
        own.code(pair_key(left, right))
    }

    /// Returns the two codes of a pair.
    pub fn pair(&self, code: u32) -> (u32, u32) {
        if code == NULL_CODE {
            return (NULL_CODE, NULL_CODE);
        }
        let Values::Int(own) = &self.values else { unreachable!("pairs are held as numbers") };
        let packed = own.value(code) as u64;
        (packed as u32, (packed >> 32) as u32)
    }

    /// Clears the translation, because the front dictionary was emptied and its codes have another meaning
    /// now.
    pub fn forget_front(&mut self) {
        self.front.clear();
    }

    /// Drops all codes but the live ones.
    pub fn retain(&mut self, live: &[bool]) -> Remap {
        self.front.clear();
        match &mut self.values {
            Values::Text(dictionary) | Values::Bytes(dictionary) => dictionary.retain(live),
            Values::Int(dictionary) => dictionary.retain(live),
            Values::Wide(dictionary) => dictionary.retain(live),
            Values::Bool => (0..3).collect(),
        }
    }

    /// Returns the dictionary of a text domain.
    pub fn dictionary(&self) -> Option<&Dictionary> {
        match &self.values {
            Values::Text(dictionary) => Some(dictionary),
            _ => None,
        }
    }

    /// Compares two texts of a text domain.
    pub fn compare_texts(&self, a: u32, b: u32) -> Ordering {
        match &self.values {
            Values::Text(dictionary) | Values::Bytes(dictionary) => {
                dictionary.bytes(a).cmp(dictionary.bytes(b))
            }
            _ => Ordering::Equal,
        }
    }
}

/// All domains of a pipeline's state.
#[derive(Debug, Clone)]
pub struct Domains {
    pub specs: Vec<DomainSpec>,
    pub list: Vec<Domain>,
}

impl Domains {
    pub fn new(specs: &[DomainSpec]) -> Domains {
        Domains { specs: specs.to_vec(), list: specs.iter().map(|spec| spec.domain()).collect() }
    }

    /// Returns the domain of pairs of two others, which the layout has created.
    pub fn pair_of(&self, left: usize, right: usize) -> usize {
        let pair = self.specs.iter().position(|&spec| spec == DomainSpec::Pair(left, right));
        pair.expect("the layout pairs up more than two keys")
    }

    /// Writes the sizes of all domains to `sizes`.
    pub fn sizes(&self, sizes: &mut Vec<usize>) {
        sizes.clear();
        sizes.extend(self.list.iter().map(Domain::len));
    }

    pub fn memory_bytes(&self) -> usize {
        self.list.iter().map(Domain::memory_bytes).sum()
    }

    /// Returns the values of some codes of a domain, which must not be a pair or a text domain.
    pub fn column(&self, domain: usize, codes: &[u32]) -> Column {
        let spec = self.specs[domain];
        let mut column = match spec {
            DomainSpec::Int(_) => Column::Int(Numbers::default()),
            DomainSpec::Double(_) => Column::Double(Numbers::default()),
            DomainSpec::Wide(_) => Column::Wide(Numbers::default()),
            DomainSpec::Bool(_) => Column::Bool(Vec::new()),
            DomainSpec::Bytes(_) => Column::Bytes(Texts::default()),
            DomainSpec::Text(_) | DomainSpec::Pair(..) => {
                unreachable!("texts stay codes, pairs are taken apart")
            }
        };
        column.reset(codes.len());
        for (row, &code) in codes.iter().enumerate() {
            column.set(row, spec.value(&self.list[domain], code).as_scalar());
        }
        column
    }
}

impl TextOrder for Domains {
    fn compare(&self, domain: usize, a: u32, b: u32) -> Ordering {
        self.list[domain].compare_texts(a, b)
    }
}

impl WideDictionary {
    fn code(&mut self, value: i128) -> u32 {
        let next = self.values.len() as u32 + 1;
        let code = *self.codes.entry(value).or_insert(next);
        if code == next {
            self.values.push(value);
        }
        code
    }

    fn retain(&mut self, live: &[bool]) -> Remap {
        let old = std::mem::take(self);
        let mut remap = vec![NULL_CODE; old.values.len() + 1];
        for (i, &value) in old.values.iter().enumerate() {
            if live.get(i + 1).copied().unwrap_or(false) {
                remap[i + 1] = self.code(value);
            }
        }
        remap
    }
}

/// Returns the key of a double. All NaNs are one value; 0.0 and -0.0 are two, as in Flink.
fn double_key(value: f64) -> i64 {
    let canonical = if value.is_nan() { f64::NAN } else { value };
    canonical.to_bits() as i64
}

fn pair_key(left: u32, right: u32) -> i64 {
    (left as u64 | (right as u64) << 32) as i64
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes();
    let value = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
    digits.chunks_exact(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect()
}
