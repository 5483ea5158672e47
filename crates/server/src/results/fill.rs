//! Adds the periods without rows to the groups of a series.

use std::collections::BTreeMap;

use super::cell::Cell;
use super::group::{GROUPS_MAX, Group, GroupBy, TooMany};
use super::time::TimeForm;

/// What stands in the periods without rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    Null,
    Zero,
    /// The values of the period before.
    Previous,
}

/// Adds the periods without rows between the first and the last of each series, or between the bounds where
/// there are any. A series is what has the same other values.
pub(super) fn fill(
    groups: Vec<Group>,
    by: &[GroupBy],
    (from, to): (Option<i64>, Option<i64>),
    fill: Fill,
) -> Result<Vec<Group>, TooMany> {
    let periods = by.iter().enumerate().find_map(|(place, by)| Some((place, by.unit?)));
    let Some((place, unit)) = periods else { return Ok(groups) };
    let width = groups.first().map_or(0, |group| group.cells.len());

    let mut series: BTreeMap<Vec<(i64, i64)>, BTreeMap<i64, Group>> = BTreeMap::new();
    let mut others = Vec::new();
    for group in groups {
        let Cell::Time { micros, .. } = group.cells[place] else {
            others.push(group);
            continue;
        };
        let rest = group.cells[..by.len()].iter().enumerate().filter(|(at, _)| *at != place);
        let rest = rest.map(|(_, cell)| cell.pack()).collect();
        series.entry(rest).or_default().insert(micros, group);
    }

    let mut filled = others;
    for points in series.into_values() {
        let (Some((first, model)), Some((last, _))) = (points.first_key_value(), points.last_key_value())
        else {
            continue;
        };
        let from = from.map_or(*first, |from| unit.begin(from).min(*first));
        let to = to.map_or(*last, |to| unit.begin(to.saturating_sub(1)).max(*last));
        if to.saturating_sub(from) / unit.micros() >= GROUPS_MAX as i64 {
            return Err(TooMany);
        }
        let form = match model.cells[place] {
            Cell::Time { form, .. } => form,
            _ => TimeForm::PLAIN,
        };
        let key: Vec<Cell> = model.cells[..by.len()].to_vec();
        let mut before: Option<Vec<Cell>> = None;
        let mut micros = from;
        while micros <= to {
            let point = points.get(&micros).cloned().unwrap_or_else(|| {
                let mut cells = key.clone();
                cells[place] = Cell::Time { micros, form };
                match (fill, &before) {
                    (Fill::Previous, Some(before)) => cells.extend_from_slice(before),
                    (Fill::Zero, _) => cells.resize(width, Cell::Int(0)),
                    (Fill::Null | Fill::Previous, _) => cells.resize(width, Cell::Null),
                }
                Group { cells, is_final: true }
            });
            before = Some(point.cells[by.len()..].to_vec());
            filled.push(point);
            micros += unit.micros();
        }
        if filled.len() > GROUPS_MAX {
            return Err(TooMany);
        }
    }
    Ok(filled)
}
