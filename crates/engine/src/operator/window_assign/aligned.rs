//! Assigns the windows that are known from a row alone: `TUMBLE`, `HOP` and `CUMULATE`.
//!
//! Rows pass with the bounds of their windows in three more columns. With one window per row, the input
//! columns are forwarded and nothing is copied. A row of several windows is repeated, one place for each:
//!
//! ```text
//! TUMBLE, size 30            HOP, slide 10, size 30
//!  time │ start  end          time │ start  end
//!    25 │     0   30            25 │     0   30
//!    31 │    30   60            25 │    10   40
//!                               25 │    20   50
//! ```

use sql::plan::Window;
use sql::plan::operator::Time;

use crate::column::Numbers;
use crate::evaluate::Vector;
use crate::layout::window_start;
use crate::operator::chain::{Context, OperatorError};
use crate::operator::changes::{Changes, RowKind};
use crate::operator::gather::Gathered;
use crate::operator::windows::{Moment, WindowClock, window_ends};
use crate::selection::Selection;

/// The number of rows that are emitted at once, if rows are repeated.
const FULL_ROWS: usize = 4_096;

/// The sources of the rows' times.
pub(super) struct Clocks<'a> {
    pub time: Time,
    pub moment: &'a Moment,
    pub clock: &'a mut WindowClock,
    pub now_ms: i64,
}

/// Assigns aligned windows; see the module documentation.
pub(super) struct Aligned {
    window: Window,
    /// The places of the emitted rows.
    places: Vec<u32>,
    bounds: BoundColumns,
    repeated: Repeated,
}

/// The columns of bounds: start, end, and the time of the window.
#[derive(Default)]
struct BoundColumns {
    start: Numbers<i64>,
    end: Numbers<i64>,
    time: Numbers<i64>,
    /// The latest bounds, which most rows share with the row before.
    last: Option<[i64; 3]>,
}

/// Columns of repeated rows.
#[derive(Default)]
struct Repeated {
    columns: Vec<Gathered>,
    kinds: Vec<RowKind>,
    watermarks: Vec<i64>,
}

impl Aligned {
    pub fn new(window: Window) -> Aligned {
        Aligned { window, places: Vec::new(), bounds: BoundColumns::default(), repeated: Repeated::default() }
    }

    /// Emits rows with their windows; rows without a time are left out.
    ///
    /// # Errors
    /// A consumer cannot take a row.
    pub fn give(
        &mut self,
        rows: &Changes<'_>,
        clocks: Clocks<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        match self.window {
            Window::Tumble { .. } => self.give_once(rows, clocks, context),
            Window::Hop { .. } | Window::Cumulate { .. } => self.give_repeated(rows, clocks, context),
        }
    }

    /// Emits rows that are in one window each.
    fn give_once(
        &mut self,
        rows: &Changes<'_>,
        clocks: Clocks<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let Clocks { time, moment, clock, now_ms } = clocks;
        let Aligned { window, places, bounds, .. } = self;
        places.clear();
        bounds.reset(rows.places().max().map_or(0, |last| last + 1));

        for row in rows.places() {
            let Some(time) = moment.time_of(time, rows, row, now_ms) else { continue };
            let wall_ms = clock.wall_ms(time);
            let found = match bounds.last {
                Some(last) if (last[0]..last[1]).contains(&wall_ms) => last,
                _ => {
                    let end = window_ends(*window, wall_ms).next().expect("a time is in one window at least");
                    [window_start(*window, end), end, clock.closes_at(end)]
                }
            };
            bounds.set(row, found);
            places.push(row as u32);
        }

        let [start, end, closes] = bounds.columns();
        let columns: Vec<Vector<'_>> = rows.columns.iter().copied().chain([start, end, closes]).collect();
        context.emit(&Changes { columns: &columns, rows: Selection::Selected(places), ..*rows })
    }

    /// Emits rows that may be in several windows.
    fn give_repeated(
        &mut self,
        rows: &Changes<'_>,
        clocks: Clocks<'_>,
        context: &mut Context<'_>,
    ) -> Result<(), OperatorError> {
        let Clocks { time, moment, clock, now_ms } = clocks;
        for row in rows.places() {
            let Some(time) = moment.time_of(time, rows, row, now_ms) else { continue };
            for end in window_ends(self.window, clock.wall_ms(time)) {
                self.places.push(row as u32);
                self.bounds.push([window_start(self.window, end), end, clock.closes_at(end)]);
                if self.places.len() >= FULL_ROWS {
                    self.emit_repeated(rows, context)?;
                }
            }
        }
        self.emit_repeated(rows, context)
    }

    fn emit_repeated(&mut self, rows: &Changes<'_>, context: &mut Context<'_>) -> Result<(), OperatorError> {
        let Aligned { places, bounds, repeated, .. } = self;
        let Repeated { columns: gathered, kinds, watermarks } = repeated;
        if places.is_empty() {
            return Ok(());
        }

        gathered.resize_with(rows.columns.len(), Gathered::default);
        let columns = gathered.iter_mut().zip(rows.columns);
        let columns = columns.map(|(buffer, &column)| buffer.gather(column, places));
        let columns: Vec<Vector<'_>> = columns.chain(bounds.columns()).collect();

        let kinds = rows.kinds.gather(places, kinds);
        let watermarks = rows.watermarks.gather(places, watermarks);
        context.emit(&Changes {
            columns: &columns,
            rows: Selection::All(places.len()),
            kinds,
            watermarks,
        })?;

        places.clear();
        bounds.reset(0);
        Ok(())
    }

    pub fn memory_bytes(&self) -> usize {
        let repeated: usize = self.repeated.columns.iter().map(Gathered::memory_bytes).sum();
        repeated
            + self.repeated.kinds.capacity()
            + self.repeated.watermarks.capacity() * size_of::<i64>()
            + self.places.capacity() * size_of::<u32>()
            + self.bounds.memory_bytes()
    }
}

impl BoundColumns {
    /// Makes the first `rows` entries null.
    fn reset(&mut self, rows: usize) {
        [&mut self.start, &mut self.end, &mut self.time].into_iter().for_each(|column| column.reset(rows));
    }

    #[inline]
    fn set(&mut self, row: usize, bounds: [i64; 3]) {
        self.last = Some(bounds);
        self.start.set(row, bounds[0]);
        self.end.set(row, bounds[1]);
        self.time.set(row, bounds[2]);
    }

    fn push(&mut self, [start, end, time]: [i64; 3]) {
        self.start.push(Some(start));
        self.end.push(Some(end));
        self.time.push(Some(time));
    }

    fn columns(&self) -> [Vector<'_>; 3] {
        [&self.start, &self.end, &self.time]
            .map(|column| Vector::Int { values: &column.values, valid: &column.valid })
    }

    fn memory_bytes(&self) -> usize {
        let entry = size_of::<i64>() + 1;
        [&self.start, &self.end, &self.time].iter().map(|column| column.values.capacity() * entry).sum()
    }
}
