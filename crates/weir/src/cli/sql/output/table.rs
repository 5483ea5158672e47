//! Formats rows as an aligned table or, expanded, each as a list of its values. Pure: cells in, lines out.

use super::cell::{Side, cut, filled, width};
use crate::cli::gateway::Column;

/// Minimum width to which a column is narrowed for the others.
const NARROWEST: usize = 6;

/// Name of a column of ids, which are useless in part.
const WHOLE: &str = "job id";

/// Names and alignments of the columns.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    names: Vec<String>,
    sides: Vec<Side>,
}

/// Width of each column. Widths only grow with the rows shown, so that an updating table does not jump.
#[derive(Debug, Clone, Default)]
pub(super) struct Widths(Vec<usize>);

impl Heading {
    pub(super) fn of(columns: &[Column]) -> Heading {
        let side = |column: &Column| if column.is_number() { Side::Right } else { Side::Left };
        Heading {
            names: columns.iter().map(|column| super::cell::cell(Some(column.name.clone()))).collect(),
            sides: columns.iter().map(side).collect(),
        }
    }

    /// Returns the line of names and the line below it.
    pub(super) fn lines(&self, widths: &Widths, width_max: Option<usize>) -> [String; 2] {
        let shown = self.shown(widths, width_max);
        let name = |(name, width): (&String, &usize)| {
            format!(" {} ", filled(&cut(name, *width), *width, Side::Left))
        };
        let names: Vec<String> = self.names.iter().zip(&shown).map(name).collect();
        let rules: Vec<String> = shown.iter().map(|width| "-".repeat(width + 2)).collect();
        [line(&names, "|", width_max), line(&rules, "+", width_max)]
    }

    /// Returns the widths that fit a terminal. Ids of jobs are not cut; the other columns give way.
    fn shown(&self, widths: &Widths, width_max: Option<usize>) -> Vec<usize> {
        let Some(at) = self.names.iter().position(|name| name == WHOLE) else {
            return widths.within(width_max);
        };
        let mut others = widths.clone();
        let whole = others.0.remove(at);
        let mut shown = others.within(width_max.map(|most| most.saturating_sub(whole + 3)));
        shown.insert(at, whole);
        shown
    }

    pub(super) fn row(&self, cells: &[String], widths: &Widths, width_max: Option<usize>) -> String {
        let shown = self.shown(widths, width_max);
        let cells: Vec<String> = cells
            .iter()
            .zip(self.sides.iter().zip(&shown))
            .map(|(cell, (side, width))| format!(" {} ", filled(&cut(cell, *width), *width, *side)))
            .collect();
        line(&cells, "|", width_max)
    }

    /// Returns one row as a line per value.
    pub(super) fn record(&self, cells: &[String], number: u64, width_max: Option<usize>) -> Vec<String> {
        let title = format!("-[ RECORD {number} ]");
        let names = self.names.iter().map(|name| width(name)).max().unwrap_or_default();
        let values = cells.iter().map(|cell| width(cell)).max().unwrap_or_default();
        let full = (names + 3 + values).max(width(&title));
        let full = width_max.map_or(full, |most| full.min(most));
        let mut lines = vec![title.clone() + &"-".repeat(full.saturating_sub(width(&title)))];
        for (name, cell) in self.names.iter().zip(cells) {
            let value = format!("{} | {cell}", filled(name, names, Side::Left));
            lines.push(value);
        }
        lines
    }
}

impl Widths {
    /// Widens the columns to fit the names and these rows.
    pub(super) fn grow<'a>(&mut self, heading: &'a Heading, rows: impl IntoIterator<Item = &'a Vec<String>>) {
        self.0.resize(heading.names.len(), 0);
        for cells in std::iter::once(&heading.names).chain(rows) {
            for (most, cell) in self.0.iter_mut().zip(cells) {
                *most = (*most).max(width(cell));
            }
        }
    }

    /// Narrows the widest columns first; what is still too wide is cut at the edge.
    fn within(&self, width_max: Option<usize>) -> Vec<usize> {
        let mut widths = self.0.clone();
        let Some(width_max) = width_max else { return widths };
        let room = width_max.saturating_sub(3 * widths.len()) + 1;
        let fits = |most: usize, widths: &[usize]| {
            widths.iter().map(|width| (*width).min(most)).sum::<usize>() <= room
        };
        let widest = widths.iter().copied().max().unwrap_or_default();
        let most =
            (NARROWEST..=widest.max(NARROWEST)).rev().find(|most| fits(*most, &widths)).unwrap_or(NARROWEST);
        let taken: usize = widths.iter().map(|width| (*width).min(most)).sum();
        let mut left = room.saturating_sub(taken);
        for width in &mut widths {
            let more = width.saturating_sub(most).min(left);
            *width = (*width).min(most) + more;
            left -= more;
        }
        widths
    }
}

fn line(parts: &[String], between: &str, width_max: Option<usize>) -> String {
    let joined = parts.join(between);
    let line = joined.trim_end();
    width_max.map_or_else(|| line.to_owned(), |most| cut(line, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading() -> Heading {
        Heading::of(&[
            Column::of("user_type", "VARCHAR"),
            Column::of("n", "BIGINT"),
            Column::of("text", "VARCHAR"),
        ])
    }

    fn rows() -> Vec<Vec<String>> {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        vec![row(["Học sinh", "7", "làm sao để đăng ký môn học"]), row(["Khách", "1200", "<NULL>"])]
    }

    fn table(width_max: Option<usize>) -> Vec<String> {
        let (heading, mut widths) = (heading(), Widths::default());
        widths.grow(&heading, &rows());
        let mut lines = heading.lines(&widths, width_max).to_vec();
        lines.extend(rows().iter().map(|row| heading.row(row, &widths, width_max)));
        lines
    }

    #[test]
    fn columns_are_aligned_and_numbers_stand_right() {
        let expected = [
            " user_type | n    | text",
            "-----------+------+----------------------------",
            " Học sinh  |    7 | làm sao để đăng ký môn học",
            " Khách     | 1200 | <NULL>",
        ];
        assert_eq!(table(None), expected);
        assert_eq!(table(Some(200)), expected);
    }

    #[test]
    fn ids_of_jobs_are_whole_in_a_narrow_terminal() {
        let heading = Heading::of(&[Column::of("job id", "VARCHAR"), Column::of("job name", "VARCHAR")]);
        let id = "0123456789abcdef0123456789abcdef";
        let rows = vec![vec![id.to_owned(), "SELECT a, b, c FROM somewhere WHERE it_is_long".to_owned()]];
        let mut widths = Widths::default();
        widths.grow(&heading, &rows);
        assert_eq!(heading.row(&rows[0], &widths, Some(50)), format!(" {id} | SELECT a, b,…"));
        assert_eq!(width(&heading.row(&rows[0], &widths, Some(20))), 20);
    }

    #[test]
    fn the_widest_column_gives_way_to_the_terminal() {
        let narrow = table(Some(34));
        assert_eq!(narrow[2], " Học sinh  |    7 | làm sao để đ…");
        assert!(narrow.iter().all(|line| width(line) <= 34), "{narrow:?}");
        let narrower = table(Some(12));
        assert!(narrower.iter().all(|line| width(line) <= 12), "{narrower:?}");
        assert!(narrower[2].ends_with('…'), "{narrower:?}");
    }

    #[test]
    fn a_table_grows_and_does_not_shrink() {
        let (heading, mut widths) = (heading(), Widths::default());
        widths.grow(&heading, &rows());
        let before = widths.0.clone();
        widths.grow(&heading, []);
        assert_eq!(widths.0, before);
    }

    #[test]
    fn a_record_is_a_line_each_value() {
        assert_eq!(
            heading().record(&rows()[0], 12, Some(80)),
            [
                "-[ RECORD 12 ]------------------------",
                "user_type | Học sinh",
                "n         | 7",
                "text      | làm sao để đăng ký môn học",
            ]
        );
    }

    #[test]
    fn no_columns_are_no_trouble() {
        let (heading, mut widths) = (Heading::of(&[]), Widths::default());
        widths.grow(&heading, []);
        assert_eq!(heading.lines(&widths, Some(10)), ["", ""]);
        assert_eq!(heading.record(&[], 1, Some(80)), ["-[ RECORD 1 ]"]);
    }
}
