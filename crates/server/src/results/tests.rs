//! Compares tables with a naive model, and helpers of other tests.

mod rows;

use jobs::{ColumnKind, ResultColumn, ResultTable};

/// Returns a declaration.
pub(super) fn table(name: &str, key: &str, columns: &[(&str, ColumnKind)]) -> ResultTable {
    let column = |(name, kind): &(&str, ColumnKind)| ResultColumn {
        name: (*name).to_owned(),
        sql_type: format!("{kind:?}"),
        kind: *kind,
    };
    ResultTable {
        name: name.to_owned(),
        key: key.to_owned(),
        columns: columns.iter().map(column).collect(),
        window: Vec::new(),
        queries: Vec::new(),
        ttl_seconds: 60,
        channel: String::new(),
        job: "a job".to_owned(),
        job_id: String::new(),
        declared: 0,
        started: 0,
    }
}

mod model {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use jiff::tz::TimeZone;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use types::Timestamp;

    use super::table;
    use crate::analytics::Moment;
    use crate::results::answer::answer;
    use crate::results::format::Format;
    use crate::results::request::Request;
    use crate::results::table::{RowTable, Taken};
    use crate::results::template::Template;
    use jobs::{ColumnKind, ResultTable};

    #[derive(Debug, Clone)]
    enum Step {
        Write { page: u8, minute: Option<u8>, n: Option<i64>, is_final: bool, expires: i64 },
        Delete { page: u8, minute: u8 },
        Expire { now: i64 },
        DropOldest,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let minute = prop::option::weighted(0.9, 0u8..40);
        let write = (0u8..6, minute, prop::option::of(-5i64..100), any::<bool>(), 1i64..100).prop_map(
            |(page, minute, n, is_final, second)| Step::Write {
                page,
                minute,
                n,
                is_final,
                expires: second * 1_000,
            },
        );
        let delete = (0u8..6, 0u8..40).prop_map(|(page, minute)| Step::Delete { page, minute });
        prop::collection::vec(
            prop_oneof![
                40 => write,
                6 => delete,
                1 => (0i64..100).prop_map(|second| Step::Expire { now: second * 1_000 }),
                1 => Just(Step::DropOldest),
            ],
            0..300,
        )
    }

    /// 2025-12-09T11:50:00, in milliseconds: when all rows are written.
    const WRITTEN: i64 = 1_765_281_000_000;

    fn time(minute: u8) -> String {
        format!("2025-12-09T11:{minute:02}:00")
    }

    fn key(page: u8, minute: u8) -> String {
        format!("k:/{page}:{}", time(minute))
    }

    /// A row of the model: its time in minutes, its value, and when it expires.
    type Rows = BTreeMap<String, (u8, Value, i64)>;

    fn rows(table: &RowTable, query: &[(&str, &str)]) -> Vec<Value> {
        let pairs: Vec<(String, String)> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = Request::parse(&pairs, &table.declared, Moment(0), &TimeZone::UTC).expect("a request");
        let json = answer("t", &table.view(), &request, Format::Json).expect("an answer").body;
        let answer: Value = serde_json::from_slice(&json).expect("JSON");
        answer["rows"].as_array().expect("rows").clone()
    }

    fn compare(table: &RowTable, model: &Rows) -> Result<(), TestCaseError> {
        prop_assert_eq!(table.rows, model.len());
        let mut found = rows(table, &[("order", "_time")]);
        let keys: Vec<u8> = found.iter().map(|row| model[row["_key"].as_str().expect("a key")].0).collect();
        prop_assert!(keys.is_sorted());
        found.sort_by_key(|row| row["_key"].as_str().map(str::to_owned));
        for (row, (key, (minute, value, _))) in found.iter().zip(model) {
            prop_assert_eq!(&row["_key"], key);
            prop_assert_eq!(&row["_time"], &time(*minute));
            for name in ["page", "n", "window_end"] {
                prop_assert_eq!(&row[name], &value[name]);
            }
            prop_assert_eq!(&row["_is_final"], &value["is_final"]);
            prop_assert!(table.find(key).is_some());
        }

        let in_range = |minute: u8| (10..30).contains(&minute);
        let wanted = |row: &&(u8, Value, i64)| in_range(row.0) && row.1["n"].as_i64().is_some_and(|n| n > 3);
        let range = [("from", "2025-12-09T11:10:00"), ("to", "2025-12-09T11:30:00"), ("where", "n > 3")];
        prop_assert_eq!(rows(table, &range).len(), model.values().filter(wanted).count());

        let mut sums: BTreeMap<String, (i64, i64)> = BTreeMap::new();
        for (_, value, _) in model.values().filter(wanted) {
            let sum = sums.entry(value["page"].as_str().expect("a page").to_owned()).or_default();
            *sum = (sum.0 + 1, sum.1 + value["n"].as_i64().unwrap_or(0));
        }
        let grouped = rows(table, &[&range[..], &[("group_by", "page")]].concat());
        let grouped = grouped.iter().map(|row| {
            let number = |name: &str| row[name].as_i64().expect("a number");
            (row["page"].as_str().expect("a page").to_owned(), (number("count(*)"), number("sum(n)")))
        });
        prop_assert_eq!(grouped.collect::<BTreeMap<_, _>>(), sums);
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        /// Rows whose time is that of their writing move with each write.
        #[test]
        fn rows_that_move_are_found_at_their_newest_time(
            writes in prop::collection::vec((0u8..60, any::<bool>()), 0..600),
        ) {
            let columns = [("page", ColumnKind::Text), ("n", ColumnKind::Integer)];
            let declared = Arc::new(table("t", "k:{page}", &columns));
            let template = Arc::new(Template::of(&declared));
            let mut table = RowTable::new(declared, template, TimeZone::UTC);
            let mut model: BTreeMap<String, (i64, usize)> = BTreeMap::new();

            for (at, (page, is_deleted)) in writes.iter().enumerate() {
                let key = format!("k:/{page}");
                if *is_deleted && at % 3 == 0 {
                    table.delete(&key, 0);
                    model.remove(&key);
                } else {
                    let value = json!({"page": format!("/{page}"), "n": at}).to_string();
                    let now = at as i64 / 2 * 1_000;
                    table.write(&key, value.as_bytes(), Timestamp(i64::MAX), now);
                    model.insert(key, (now, at));
                }
            }

            let found = rows(&table, &[("order", "_time")]);
            let places: Vec<(String, usize)> = found
                .iter()
                .map(|row| (row["_key"].as_str().expect("a key").to_owned(), row["n"].as_u64().expect("n") as usize))
                .collect();
            prop_assert!(found.iter().map(|row| row["_time"].as_str()).is_sorted());
            let known: BTreeMap<String, usize> = places.iter().cloned().collect();
            prop_assert_eq!(places.len(), known.len());
            prop_assert_eq!(known, model.iter().map(|(key, (_, at))| (key.clone(), *at)).collect::<BTreeMap<_, _>>());
            for key in model.keys() {
                prop_assert!(table.find(key).is_some());
            }
            prop_assert!(table.runs.len() <= 8 + model.len() / 4 + 1, "{} runs", table.runs.len());
        }

        #[test]
        fn a_table_answers_as_if_it_went_through_every_row(loaded in steps(), followed in steps()) {
            let columns = [
                ("page", ColumnKind::Text), ("n", ColumnKind::Integer), ("window_end", ColumnKind::Text),
            ];
            // The time of writing is not guessed from the expiry.
            let declared = ResultTable { ttl_seconds: 0, ..table("t", "k:{page}:{window_end}", &columns) };
            let declared = Arc::new(declared);
            let template = Arc::new(Template::of(&declared));
            let mut table = RowTable::new(declared, template, TimeZone::UTC);
            let mut model = Rows::new();
            let mut complete_from = None;

            let write = |table: &mut RowTable, model: &mut Rows, step: &Step, complete_from: Option<u8>| {
                let Step::Write { page, minute, n, is_final, expires } = step else { return };
                // Without a time in the value, the time of writing counts: minute 50.
                let key = key(*page, minute.unwrap_or(39));
                let value = json!({"page": format!("/{page}"), "n": n, "window_end": minute.map(time), "is_final": is_final});
                let expires = WRITTEN + *expires;
                let taken = table.write(&key, value.to_string().as_bytes(), Timestamp(expires), WRITTEN);
                let minute = minute.unwrap_or(50);
                let is_too_old = complete_from.is_some_and(|until| minute <= until);
                assert_eq!(taken, if is_too_old { Taken::TooOld } else { Taken::Row });
                if !is_too_old {
                    model.insert(key, (minute, value, expires));
                }
            };

            table.begin_load();
            for step in loaded.iter().filter(|step| matches!(step, Step::Write { minute: Some(_), .. })) {
                write(&mut table, &mut model, step, None);
            }
            table.end_load();
            compare(&table, &model)?;

            for step in &followed {
                match step {
                    Step::Write { .. } => write(&mut table, &mut model, step, complete_from),
                    Step::Delete { page, minute } => {
                        table.delete(&key(*page, *minute), 0);
                        model.remove(&key(*page, *minute));
                    }
                    Step::Expire { now } => {
                        table.expire(WRITTEN + *now);
                        model.retain(|_, (.., expires)| *expires > WRITTEN + *now);
                    }
                    Step::DropOldest => {
                        table.drop_oldest();
                        if let Some(until) = table.left_out_until {
                            model.retain(|_, (minute, ..)| Moment::parse(&time(*minute)).expect("a time") > until);
                            complete_from = (0..=50).rev().find(|m| Moment::parse(&time(*m)).expect("a time") <= until);
                        }
                    }
                }
            }
            compare(&table, &model)?;
        }
    }
}
