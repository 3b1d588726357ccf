//! Operations per second that fit a block: measured units, the runtime's own cost model, and the block's limits.
//!
//! `throughput` writes docs/throughput.md and docs/throughput.svg, and cross-checks one point by filling a simulated block with real
//! transactions; it fails where the two differ by more than 2%.

use agave_feature_set::FeatureSet;
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{Definition, execute, fixed, people, queue_policy, verify};
use mollusk_tests::programs::{NOOP, address, keypair};
use mollusk_tests::queues::Bench;
use mollusk_tests::world::PACKET_BYTES;
use solana_cost_model::block_cost_limits::{MAX_BLOCK_UNITS, MAX_WRITABLE_ACCOUNT_UNITS, simd_0286_block_limit};
use solana_cost_model::cost_model::CostModel;
use solana_instruction::{AccountMeta, Instruction};
use solana_message::{Message, SimpleAddressLoader, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_runtime_transaction::runtime_transaction::RuntimeTransaction;
use solana_signature::Signature;
use solana_transaction::sanitized::{MessageHash, SanitizedTransaction};
use solana_transaction::versioned::VersionedTransaction;
use std::collections::{BTreeMap, HashSet};
use std::{fmt::Write, fs, path::Path};

/// Arguments of an operation, as long as in the bench's rows.
const ARGUMENTS: [u8; 64] = [7; 64];
/// Operations in a transaction of several.
const SEVERAL: usize = 4;
/// Blocks in a second, times ten: one every 400 ms. Where slots are shorter, limits shrink with them.
const BLOCKS_IN_TEN_SECONDS: u64 = 25;
/// The runtime counts each account that it loads with so many bytes more.
const ACCOUNT_OVERHEAD_BYTES: usize = 64;
const SHARDS: u64 = 100;

/// Limits of a block, in units of cost.
struct Limits {
    name: &'static str,
    block: u64,
    account: u64,
    color: &'static str,
}

/// Cost of an operation: what queues it, and what runs it.
struct Cost {
    name: &'static str,
    enqueue: u64,
    run: u64,
    parts: [u64; 5],
}

impl Cost {
    fn sum(&self) -> u64 {
        self.enqueue + self.run
    }
}

fn limits() -> [Limits; 3] {
    let announced = simd_0286_block_limit();
    [
        Limits { name: "before SIMD-0306", block: MAX_BLOCK_UNITS, account: 12_000_000, color: "#888" },
        Limits {
            name: "SIMD-0306: 40% for an account",
            block: MAX_BLOCK_UNITS,
            account: MAX_WRITABLE_ACCOUNT_UNITS,
            color: "#06c",
        },
        Limits { name: "SIMD-0286 with it: 100M blocks", block: announced, account: announced / 10 * 4, color: "#c30" },
    ]
}

/// A queue whose capability calls the no-op program with three accounts, as in the bench.
struct Shapes {
    bench: Bench,
    targets: Vec<AccountMeta>,
    rows: BTreeMap<String, u64>,
}

impl Shapes {
    fn new() -> Self {
        let keys = ["account 0", "account 1", "account 2"].map(address);
        let definition = Definition::new(&NOOP.address()).targets(keys.map(|key| fixed(&key, 0)));
        let bench = Bench::new(FeatureProfile::Mainnet, &queue_policy(), &definition);
        let targets = keys.iter().map(|key| AccountMeta::new_readonly(*key, false)).collect();
        Self { bench, targets, rows: rows() }
    }

    fn enqueue(&self, sequence: u64) -> Instruction {
        self.bench.enqueue(&mollusk_tests::queues::plain(sequence), &ARGUMENTS)
    }

    fn dispatch(&self, slot: u16, generation: u32) -> Instruction {
        let handle = shared_handle(slot, generation);
        self.bench.dispatch(people::WORKER, handle)
    }

    fn by_cpi(&self, slot: u16, generation: u32) -> Vec<Instruction> {
        let run = execute(&self.bench.capability, &NOOP.address(), &self.targets, &ARGUMENTS);
        vec![self.dispatch(slot, generation), run]
    }

    fn by_siblings(&self, slot: u16, generation: u32) -> Vec<Instruction> {
        let target = Instruction::new_with_bytes(NOOP.address(), &ARGUMENTS, self.targets.clone());
        vec![self.dispatch(slot, generation), verify(&self.bench.capability, &self.targets, &ARGUMENTS), target]
    }

    fn row(&self, name: &str) -> u64 {
        *self.rows.get(name).unwrap_or_else(|| panic!("{name} is not in bench/results/compute_units.json"))
    }

    /// Cost of a transaction that takes so many units, and its parts: signatures, write locks, data, execution, loaded bytes.
    fn cost(&self, instructions: &[Instruction], units: u64) -> (u64, [u64; 5]) {
        let message = Message::new(instructions, Some(&address(people::WORKER)));
        let loaded = message.account_keys.iter().map(|key| self.loaded_bytes(key)).sum::<usize>();
        let bytes = 1 + 64 * usize::from(message.header.num_required_signatures) + message.serialize().len();
        assert!(bytes <= PACKET_BYTES, "a transaction of {bytes} bytes is too large to be sent");
        let signatures = vec![Signature::default(); usize::from(message.header.num_required_signatures)];
        let transaction = VersionedTransaction { signatures, message: VersionedMessage::Legacy(message) };
        let transaction = RuntimeTransaction::<SanitizedTransaction>::try_create(
            transaction,
            MessageHash::Compute,
            Some(false),
            SimpleAddressLoader::Disabled,
            &HashSet::new(),
            true,
        )
        .expect("a transaction that is well-formed");
        let loaded = u32::try_from(loaded).expect("some megabytes at most");
        let cost =
            CostModel::calculate_cost_for_executed_transaction(&transaction, units, loaded, &FeatureSet::default());
        let parts = [
            cost.signature_cost(),
            cost.write_lock_cost(),
            u64::from(cost.data_bytes_cost()),
            cost.programs_execution_cost(),
            cost.loaded_accounts_data_size_cost(),
        ];
        (cost.sum(), parts)
    }

    /// Bytes that loading an account takes: its own, and for a program those of its program data.
    fn loaded_bytes(&self, key: &Pubkey) -> usize {
        let account = self.bench.fixture.world.account(key);
        let program = if account.executable {
            let data = mollusk_tests::program_data::address(key);
            self.bench.fixture.world.account(&data).data.len() + ACCOUNT_OVERHEAD_BYTES
        } else {
            0
        };
        account.data.len() + ACCOUNT_OVERHEAD_BYTES + program
    }

    fn costs(&self) -> Vec<Cost> {
        let enqueue_units = self.row("scheduler/enqueue/empty");
        let dispatch_units = self.row("scheduler/dispatch/unleased");
        let cpi_units = dispatch_units + self.row("processor/execute/predicates-0");
        let sibling_units =
            dispatch_units + self.row("processor/verify/predicates-0") + self.row("floor/entrypoint-3-accounts");
        let one = |name, run: Vec<Instruction>, units| {
            let (enqueue, first) = self.cost(&[self.enqueue(1)], enqueue_units);
            let (run, second) = self.cost(&run, units);
            Cost { name, enqueue, run, parts: std::array::from_fn(|part| first[part] + second[part]) }
        };
        let several = |name, runs: &dyn Fn(u16) -> Vec<Instruction>, units| {
            let count = SEVERAL as u64;
            let queue: Vec<Instruction> = (1..=count).map(|sequence| self.enqueue(sequence)).collect();
            let (enqueue, first) = self.cost(&queue, enqueue_units * count);
            let run: Vec<Instruction> = (0..4).flat_map(runs).collect();
            let (run, second) = self.cost(&run, units * count);
            let parts = std::array::from_fn(|part| (first[part] + second[part]) / count);
            Cost { name, enqueue: enqueue / count, run: run / count, parts }
        };
        vec![
            one("by CPI, one a transaction", self.by_cpi(0, 1), cpi_units),
            one("by siblings, one a transaction", self.by_siblings(0, 1), sibling_units),
            several("by CPI, four a transaction", &|slot| self.by_cpi(slot, 1), cpi_units),
            several("by siblings, four a transaction", &|slot| self.by_siblings(slot, 1), sibling_units),
        ]
    }

    /// Fills one account's share of a block with real transactions that queue and run; returns how many operations fit.
    fn fill(&mut self, limit: u64) -> u64 {
        let (mut spent, mut operations) = (0, 0);
        let (producer, worker) = (keypair(people::PRODUCER), keypair(people::WORKER));
        loop {
            let queue = [self.enqueue(operations + 1)];
            let outcome = self.bench.fixture.world.expect_ok(&queue, &worker, &[&producer]);
            spent += self.cost(&queue, outcome.units).0;
            let handle = self.bench.last();
            let run = self.by_cpi(handle.slot, handle.generation);
            let outcome = self.bench.fixture.world.expect_ok(&run, &worker, &[]);
            spent += self.cost(&run, outcome.units).0;
            if spent > limit {
                return operations;
            }
            operations += 1;
        }
    }
}

fn shared_handle(slot: u16, generation: u32) -> shared_layouts::scheduler::EntryHandle {
    shared_layouts::scheduler::EntryHandle { generation, slot, reserved: [0; 2] }
}

/// Rows of the bench, with mainnet's features.
fn rows() -> BTreeMap<String, u64> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench/results/compute_units.json");
    let text = fs::read_to_string(path).expect("the bench's results are there");
    let report: serde_json::Value = serde_json::from_str(&text).expect("the bench's results are JSON");
    let rows = report["rows"].as_object().expect("the bench's results have rows");
    rows.iter().map(|(name, units)| (name.clone(), units["mainnet"].as_u64().expect("a number of units"))).collect()
}

/// Operations per second of one shard, whose queue every transaction writes, and of a hundred.
fn per_second(cost: u64, limits: &Limits) -> [u64; 2] {
    let one = limits.account / cost;
    let all = (limits.block / cost).min(one * SHARDS);
    [one, all].map(|in_a_block| in_a_block * BLOCKS_IN_TEN_SECONDS / 10)
}

fn main() {
    let mut shapes = Shapes::new();
    let costs = shapes.costs();
    let limit = limits()[0].account;
    let computed = limit / costs[0].sum();
    let filled = shapes.fill(limit);
    assert!(computed.abs_diff(filled) * 50 <= computed, "computed {computed}, filled {filled}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let text = page(&costs, computed, filled);
    fs::write(folder.join("throughput.md"), &text).expect("the page can be written");
    fs::write(folder.join("throughput.svg"), plot(&costs)).expect("the plot can be written");
    print!("{text}");
}

fn page(costs: &[Cost], computed: u64, filled: u64) -> String {
    let mut text = String::from(
        "# Throughput\n\nHow many operations fit a block, computed by `./justw throughput` from [the measured units](../bench/results/compute_units.md) \
         with the\nruntime's own cost model (`solana-cost-model`). An operation here is both its halves: queued in one transaction, run in another, \
         with 64\nbytes of arguments and a target of 3 accounts.\n\n\
         ```text\ncost of a transaction = 720 for each signature + 300 for each account that is written + instruction data / 4\n\
         \x20                      + units executed + 8 for each 32 KiB loaded, program data included\n\
         one shard             = floor(limit of an account / cost of an operation) * blocks per second\n\
         n shards              = min(n * one shard, floor(limit of a block / cost of an operation) * blocks per second)\n```\n\n\
         The whole cost of a transaction counts against each account that it writes, and every transaction of a shard writes its queue, so one\n\
         shard meets the account's limit first. Only a shard's own queue is written: shards share no writable account, if producers and\n\
         workers pay from accounts of their own.\n\n## Cost of an operation\n\n\
         | how it runs | cost | signatures | write locks | data | execution | loaded bytes |\n|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for cost in costs {
        let [signatures, locks, data, execution, loaded] = cost.parts;
        let (name, sum) = (cost.name, cost.sum());
        writeln!(text, "| {name} | {sum} | {signatures} | {locks} | {data} | {execution} | {loaded} |")
            .expect("a string");
    }
    text.push_str("\n## Operations per second\n\nAt 400 ms a block; where slots are shorter the limits shrink with them, and the figures stay.\n\n");
    text.push_str("| how it runs | limits | one shard | 100 shards |\n|---|---|---:|---:|\n");
    for cost in costs {
        for limits in limits() {
            let [one, all] = per_second(cost.sum(), &limits);
            let Limits { name, block, account, .. } = limits;
            let (block, account) = (block / 1_000_000, account / 1_000_000);
            writeln!(text, "| {} | {name} ({block}M, {account}M) | {one} | {all} |", cost.name).expect("a string");
        }
    }
    write!(
        text,
        "\n![Operations per second](throughput.svg)\n\n## Cross-check\n\nTransactions that queue and run by CPI, one operation each, sent to LiteSVM \
         until their cost with the units that they really took\nreaches 12M on the queue's account: **{filled}** operations fit; computed from the \
         table: **{computed}**. `./justw throughput` fails where they\ndiffer by more than 2%.\n\n## Limits\n\nThe limits of a block and of an account are \
         the constants of `solana-cost-model` 4.2.2 (60M and 24M; 100M when SIMD-0286 is active);\n40% for an account is what SIMD-0306 \
         says, and 12M is what held before it. What is active on a cluster is to be looked up there.\nVotes, other protocols and fees take \
         their part of a block: these are upper bounds.\n",
    )
    .expect("a string");
    text
}

/// Bars: one shard and a hundred, under each of the limits.
fn plot(costs: &[Cost]) -> String {
    const WIDTH: u64 = 720;
    const BAR: u64 = 14;
    const LEFT: u64 = 250;
    let all: Vec<[u64; 2]> =
        costs.iter().flat_map(|cost| limits().map(|limits| per_second(cost.sum(), &limits))).collect();
    let most = all.iter().flatten().max().copied().unwrap_or(1).max(1);
    let height = 60 + costs.len() as u64 * (6 * BAR + 16);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut y = 20;
    for (index, cost) in costs.iter().enumerate() {
        writeln!(svg, "<text x=\"8\" y=\"{}\">{}</text>", y + 3 * BAR, cost.name).expect("a string");
        for (shards, place) in [("1 shard", 0), ("100 shards", 1)] {
            for (at, limits) in limits().iter().enumerate() {
                let figure = all[index * 3 + at][place];
                let width = (figure * (WIDTH - LEFT - 110) / most).max(1);
                writeln!(
                    svg,
                    "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{width}\" height=\"{}\" fill=\"{}\"/>\n<text x=\"{}\" y=\"{}\">{figure} ({shards})</text>",
                    BAR - 3,
                    limits.color,
                    LEFT + width + 4,
                    y + BAR - 4,
                )
                .expect("a string");
                y += BAR;
            }
        }
        y += 16;
    }
    let mut x = 8;
    for limits in limits() {
        let color = limits.color;
        writeln!(svg, "<text x=\"{x}\" y=\"{}\" fill=\"{color}\">{}</text>", height - 12, limits.name)
            .expect("a string");
        x += 240;
    }
    svg + "</svg>\n"
}
