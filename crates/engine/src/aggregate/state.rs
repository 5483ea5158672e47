//! The state of each group of a table, column by column.

use super::arg::{Arg, bools, doubles, ints, wides};
use super::distinct::Distinct;
use super::exact_sum::ExactSums;
use super::lists::Lists;
use super::pick::{Pick, Picked, TextOrder, compare_doubles, pick_text};
use crate::column::tri;
use crate::dictionary::NULL_CODE;
use crate::selection::Selection;

/// A piece of state that one or more aggregate calls read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StateSpec {
    /// The number of rows for which a boolean argument is true.
    CountTrue(usize),
    /// Sum and number of values; whole numbers wrap.
    SumInt(usize),
    SumDouble(usize),
    SumWide(usize),
    /// One value of a numeric argument.
    Pick(usize, Pick, NumberForm),
    /// One text; the number is a domain.
    PickText(usize, Pick),
    /// All values of a double argument, for percentiles.
    Values(usize),
    /// The distinct codes of a domain.
    Distinct(usize),
}

/// The form of a numeric argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NumberForm {
    Int,
    Double,
    Wide,
}

impl NumberForm {
    pub fn name(self) -> &'static str {
        match self {
            NumberForm::Int => "INT",
            NumberForm::Double => "DOUBLE",
            NumberForm::Wide => "WIDE",
        }
    }
}

/// The state of one [`StateSpec`] for all groups of a table.
#[derive(Debug, Clone)]
pub enum StateColumn {
    Count(Vec<u64>),
    SumInt(Sums<i64>),
    SumWide(Sums<i128>),
    SumDouble(ExactSums),
    PickInt(Picked<i64>),
    PickDouble(Picked<f64>),
    PickWide(Picked<i128>),
    PickText(Vec<u32>),
    Values(Lists),
    Distinct(Distinct),
}

#[derive(Debug, Clone, Default)]
pub struct Sums<T> {
    pub sums: Vec<T>,
    pub counts: Vec<u64>,
}

/// The sum of a decimal that exceeded 38 digits, which stays null for good.
pub const OVERFLOWN: i128 = i128::MIN;

impl StateColumn {
    /// Creates an empty state. `direct` means that the table's groups are few; `codes` holds the present
    /// sizes of the domains.
    pub fn new(spec: StateSpec, direct: bool, codes: &[usize], seed: u64) -> StateColumn {
        match spec {
            StateSpec::CountTrue(_) => StateColumn::Count(Vec::new()),
            StateSpec::SumInt(_) => StateColumn::SumInt(Sums::default()),
            StateSpec::SumDouble(_) => StateColumn::SumDouble(ExactSums::default()),
            StateSpec::SumWide(_) => StateColumn::SumWide(Sums::default()),
            StateSpec::Pick(_, _, NumberForm::Int) => StateColumn::PickInt(Picked::default()),
            StateSpec::Pick(_, _, NumberForm::Double) => StateColumn::PickDouble(Picked::default()),
            StateSpec::Pick(_, _, NumberForm::Wide) => StateColumn::PickWide(Picked::default()),
            StateSpec::PickText(..) => StateColumn::PickText(Vec::new()),
            StateSpec::Values(_) => StateColumn::Values(Lists::default()),
            StateSpec::Distinct(domain) => StateColumn::Distinct(Distinct::new(direct, codes[domain], seed)),
        }
    }

    pub fn resize(&mut self, groups: usize) {
        match self {
            StateColumn::Count(counts) => counts.resize(groups, 0),
            StateColumn::SumInt(sums) => sums.resize(groups),
            StateColumn::SumWide(sums) => sums.resize(groups),
            StateColumn::SumDouble(sums) => sums.resize(groups),
            StateColumn::PickInt(picked) => picked.resize(groups),
            StateColumn::PickDouble(picked) => picked.resize(groups),
            StateColumn::PickWide(picked) => picked.resize(groups),
            StateColumn::PickText(codes) => codes.resize(groups, NULL_CODE),
            StateColumn::Values(lists) => lists.resize(groups),
            StateColumn::Distinct(distinct) => distinct.resize(groups),
        }
    }

    /// Empties every group but keeps the memory.
    pub fn clear(&mut self) {
        match self {
            StateColumn::Count(counts) => counts.fill(0),
            StateColumn::SumInt(sums) => sums.clear(),
            StateColumn::SumWide(sums) => sums.clear(),
            StateColumn::SumDouble(sums) => sums.clear(),
            StateColumn::PickInt(picked) => picked.valid.fill(0),
            StateColumn::PickDouble(picked) => picked.valid.fill(0),
            StateColumn::PickWide(picked) => picked.valid.fill(0),
            StateColumn::PickText(codes) => codes.fill(NULL_CODE),
            StateColumn::Values(lists) => lists.of.iter_mut().for_each(Vec::clear),
            StateColumn::Distinct(distinct) => distinct.clear(),
        }
    }

    pub fn memory_bytes(&self) -> usize {
        match self {
            StateColumn::Count(counts) => counts.capacity() * 8,
            StateColumn::SumInt(sums) => sums.sums.capacity() * 16,
            StateColumn::SumWide(sums) => sums.sums.capacity() * 24,
            StateColumn::SumDouble(sums) => sums.memory_bytes(),
            StateColumn::PickInt(picked) => picked.values.capacity() * 9,
            StateColumn::PickDouble(picked) => picked.values.capacity() * 9,
            StateColumn::PickWide(picked) => picked.values.capacity() * 17,
            StateColumn::PickText(codes) => codes.capacity() * 4,
            StateColumn::Values(lists) => lists.memory_bytes(),
            StateColumn::Distinct(distinct) => distinct.memory_bytes(),
        }
    }

    /// Adds rows to their groups. `groups` is parallel to the selected rows; `codes` are the batch's domain
    /// columns; `order` compares texts of a domain.
    pub fn update(
        &mut self,
        spec: StateSpec,
        rows: Selection<'_>,
        groups: &[u32],
        args: &[Arg<'_>],
        codes: &[&[u32]],
        order: &dyn TextOrder,
    ) {
        match (self, spec) {
            (StateColumn::Count(counts), StateSpec::CountTrue(arg)) => {
                let flags = bools(&args[arg]);
                rows.for_each(|i, row| counts[groups[i] as usize] += (flags[row] == tri::TRUE) as u64);
            }

            (StateColumn::SumInt(sums), StateSpec::SumInt(arg)) => {
                let numbers = ints(&args[arg]);
                rows.for_each(|i, row| {
                    let group = groups[i] as usize;
                    sums.sums[group] = sums.sums[group].wrapping_add(numbers.values[row]);
                    sums.counts[group] += numbers.valid[row] as u64;
                });
            }

            (StateColumn::SumWide(sums), StateSpec::SumWide(arg)) => {
                let numbers = wides(&args[arg]);
                rows.for_each(|i, row| {
                    if numbers.valid[row] != 0 {
                        sums.add_wide(groups[i] as usize, numbers.values[row], 1);
                    }
                });
            }
            (StateColumn::SumDouble(sums), StateSpec::SumDouble(arg)) => {
                add_doubles(sums, rows, groups, &args[arg])
            }

            (StateColumn::PickInt(picked), StateSpec::Pick(arg, pick, _)) => {
                let numbers = ints(&args[arg]);
                rows.for_each(|i, row| {
                    if numbers.valid[row] != 0 {
                        picked.offer(groups[i] as usize, numbers.values[row], pick, i64::cmp);
                    }
                });
            }
            (StateColumn::PickDouble(picked), StateSpec::Pick(arg, pick, _)) => {
                let (numbers, _) = doubles(&args[arg]);
                rows.for_each(|i, row| {
                    if numbers.valid[row] != 0 {
                        picked.offer(groups[i] as usize, numbers.values[row], pick, compare_doubles);
                    }
                });
            }
            (StateColumn::PickWide(picked), StateSpec::Pick(arg, pick, _)) => {
                let numbers = wides(&args[arg]);
                rows.for_each(|i, row| {
                    if numbers.valid[row] != 0 {
                        picked.offer(groups[i] as usize, numbers.values[row], pick, i128::cmp);
                    }
                });
            }

            (StateColumn::PickText(held), StateSpec::PickText(domain, pick)) => {
                let codes = codes[domain];
                rows.for_each(|i, row| {
                    let group = groups[i] as usize;
                    held[group] = pick_text(held[group], codes[row], pick, domain, order);
                });
            }

            (StateColumn::Values(lists), StateSpec::Values(arg)) => {
                let (numbers, _) = doubles(&args[arg]);
                rows.for_each(|i, row| {
                    if numbers.valid[row] != 0 {
                        lists.add(groups[i] as usize, &numbers.values[row..=row]);
                    }
                });
            }
            (StateColumn::Distinct(distinct), StateSpec::Distinct(domain)) => {
                distinct.add_rows(rows, groups, codes[domain]);
            }
            (state, spec) => unreachable!("state {state:?} was made from another spec than {spec:?}"),
        }
    }

    /// Adds one group of another table's state of the same spec.
    pub fn merge_group(
        &mut self,
        spec: StateSpec,
        group: u32,
        other: &StateColumn,
        other_group: u32,
        codes: Translation<'_>,
        order: &dyn TextOrder,
    ) {
        let (to, from) = (group as usize, other_group as usize);

        match (self, other) {
            (StateColumn::Count(a), StateColumn::Count(b)) => a[to] += b[from],
            (StateColumn::SumInt(a), StateColumn::SumInt(b)) => {
                a.sums[to] = a.sums[to].wrapping_add(b.sums[from]);
                a.counts[to] += b.counts[from];
            }
            (StateColumn::SumWide(a), StateColumn::SumWide(b)) => {
                if b.counts[from] > 0 {
                    a.add_wide(to, b.sums[from], b.counts[from]);
                }
            }
            (StateColumn::SumDouble(a), StateColumn::SumDouble(b)) => a.merge(group, b, other_group),

            (StateColumn::PickInt(a), StateColumn::PickInt(b)) => a.merge(to, b, from, spec.pick(), i64::cmp),
            (StateColumn::PickDouble(a), StateColumn::PickDouble(b)) => {
                a.merge(to, b, from, spec.pick(), compare_doubles)
            }
            (StateColumn::PickWide(a), StateColumn::PickWide(b)) => {
                a.merge(to, b, from, spec.pick(), i128::cmp)
            }

            (StateColumn::PickText(a), StateColumn::PickText(b)) => {
                let StateSpec::PickText(domain, pick) = spec else {
                    unreachable!("a text is picked from a domain")
                };
                a[to] = pick_text(a[to], codes.of(domain, b[from]), pick, domain, order);
            }
            (StateColumn::Values(a), StateColumn::Values(b)) => a.add(to, &b.of[from]),
            // Sets are merged for the whole table at once.
            (StateColumn::Distinct(_), StateColumn::Distinct(_)) => {}
            (state, other) => unreachable!("states of different kinds: {state:?} and {other:?}"),
        }
    }
}

/// The translation of another table's codes to codes of this table.
#[derive(Clone, Copy)]
pub enum Translation<'a> {
    /// The domains are the same.
    Same,
    /// Maps a domain and a code; never called for null.
    Map(&'a dyn Fn(usize, u32) -> u32),
    /// Per domain and code of the other table, the code here.
    Codes(&'a [Vec<u32>]),
}

impl Translation<'_> {
    #[inline]
    pub fn of(&self, domain: usize, code: u32) -> u32 {
        match self {
            Translation::Map(map) if code != NULL_CODE => map(domain, code),
            Translation::Codes(codes) => codes[domain][code as usize],
            _ => code,
        }
    }
}

impl StateSpec {
    /// Returns the domain whose codes it holds.
    pub fn domain(self) -> Option<usize> {
        match self {
            StateSpec::PickText(domain, _) | StateSpec::Distinct(domain) => Some(domain),
            _ => None,
        }
    }

    fn pick(self) -> Pick {
        match self {
            StateSpec::Pick(_, pick, _) | StateSpec::PickText(_, pick) => pick,
            other => unreachable!("{other:?} picks nothing"),
        }
    }

    /// Returns whether the result depends on the order in which rows arrive.
    pub fn is_ordered(self) -> bool {
        matches!(
            self,
            StateSpec::Pick(_, Pick::First | Pick::Last, _)
                | StateSpec::PickText(_, Pick::First | Pick::Last)
        )
    }
}

impl<T: Default + Copy> Sums<T> {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, T::default());
        self.counts.resize(groups, 0);
    }

    fn clear(&mut self) {
        self.sums.fill(T::default());
        self.counts.fill(0);
    }
}

impl Sums<i128> {
    /// Adds to a sum, or sets it to [`OVERFLOWN`] for good: the sum is null then, as in Flink.
    pub(crate) fn add_wide(&mut self, group: usize, value: i128, count: u64) {
        let sum = &mut self.sums[group];
        *sum = match sum.checked_add(value) {
            Some(added) if *sum != OVERFLOWN && value != OVERFLOWN => added,
            _ => OVERFLOWN,
        };
        self.counts[group] += count;
    }
}

fn add_doubles(sums: &mut ExactSums, rows: Selection<'_>, groups: &[u32], arg: &Arg<'_>) {
    let (numbers, fixed) = doubles(arg);
    let fixed = fixed.expect("the layout asks for the fixed form of what is summed");
    if fixed.has_odd {
        rows.for_each(|i, row| sums.add_row(groups[i], fixed, numbers.values, row));
    } else {
        rows.for_each(|i, row| sums.add_fixed(groups[i], fixed.fixed[row], fixed.forms[row] as u64));
    }
}
