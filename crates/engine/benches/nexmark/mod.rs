//! Nexmark's queries as chains of operators: the same shapes as in the comparison with Flink, without a log
//! and without decoding.
//!
//! Rows are those of `crates/weir/benches/nexmark`: of fifty events three are auctions and forty-six bids;
//! half of the bids go to a hot auction and half come from a hot bidder. The expressions that a scan computes
//! there (the day of a bid, the range of its price) are columns here, so that the figures are those of the
//! operators alone.

mod events;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::evaluate::Vector;
use engine::operator::build;
use engine::operator::calc::CalcOperator;
use engine::operator::chain::{Chain, ChainTarget, Link, StreamTime};
use engine::operator::changes::{Changes, Kinds, RowKind, RowWatermarks};
use engine::selection::Selection;
use sql::plan::operator::{Calc, Target};
use sql::plan::{Pipeline, Plan, Query, Shape};

use self::events::Batch;
use super::cpu_time::thread_cpu_ns;
use super::{Nowhere, report};

/// The number of events of a run.
const EVENTS: u64 = 1_000_000;
/// The number of events of a batch.
const BATCH: u64 = 4_096;
/// How far the watermark is behind, in milliseconds.
const LAG: i64 = 4_000;

const TABLES: &str = "
CREATE TABLE auction (
  id BIGINT, itemName STRING, expires TIMESTAMP(3), seller BIGINT, category BIGINT, opened TIMESTAMP(3),
  WATERMARK FOR opened AS opened - INTERVAL '4' SECOND
) WITH ('connector' = 'rows');
CREATE TABLE bid (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, `at` TIMESTAMP(3), extra STRING,
  `day` STRING, `minute` STRING, low BOOLEAN, middle BOOLEAN, high BOOLEAN,
  WATERMARK FOR `at` AS `at` - INTERVAL '4' SECOND
) WITH ('connector' = 'rows');
";

/// The queries by their names in Nexmark.
const QUERIES: [(&str, &str); 9] = [
    (
        "q4 join, MAX, AVG",
        "SELECT category, AVG(final) FROM (
           SELECT MAX(b.price) AS final, a.category FROM auction AS a, bid AS b
           WHERE a.id = b.auction AND b.`at` BETWEEN a.opened AND a.expires GROUP BY a.id, a.category
         ) GROUP BY category",
    ),
    (
        "q7 join without partners",
        "SELECT b.auction, b.bidder, b.price, b.`at`, b.extra FROM bid AS b JOIN auction AS a ON b.price = -a.id",
    ),
    (
        "q9 join, Top-1",
        "SELECT id, itemName, seller, category, bidder, price, `at` FROM (
           SELECT a.id, a.itemName, a.seller, a.category, b.bidder, b.price, b.`at`,
             ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.`at` ASC) AS place
           FROM auction AS a, bid AS b WHERE a.id = b.auction AND b.`at` BETWEEN a.opened AND a.expires
         ) WHERE place <= 1",
    ),
    (
        "q15 DISTINCT with FILTER, by day",
        "SELECT `day`, COUNT(*), COUNT(*) FILTER (WHERE low), COUNT(*) FILTER (WHERE middle), COUNT(*) FILTER (WHERE high),
           COUNT(DISTINCT bidder), COUNT(DISTINCT bidder) FILTER (WHERE low),
           COUNT(DISTINCT bidder) FILTER (WHERE middle), COUNT(DISTINCT bidder) FILTER (WHERE high),
           COUNT(DISTINCT auction), COUNT(DISTINCT auction) FILTER (WHERE low),
           COUNT(DISTINCT auction) FILTER (WHERE middle), COUNT(DISTINCT auction) FILTER (WHERE high)
         FROM bid GROUP BY `day`",
    ),
    (
        "q16 the same by channel and day",
        "SELECT channel, `day`, MAX(`minute`), COUNT(*),
           COUNT(*) FILTER (WHERE low), COUNT(*) FILTER (WHERE middle), COUNT(*) FILTER (WHERE high),
           COUNT(DISTINCT bidder), COUNT(DISTINCT bidder) FILTER (WHERE low),
           COUNT(DISTINCT bidder) FILTER (WHERE high),
           COUNT(DISTINCT auction), COUNT(DISTINCT auction) FILTER (WHERE low),
           COUNT(DISTINCT auction) FILTER (WHERE high)
         FROM bid GROUP BY channel, `day`",
    ),
    (
        "q17 figures by auction and day",
        "SELECT auction, `day`, COUNT(*), COUNT(*) FILTER (WHERE low), COUNT(*) FILTER (WHERE middle),
           COUNT(*) FILTER (WHERE high), MIN(price), MAX(price), AVG(price), SUM(price)
         FROM bid GROUP BY auction, `day`",
    ),
    (
        "q18 the last row of a key",
        "SELECT auction, bidder, price, channel, url, `at`, extra FROM (
           SELECT *, ROW_NUMBER() OVER (PARTITION BY bidder, auction ORDER BY `at` DESC) AS place FROM bid
         ) WHERE place <= 1",
    ),
    (
        "q19 Top-10",
        "SELECT auction, bidder, price, channel, url, `at`, extra, place FROM (
           SELECT *, ROW_NUMBER() OVER (PARTITION BY auction ORDER BY price DESC) AS place FROM bid
         ) WHERE place <= 10",
    ),
    (
        "q20 join",
        "SELECT b.auction, b.bidder, b.price, b.channel, b.url, b.`at`, a.itemName, a.opened, a.expires, a.seller, a.category
         FROM bid AS b JOIN auction AS a ON b.auction = a.id WHERE a.category = 10",
    ),
];

/// Measures the queries whose names begin with one of `wanted`; all, if `wanted` is empty.
pub fn measure(wanted: &[String]) {
    report("Nexmark", "         ns/event   MB held  rows given");
    let chosen = |name: &str| {
        let number = name.split(' ').next().unwrap_or_default();
        wanted.is_empty() || wanted.iter().any(|wanted| wanted == number)
    };

    for (name, query) in QUERIES.into_iter().filter(|(name, _)| chosen(name)) {
        let plan = plan(query);
        let mut runs: Vec<(f64, usize, u64)> = (0..3).map(|_| run(&plan)).collect();
        runs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (ns, held, given) = runs[1];
        report(name, &format!("{ns:>16.0}   {:>7.1}  {given:>10}", held as f64 / 1e6));
    }
}

fn plan(query: &str) -> Plan {
    // As in a script; a query that is typed gives each change.
    let script = format!("SET 'table.exec.mini-batch.enabled' = 'true'; {TABLES} {query};");
    match sql::compile_query(&script, &|_| None) {
        Ok(compiled) => compiled.plan,
        Err(errors) => panic!("{query}: {errors:?}"),
    }
}

/// Pushes all events through a query; returns nanoseconds per event, bytes held at the end, and the number of
/// emitted rows.
fn run(plan: &Plan) -> (f64, usize, u64) {
    let given = Arc::default();
    let mut chain = chain(plan, &given);
    let mut spent = 0.0;

    for first in (0..EVENTS).step_by(BATCH as usize) {
        let batch = Batch::new(first..(first + BATCH).min(EVENTS));
        let watermark = batch.time - LAG;
        for (place, (pipeline, _)) in queries(plan).enumerate() {
            spent += push(&mut chain, place, pipeline, &batch, watermark);
        }
    }
    let held = chain.memory_bytes().map(|(_, bytes)| bytes).sum();
    (spent / EVENTS as f64, held, given.load(Ordering::Relaxed))
}

/// Returns the queries of the scans: each is a separate link before the operators.
fn queries(plan: &Plan) -> impl Iterator<Item = (&Pipeline, &Query)> {
    plan.pipelines.iter().flat_map(|pipeline| pipeline.queries.iter().map(move |query| (pipeline, query)))
}

fn chain(plan: &Plan, given: &Arc<AtomicU64>) -> Chain {
    let scans = queries(plan).count();
    let targets = |targets: &[Target]| {
        let target = |target: &Target| match *target {
            Target::Sink(_) => ChainTarget::Outlet(0),
            Target::Operator { operator, input } => {
                ChainTarget::Operator { place: scans + operator, input, producer: 0 }
            }
        };
        targets.iter().map(target).collect()
    };

    let scan = |(pipeline, query): (&Pipeline, &Query)| {
        let Shape::Rows { columns } = &query.shape else { panic!("`{}` has windows", query.name) };
        let conditions = pipeline.common_filter.iter().chain(&query.filter).copied().collect();
        let calc = Calc { exprs: pipeline.exprs.clone(), conditions, columns: columns.clone() };
        let operator = CalcOperator::new(query.name.clone(), &calc, &plan.settings.time_zone);
        Link {
            identity: query.name.clone(),
            kind: "Scan".into(),
            operator: Box::new(operator.expect("the expressions are valid")),
            producers: vec![vec![1]],
            targets: targets(&query.targets),
        }
    };
    let operator = |spec: &sql::plan::operator::Operator| Link {
        identity: spec.identity.clone(),
        kind: spec.name.clone(),
        operator: build::operator(spec, &plan.settings, None).expect("the plan is valid"),
        producers: vec![vec![1]; spec.inputs.len()],
        targets: targets(&spec.targets),
    };

    let links = queries(plan).map(scan).chain(plan.operators.iter().map(operator));
    Chain::new(links.collect(), vec![Box::new(Nowhere(given.clone()))])
}

/// Pushes the rows of a table to the scan at a place; returns the nanoseconds.
fn push(chain: &mut Chain, place: usize, pipeline: &Pipeline, batch: &Batch, watermark: i64) -> f64 {
    let (table, rows) = batch.table(&pipeline.source.name);
    let leaves = pipeline.source.leaves.iter();
    let columns: Vec<Vector<'_>> = leaves.map(|leaf| Vector::of(&table[leaf.path[0].as_str()])).collect();
    let rows = Changes {
        columns: &columns,
        rows: Selection::All(rows),
        kinds: Kinds::All(RowKind::Insert),
        watermarks: RowWatermarks::All(watermark),
    };
    let target = ChainTarget::Operator { place, input: 0, producer: 0 };

    let start = thread_cpu_ns();
    chain.push(target, &rows).expect("the operators take all rows");
    chain.advance(target, StreamTime { watermark, is_idle: false }).expect("time goes on");
    (thread_cpu_ns() - start) as f64
}
