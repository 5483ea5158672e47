//! Top-N: nanoseconds of CPU time per row, by the number of partitions.
//!
//! `cargo bench -p engine --bench ranks [-- ROWS]`, where ROWS is the number of rows of each case.

mod cpu_time;

use engine::operator::chain::{Chain, ChainTarget, Link, OperatorError, Outlet, StreamTime};
use engine::operator::changes::{ChangeBuffer, Changes, RowKind};
use engine::operator::rank::RankOperator;
use sql::functions::Env;
use sql::plan::Updates;
use sql::plan::operator::{Changes as Mode, Distribution, Field, Input, Rank, RankEnd, SortKey};
use types::{DataType, Repr, Scalar};

use self::cpu_time::thread_cpu_ns;

const ROWS: usize = 4_000_000;
const BATCH: usize = 4_096;
const PARTITIONS: [u64; 2] = [1, 1_000_000];

/// Counts rows and drops them.
#[derive(Default)]
struct Counted(usize);

impl Outlet for Counted {
    fn write(&mut self, rows: &Changes<'_>, _env: &Env) -> Result<(), OperatorError> {
        self.0 += rows.places().count();
        Ok(())
    }

    fn advance(&mut self, _time: StreamTime) -> Result<(), OperatorError> {
        Ok(())
    }

    fn flush(&mut self) -> Result<(), OperatorError> {
        Ok(())
    }
}

/// A measured case.
struct Case {
    title: &'static str,
    to: u64,
    with_number: bool,
    input: Input,
    /// If set, every second row retracts a row about this many rows before it.
    retracts: Option<usize>,
}

fn main() {
    let rows = std::env::args().skip(1).find_map(|arg| arg.parse().ok()).unwrap_or(ROWS);
    report(&format!("{:44} {:>10} {:>8} {:>12}", "top n of 2 columns", "partitions", "ns/row", "bytes held"));

    for partitions in PARTITIONS {
        for case in [
            case("top 1, new rows", 1, false, None),
            case("top 10, new rows", 10, false, None),
            case("top 10, new rows, numbers", 10, true, None),
            case("top 10, half of the rows taken back", 10, false, Some(1_000_000)),
            case("top 10, half taken back, numbers", 10, true, Some(1_000_000)),
        ] {
            let (ns, bytes) = measure(&case, partitions, rows);
            report(&format!("{:44} {partitions:>10} {ns:>8.0} {bytes:>12}", case.title));
        }
    }
}

fn case(title: &'static str, to: u64, with_number: bool, retracts: Option<usize>) -> Case {
    let field = |name: &str| Field { name: name.into(), column_type: DataType::BigInt.nullable() };
    let changes = if retracts.is_some() { Mode::Retract } else { Mode::Append };
    let fields = vec![field("k"), field("price"), field("id")];
    let input = Input { fields, distribution: Distribution::Hash(vec![0]), changes };
    Case { title, to, with_number, input, retracts }
}

fn measure(case: &Case, partitions: u64, rows: usize) -> (f64, usize) {
    let spec = Rank {
        partition: vec![0],
        order: vec![SortKey { field: 1, descending: true, nulls_first: false }],
        from: 1,
        to: RankEnd::Constant(case.to),
        with_number: case.with_number,
        emits_before: true,
    };
    let operator =
        RankOperator::new("rank".into(), &spec, std::slice::from_ref(&case.input), None, Updates::PerBatch);
    let operator = Box::new(operator.expect("the plan is right"));
    let targets = vec![ChainTarget::Outlet(0)];
    let link =
        Link { identity: "rank".into(), kind: "Rank".into(), operator, producers: vec![vec![1]], targets };
    let mut chain = Chain::new(vec![link], vec![Box::<Counted>::default()]);

    let target = ChainTarget::Operator { place: 0, input: 0, producer: 0 };
    let mut buffer = ChangeBuffer::new(&[Repr::Int; 3]);
    let mut spent = 0;
    let mut made = 0;
    while made < rows {
        buffer.clear();
        for at in made..(made + BATCH).min(rows) {
            let (kind, number) = match case.retracts {
                Some(lag) if at % 2 == 1 && at > lag => (RowKind::Delete, at - 1 - lag / 2 * 2),
                _ => (RowKind::Insert, at),
            };
            buffer.push(kind, 0, row(number, partitions));
        }
        made += buffer.len();

        let start = thread_cpu_ns();
        buffer.lend(|rows| chain.push(target, rows)).expect("rank takes all rows");
        spent += thread_cpu_ns() - start;
    }

    let bytes = chain.memory_bytes().map(|(_, bytes)| bytes).sum();
    (spent as f64 / rows as f64, bytes)
}

/// Returns the row of this number.
fn row(number: usize, partitions: u64) -> [Scalar<'static>; 3] {
    let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let price = mixed >> 44;
    let key = (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20;
    [(key % partitions) as i64, price as i64, number as i64].map(Scalar::Int)
}

#[expect(clippy::print_stdout, reason = "a benchmark reports")]
fn report(line: &str) {
    println!("{line}");
}
