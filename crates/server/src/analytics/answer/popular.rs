//! The texts asked most often. There may be as many texts as rows, so only those in the answer get names.

use std::cmp::{Ordering, Reverse};

use foldhash::fast::RandomState;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use super::by_year;
use crate::analytics::index::Index;
use crate::analytics::kind::Kind;
use crate::analytics::moment::Moment;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PopularQuery {
    query_text: String,
    total_count: i64,
    unique_users: i64,
    /// Whether all counted windows are closed.
    is_final: bool,
}

/// Most popular queries of each year, in ascending order of years.
#[derive(Debug, ToSchema)]
#[schema(value_type = HashMap<String, Vec<PopularQuery>>)]
pub(crate) struct ByYear(Vec<(String, Vec<PopularQuery>)>);

impl ByYear {
    pub(crate) fn years(&self) -> Vec<String> {
        self.0.iter().map(|(year, _)| year.clone()).collect()
    }
}

impl Serialize for ByYear {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (year, queries) in &self.0 {
            map.serialize_entry(year, queries)?;
        }
        map.end()
    }
}

/// The counts of a group. Small, since there may be a million groups.
#[derive(Clone, Copy, Default)]
struct Tally {
    group: u32,
    /// Whether the group has a row in range.
    is_there: bool,
    /// Whether one of its windows is still open.
    is_open: bool,
    count: i64,
    users: i64,
}

fn tallies(index: &Index, kind: Kind, cutoff: Moment) -> Vec<Tally> {
    let table = index.table(kind);
    let mut tallies = vec![Tally::default(); table.groups.len()];
    table.counts_since(cutoff, |group, is_open, [count, users]| {
        let tally = &mut tallies[group as usize];
        tally.is_there = true;
        tally.is_open |= is_open;
        tally.count = tally.count.saturating_add(count);
        tally.users = tally.users.saturating_add(users);
    });
    for (group, tally) in (0..).zip(&mut tallies) {
        tally.group = group;
    }
    tallies.retain(|tally| tally.is_there);
    tallies
}

/// Returns the `limit` greatest tallies, the greatest first, and equal counts in order of their text.
fn top<'a>(mut tallies: Vec<Tally>, limit: usize, text: impl Fn(u32) -> &'a str) -> Vec<PopularQuery> {
    let order = |a: &Tally, b: &Tally| -> Ordering {
        Reverse(a.count).cmp(&Reverse(b.count)).then_with(|| text(a.group).cmp(text(b.group)))
    };
    if limit == 0 {
        return Vec::new();
    }
    if tallies.len() > limit {
        tallies.select_nth_unstable_by(limit - 1, order);
        tallies.truncate(limit);
    }
    tallies.sort_unstable_by(order);
    let row = |tally: Tally| PopularQuery {
        query_text: text(tally.group).to_owned(),
        total_count: tally.count,
        unique_users: tally.users,
        is_final: !tally.is_open,
    };
    tallies.into_iter().map(row).collect()
}

pub(crate) fn popular(index: &Index, cutoff: Moment, limit: usize) -> Vec<PopularQuery> {
    let kind = Kind::PopularQueries;
    top(tallies(index, kind, cutoff), limit, |group| index.names(kind, group).0)
}

/// Returns the most popular queries of each year. `year` keeps one year only; `limit` applies per year.
pub(crate) fn popular_by_year(index: &Index, cutoff: Moment, year: Option<i64>, limit: usize) -> ByYear {
    let kind = Kind::PopularByYear;
    // There are many tallies, so compare their years by code, not by text.
    let mut of_year: hashbrown::HashMap<u32, Vec<Tally>, RandomState> = hashbrown::HashMap::default();
    let groups = &index.table(kind).groups;
    for tally in tallies(index, kind, cutoff) {
        let (code, _) = groups.get(tally.group);
        of_year.entry(code).or_default().push(tally);
    }
    let wanted = |text: &str| year.is_none_or(|year| text.parse() == Ok(year));
    let mut years: Vec<(String, Vec<PopularQuery>)> = of_year
        .into_iter()
        .map(|(code, tallies)| (index.texts.get(code).to_owned(), tallies))
        .filter(|(year, _)| wanted(year))
        .map(|(year, tallies)| (year, top(tallies, limit, |group| index.names(kind, group).1)))
        .collect();
    years.sort_by(|a, b| by_year(&a.0, &b.0));
    ByYear(years)
}
