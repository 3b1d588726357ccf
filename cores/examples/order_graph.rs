//! Draws an order: which capability waits for which, in levels. Members of one level may run beside each other.
//!
//! ```text
//! solana account ADDRESS --output-file order.bin
//! cargo run --manifest-path programs/Cargo.toml --package cores --example order_graph -- order.bin            levels, as text
//! cargo run --manifest-path programs/Cargo.toml --package cores --example order_graph -- order.bin dot        Graphviz
//! cargo run --manifest-path programs/Cargo.toml --package cores --example order_graph -- order.bin mermaid    Mermaid
//! ```
//!
//! `-` reads the account's bytes from standard input; `example` stands for the worked example of `docs/orders.md`.

use cores::order::{Effective, compose, epochs, levels, submitted, write_dot, write_mermaid};
use shared_layouts::Key;
use shared_layouts::scheduler::{
    Constraint, ConstraintRecord, MAX_MEMBERS, NO_LEVEL, Order, OrderMember, constraint_kind, when_dead,
};
use solana_pubkey::Pubkey;
use std::fmt::Write as _;
use std::io::Read;
use std::process::ExitCode;

fn main() -> ExitCode {
    match draw(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(drawing) => {
            print!("{drawing}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("order_graph: {message}");
            ExitCode::FAILURE
        }
    }
}

fn draw(arguments: &[String]) -> Result<String, String> {
    let (path, format) = match arguments {
        [path] => (path, "levels"),
        [path, format] => (path, format.as_str()),
        _ => return Err("usage: order_graph FILE|-|example [levels|dot|mermaid]".to_owned()),
    };
    let is_example = path == "example";
    let order = if is_example { example() } else { load(path)? };
    let name = |key: &Key| {
        let text: String = key.iter().take_while(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
        if is_example { text } else { Pubkey::new_from_array(*key).to_string() }
    };
    let mut drawing = String::new();
    let written = match format {
        "levels" => write_levels(&order, &mut drawing, name),
        "dot" => write_dot(&order, &mut drawing, name),
        "mermaid" => write_mermaid(&order, &mut drawing, name),
        other => return Err(format!("{other}: the formats are levels, dot and mermaid")),
    };
    written.map_err(|error| error.to_string())?;
    Ok(drawing)
}

/// One line for each level, with the members that may run beside each other.
fn write_levels(order: &Order, out: &mut String, name: impl Fn(&Key) -> String) -> std::fmt::Result {
    let members = usize::from(order.members_count).min(MAX_MEMBERS);
    let masks = &order.epochs[(order.epoch & 1) as usize].masks;
    let levels = levels(&masks.predecessors, members);
    for level in 0..levels.count {
        let beside = (0..members).filter(|member| levels.level[*member] == level);
        let names: Vec<String> = beside.map(|member| name(&order.members[member].capability)).collect();
        writeln!(out, "level {level}: {}", names.join(", "))?;
    }
    Ok(())
}

/// The order in a file that holds its account's bytes.
fn load(path: &str) -> Result<Box<Order>, String> {
    let bytes = read(path).map_err(|error| format!("{path}: {error}"))?;
    let too_short = || format!("{path}: shorter than the {} bytes of an order's account", Order::BYTES);
    let bytes = bytes.get(..Order::BYTES).ok_or_else(too_short)?;
    let mut order: Box<Order> = Box::new(bytemuck::Zeroable::zeroed());
    bytemuck::bytes_of_mut(&mut *order).copy_from_slice(bytes);
    shared_layouts::load::<Order>(bytemuck::bytes_of(&*order))
        .map_err(|_| format!("{path}: not an order's account"))?;
    Ok(order)
}

fn read(path: &str) -> std::io::Result<Vec<u8>> {
    if path == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(path)
}

/// An oracle, an exchange and an insurance fund; each makes its own capabilities wait.
fn example() -> Box<Order> {
    const MEMBERS: [(&str, u8); 5] =
        [("publish price", 0), ("match orders", 1), ("settle", 1), ("liquidate", 1), ("cover losses", 2)];
    // Shard, from, to, rule.
    const EDGES: [(u8, u8, u8, u8); 5] = [
        (1, 0, 1, when_dead::SKIP),
        (1, 1, 2, when_dead::BLOCK),
        (1, 0, 3, when_dead::CASCADE),
        (2, 2, 4, when_dead::BLOCK),
        (2, 3, 4, when_dead::BLOCK),
    ];
    let mut order: Box<Order> = Box::new(bytemuck::Zeroable::zeroed());
    for (place, (name, shard)) in order.members.iter_mut().zip(MEMBERS) {
        *place = OrderMember { capability: [0; 32], shard, level: NO_LEVEL, reserved: [0; 2] };
        place.capability[..name.len()].copy_from_slice(name.as_bytes());
    }
    order.members_count = 5;
    order.epoch = 1;
    order.epochs[1].epoch = 1;
    let owner = |member: u8| MEMBERS.get(usize::from(member)).map(|(_, shard)| *shard);
    let constraint = |(shard, from, to, when_dead)| {
        let kind = constraint_kind::BEFORE;
        submitted(ConstraintRecord { from, to, kind, when_dead, weight: 1, reserved: [0; 2] }, shard, owner)
    };
    let constraints: Vec<Constraint> = EDGES.into_iter().filter_map(constraint).collect();
    let mut effective = Effective::of_members(MEMBERS.len());
    effective.take(&constraints);
    let mut composition = bytemuck::Zeroable::zeroed();
    let is_composed =
        compose(&effective, &mut composition).is_ok() && epochs::recompose(&mut order, &composition).is_ok();
    assert!(is_composed && constraints.len() == EDGES.len(), "the example has no contradiction");
    order
}
