//! Columns: plain vectors with validity, written by row index and reused from batch to batch.
//!
//! A column is longer than its batch if an earlier batch was longer; only the first `rows` entries are valid.
//! Null entries hold a zero, so that a loop may read them without a check.

use types::{Repr, Scalar};

use crate::dictionary::{Dictionary, InvalidText, NULL_CODE};

mod repetition;

use self::repetition::Repetition;

/// `false`, `true` and null of a boolean column, one byte each.
pub mod tri {
    pub const NULL: u8 = 0;
    pub const FALSE: u8 = 1;
    pub const TRUE: u8 = 2;

    pub fn of(value: bool) -> u8 {
        if value { TRUE } else { FALSE }
    }
}

/// Values of one type, one per row.
#[derive(Debug, Clone)]
pub enum Column {
    /// See [`tri`].
    Bool(Vec<u8>),
    Int(Numbers<i64>),
    Double(Numbers<f64>),
    Wide(Numbers<i128>),
    /// Text as it came, for values that are read once.
    Text(Texts),
    Bytes(Texts),
    /// Text as codes of a dictionary, for values that are compared, grouped by or read repeatedly.
    Coded(Coded),
}

/// Numbers and their validity: 1, or 0 for null.
#[derive(Debug, Clone, Default)]
pub struct Numbers<T> {
    pub values: Vec<T>,
    pub valid: Vec<u8>,
}

/// Runs of bytes in one buffer.
#[derive(Debug, Clone, Default)]
pub struct Texts {
    pub views: Vec<View>,
    pub data: Vec<u8>,
}

/// A run of bytes; see [`View::NULL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    pub start: u32,
    pub len: u32,
}

/// Texts as codes. While the dictionary is too large for the caches, texts that are [`set`](Coded::set) wait
/// until the batch is [`finished`](Coded::finish), where they are looked up together.
#[derive(Debug, Clone, Default)]
pub struct Coded {
    pub codes: Vec<u32>,
    pub dictionary: Dictionary,
    waits: bool,
    waiting: Box<Texts>,
    /// Set if the column is to become plain once its texts do not repeat.
    repetition: Option<Box<Repetition>>,
}

/// Dictionaries of more texts than this do not fit the caches.
const LARGE: usize = 1 << 14;

impl View {
    pub const NULL: View = View { start: 0, len: u32::MAX };

    #[inline]
    pub fn is_null(self) -> bool {
        self.len == u32::MAX
    }

    #[inline]
    pub fn of(self, data: &[u8]) -> Option<&[u8]> {
        if self.is_null() { None } else { Some(&data[self.start as usize..][..self.len as usize]) }
    }
}

impl<T: Copy + Default> Numbers<T> {
    /// Makes the first `rows` entries null.
    pub fn reset(&mut self, rows: usize) {
        self.values.clear();
        self.values.resize(rows, T::default());
        self.valid.clear();
        self.valid.resize(rows, 0);
    }

    /// Adds null entries until there are `rows`.
    pub fn grow(&mut self, rows: usize) {
        self.values.resize(rows, T::default());
        self.valid.resize(rows, 0);
    }

    #[inline]
    pub fn set(&mut self, row: usize, value: T) {
        self.values[row] = value;
        self.valid[row] = 1;
    }

    #[inline]
    pub fn set_null(&mut self, row: usize) {
        self.values[row] = T::default();
        self.valid[row] = 0;
    }

    #[inline]
    pub fn get(&self, row: usize) -> Option<T> {
        if self.valid[row] == 0 { None } else { Some(self.values[row]) }
    }

    /// Appends an entry.
    #[inline]
    pub fn push(&mut self, value: Option<T>) {
        self.values.push(value.unwrap_or_default());
        self.valid.push(u8::from(value.is_some()));
    }

    fn memory_bytes(&self) -> usize {
        self.values.capacity() * size_of::<T>() + self.valid.capacity()
    }
}

impl Texts {
    /// Makes the first `rows` entries null and empties the buffer.
    pub fn reset(&mut self, rows: usize) {
        self.views.clear();
        self.views.resize(rows, View::NULL);
        self.data.clear();
    }

    #[inline]
    pub fn set(&mut self, row: usize, bytes: &[u8]) {
        self.views[row] = View { start: self.data.len() as u32, len: bytes.len() as u32 };
        self.data.extend_from_slice(bytes);
    }

    #[inline]
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        self.views[row].of(&self.data)
    }

    /// Appends an entry.
    #[inline]
    pub fn push(&mut self, bytes: Option<&[u8]>) {
        self.views.push(View::NULL);
        if let Some(bytes) = bytes {
            self.set(self.views.len() - 1, bytes);
        }
    }
}

impl Coded {
    /// Creates a column that becomes plain if its texts do not repeat: see [`Column::reset`].
    pub fn while_repeated() -> Coded {
        Coded { repetition: Some(Box::default()), ..Coded::default() }
    }

    /// Returns whether codes are useless; called once per batch, before the batch is cleared.
    fn should_be_plain(&mut self) -> bool {
        let (codes, known) = (&self.codes, self.dictionary.len());
        self.repetition.as_mut().is_some_and(|repetition| repetition.is_rare_after(codes, known))
    }

    /// Makes the first `rows` entries null; the dictionary is kept.
    pub fn reset(&mut self, rows: usize) {
        self.codes.clear();
        self.codes.resize(rows, NULL_CODE);
        self.waits = self.dictionary.len() > LARGE;
        self.waiting.reset(if self.waits { rows } else { 0 });
    }

    /// Adds null entries until there are `rows`.
    pub fn grow(&mut self, rows: usize) {
        self.codes.resize(rows, NULL_CODE);
        if self.waits {
            self.waiting.views.resize(rows, View::NULL);
        }
    }

    /// Sets a text. A text that is not UTF-8 is rejected, now or when the batch is finished.
    #[inline]
    pub fn set(&mut self, row: usize, text: &[u8]) -> Result<(), InvalidText> {
        if !self.waits {
            self.codes[row] = self.dictionary.code(text)?;
        } else if self.holds_invalid(row) {
            return Err(InvalidText);
        } else {
            self.waiting.set(row, text);
        }
        Ok(())
    }

    /// Sets a code of the dictionary, or null. An invalid text in this row stays, and will be rejected.
    #[inline]
    pub fn set_code(&mut self, row: usize, code: u32) {
        self.codes[row] = code;
        if self.waits && !self.holds_invalid(row) {
            self.waiting.views[row] = View::NULL;
        }
    }

    /// Makes an entry null, whatever it was.
    pub fn clear(&mut self, row: usize) {
        self.codes[row] = NULL_CODE;
        if self.waits {
            self.waiting.views[row] = View::NULL;
        }
    }

    /// Returns whether an invalid text waits in this row. Seldom called, because few rows are written twice.
    #[inline]
    fn holds_invalid(&self, row: usize) -> bool {
        let waiting = self.waiting.get(row);
        waiting.is_some_and(|text| simdutf8::basic::from_utf8(text).is_err())
    }

    /// Assigns codes to the texts of the first `rows` rows and calls `invalid` with each row whose text is
    /// not UTF-8.
    pub fn finish(&mut self, rows: usize, invalid: &mut dyn FnMut(usize)) {
        if self.waits {
            self.dictionary.codes(&self.waiting.views[..rows], &self.waiting.data, &mut self.codes, invalid);
        }
    }

    #[inline]
    pub fn get(&self, row: usize) -> Option<&str> {
        match self.codes[row] {
            NULL_CODE => None,
            code => Some(self.dictionary.text(code)),
        }
    }
}

impl Column {
    /// Creates an empty column for values held as `repr`; texts are not coded.
    pub fn new(repr: Repr) -> Column {
        match repr {
            Repr::Bool => Column::Bool(Vec::new()),
            Repr::Int => Column::Int(Numbers::default()),
            Repr::Double => Column::Double(Numbers::default()),
            Repr::Wide => Column::Wide(Numbers::default()),
            Repr::Text => Column::Text(Texts::default()),
            Repr::Bytes => Column::Bytes(Texts::default()),
        }
    }

    /// Makes the first `rows` entries null. A column whose codes are useless becomes one of plain texts, for
    /// good.
    pub fn reset(&mut self, rows: usize) {
        if let Column::Coded(coded) = self
            && coded.should_be_plain()
        {
            *self = Column::Text(Texts::default());
        }

        match self {
            Column::Bool(values) => {
                values.clear();
                values.resize(rows, tri::NULL);
            }
            Column::Int(numbers) => numbers.reset(rows),
            Column::Double(numbers) => numbers.reset(rows),
            Column::Wide(numbers) => numbers.reset(rows),
            Column::Text(texts) | Column::Bytes(texts) => texts.reset(rows),
            Column::Coded(coded) => coded.reset(rows),
        }
    }

    /// Adds null entries until there are `rows`.
    pub fn grow(&mut self, rows: usize) {
        match self {
            Column::Bool(values) => values.resize(rows, tri::NULL),
            Column::Int(numbers) => numbers.grow(rows),
            Column::Double(numbers) => numbers.grow(rows),
            Column::Wide(numbers) => numbers.grow(rows),
            Column::Text(texts) | Column::Bytes(texts) => texts.views.resize(rows, View::NULL),
            Column::Coded(coded) => coded.grow(rows),
        }
    }

    /// Appends an entry; a value of another representation than the column's is null.
    #[inline]
    pub fn push(&mut self, value: Scalar<'_>) {
        match self {
            Column::Bool(values) => values.push(match value {
                Scalar::Bool(value) => tri::of(value),
                _ => tri::NULL,
            }),
            Column::Int(numbers) => numbers.push(match value {
                Scalar::Int(value) => Some(value),
                _ => None,
            }),
            Column::Double(numbers) => numbers.push(match value {
                Scalar::Double(value) => Some(value),
                _ => None,
            }),
            Column::Wide(numbers) => numbers.push(match value {
                Scalar::Wide(value) => Some(value),
                _ => None,
            }),
            Column::Text(texts) => texts.push(match value {
                Scalar::Text(value) => Some(value.as_bytes()),
                _ => None,
            }),
            Column::Bytes(texts) => texts.push(match value {
                Scalar::Bytes(value) => Some(value),
                _ => None,
            }),
            Column::Coded(coded) => {
                let row = coded.codes.len();
                coded.grow(row + 1);
                if let Scalar::Text(value) = value {
                    let code = coded.dictionary.code_str(value);
                    coded.set_code(row, code);
                }
            }
        }
    }

    /// Returns the bytes of texts and binary values.
    pub fn text_bytes(&self) -> usize {
        match self {
            Column::Text(texts) | Column::Bytes(texts) => texts.data.len(),
            _ => 0,
        }
    }

    /// Returns the bytes held, without those of a dictionary.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Column::Bool(values) => values.capacity(),
            Column::Int(numbers) => numbers.memory_bytes(),
            Column::Double(numbers) => numbers.memory_bytes(),
            Column::Wide(numbers) => numbers.memory_bytes(),
            Column::Text(texts) | Column::Bytes(texts) => {
                texts.views.capacity() * size_of::<View>() + texts.data.capacity()
            }
            Column::Coded(coded) => coded.codes.capacity() * size_of::<u32>(),
        }
    }

    pub fn set_null(&mut self, row: usize) {
        match self {
            Column::Bool(values) => values[row] = tri::NULL,
            Column::Int(numbers) => numbers.set_null(row),
            Column::Double(numbers) => numbers.set_null(row),
            Column::Wide(numbers) => numbers.set_null(row),
            Column::Text(texts) | Column::Bytes(texts) => texts.views[row] = View::NULL,
            Column::Coded(coded) => coded.set_code(row, NULL_CODE),
        }
    }

    /// Sets a value of the column's representation; another representation sets null.
    pub fn set(&mut self, row: usize, value: Scalar<'_>) {
        match (self, value) {
            (Column::Bool(values), Scalar::Bool(v)) => values[row] = tri::of(v),
            (Column::Int(numbers), Scalar::Int(v)) => numbers.set(row, v),
            (Column::Double(numbers), Scalar::Double(v)) => numbers.set(row, v),
            (Column::Wide(numbers), Scalar::Wide(v)) => numbers.set(row, v),
            (Column::Text(texts), Scalar::Text(v)) => texts.set(row, v.as_bytes()),
            (Column::Bytes(texts), Scalar::Bytes(v)) => texts.set(row, v),
            (Column::Coded(coded), Scalar::Text(v)) => {
                let code = coded.dictionary.code_str(v);
                coded.set_code(row, code);
            }
            (column, _) => column.set_null(row),
        }
    }

    /// Returns one value.
    pub fn get(&self, row: usize) -> Scalar<'_> {
        match self {
            Column::Bool(values) => match values[row] {
                tri::NULL => Scalar::Null,
                value => Scalar::Bool(value == tri::TRUE),
            },
            Column::Int(numbers) => numbers.get(row).map_or(Scalar::Null, Scalar::Int),
            Column::Double(numbers) => numbers.get(row).map_or(Scalar::Null, Scalar::Double),
            Column::Wide(numbers) => numbers.get(row).map_or(Scalar::Null, Scalar::Wide),
            // Texts are checked when a batch is closed.
            Column::Text(texts) => texts
                .get(row)
                .map_or(Scalar::Null, |b| Scalar::Text(std::str::from_utf8(b).unwrap_or_default())),
            Column::Bytes(texts) => texts.get(row).map_or(Scalar::Null, Scalar::Bytes),
            Column::Coded(coded) => coded.get(row).map_or(Scalar::Null, Scalar::Text),
        }
    }
}
