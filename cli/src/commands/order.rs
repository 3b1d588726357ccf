//! `valence order`: which capabilities of which shards wait for which.

use super::{capability, shard};
use crate::address::{Named, NamedOrder};
use crate::cluster::{Cluster, fixed_part};
use crate::definition;
use crate::definition::order::{Constraint, Constraints, Order as Definition};
use crate::failure::{Failure, Outcome};
use crate::output::{Output, Row, fields, key};
use crate::set::Programs;
use serde_json::{Value, json};
use shared_layouts::client;
use shared_layouts::scheduler::{
    self, ConstraintRecord, Epoch, NO_LEVEL, Order, OrderInvitation, OrderShard, accept_constraints, close_order,
    compose, composition_mode, constraint_kind, constraint_status, create_order, rotate_epoch, set_constraints,
    when_dead,
};
use solana_instruction::AccountMeta;
use solana_pubkey::Pubkey;
use solana_sdk_ids::system_program;
use solana_signer::Signer;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What to do with orders.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Opens an order from a definition and invites shards; the keypair is the owner of the first
    Create {
        /// Definition, TOML or JSON: patience, mode, shards (see docs/cli.md)
        definition: PathBuf,
    },
    /// Brings capabilities in and replaces a shard's constraints; the keypair is the shard's owner
    Constraints {
        /// SHARD/NUMBER or address
        order: NamedOrder,
        /// The shard that submits them: number or address
        #[arg(long)]
        shard: Named,
        /// Definition, TOML or JSON: members, constraints (see docs/cli.md)
        definition: PathBuf,
    },
    /// Accepts what another shard's constraints ask of this shard's capabilities; the keypair is this shard's owner
    Accept {
        /// SHARD/NUMBER or address
        order: NamedOrder,
        /// The shard that accepts: number or address
        #[arg(long)]
        shard: Named,
        /// The shard whose constraints they are: number or address
        #[arg(long)]
        of: Named,
        /// Version of the set that was looked at [default: the present one]
        #[arg(long)]
        version: Option<u32>,
        /// Accepts no longer
        #[arg(long)]
        revoke: bool,
    },
    /// Composes what is accepted and opens the next epoch; the keypair is the opener's owner
    Compose {
        /// SHARD/NUMBER or address
        order: NamedOrder,
    },
    /// Opens the next epoch under the same composition; anyone may
    Rotate {
        /// SHARD/NUMBER or address
        order: NamedOrder,
    },
    /// Shows an order: shards, members, constraints, epochs
    Show {
        /// SHARD/NUMBER or address
        order: NamedOrder,
    },
    /// Prints the constraints as a graph in Graphviz' language
    Graph {
        /// SHARD/NUMBER or address
        order: NamedOrder,
    },
    /// Closes an order without queues and entries; its lamports go to the keypair, the opener's owner
    Close {
        /// SHARD/NUMBER or address
        order: NamedOrder,
    },
    /// Lists the orders
    Ls,
}

/// Runs the command.
pub fn run(cluster: &Cluster, command: &Command) -> Outcome<Output> {
    let programs = cluster.programs()?;
    match command {
        Command::Create { definition } => create(cluster, &programs, definition),
        Command::Constraints { order, shard, definition } => submit(cluster, &programs, *order, *shard, definition),
        Command::Accept { order, shard, of, version, revoke } => {
            accept(cluster, &programs, *order, [*shard, *of], *version, !revoke)
        }
        Command::Compose { order } => opener(cluster, &programs, *order, |order, record, shard, owner| {
            let data = compose::Data { constraints_version: record.constraints_version };
            scheduler::compose(programs.scheduler, compose::Accounts { order, shard, owner }, &[], &data, &[])
        }),
        Command::Rotate { order } => {
            let (address, _) = load(cluster, &programs, *order)?;
            let accounts = rotate_epoch::Accounts { order: address };
            let call = scheduler::rotate_epoch(programs.scheduler, accounts, &[], &rotate_epoch::Data {}, &[]);
            cluster.send(&[call], &cluster.signer()?)?;
            show(cluster, &programs, &address)
        }
        Command::Show { order } => show(cluster, &programs, &order.address(&programs.scheduler)),
        Command::Graph { order } => Ok(Output::Text(graph(&load(cluster, &programs, *order)?.1))),
        Command::Close { order } => close(cluster, &programs, *order),
        Command::Ls => list(cluster, &programs),
    }
}

fn load(cluster: &Cluster, programs: &Programs, order: NamedOrder) -> Outcome<(Pubkey, Order)> {
    let address = order.address(&programs.scheduler);
    let (record, _) = cluster.record("the order", &programs.scheduler, &address)?;
    Ok((address, record))
}

fn create(cluster: &Cluster, programs: &Programs, path: &Path) -> Outcome<Output> {
    let definition: Definition = definition::read(path)?;
    let address = |named: Named| named.address(|number| client::shard_address(&programs.scheduler, number));
    // A definition has at least one shard.
    let Some(first) = definition.shards.first() else { return Err(Failure::new("an order needs a shard")) };
    let signer = cluster.signer()?;
    let (shard_address, shard) = shard::owned(cluster, programs, first.shard.0, &signer.pubkey())?;
    let invitations = definition.shards.iter().map(|invited| OrderInvitation {
        shard: address(invited.shard.0).to_bytes(),
        weight: invited.weight,
        max_constraints: invited.max_constraints,
        max_members: invited.max_members,
        reserved: [0; 3],
    });
    let tail: Vec<u8> = invitations.flat_map(|record| bytemuck::bytes_of(&record).to_vec()).collect();
    let order = client::order_address(&programs.scheduler, &shard_address, shard.orders_created);
    let accounts = create_order::Accounts {
        shard: shard_address,
        owner: signer.pubkey(),
        order,
        payer: signer.pubkey(),
        system_program: system_program::ID,
    };
    let data = create_order::Data { patience_seconds: definition.patience_seconds, mode: definition.mode() };
    cluster.send(&[scheduler::create_order(programs.scheduler, accounts, &[], &data, &tail)], &signer)?;
    show(cluster, programs, &order)
}

fn submit(cluster: &Cluster, programs: &Programs, order: NamedOrder, shard: Named, path: &Path) -> Outcome<Output> {
    let mut set: Constraints = definition::read(path)?;
    let (address, record) = load(cluster, programs, order)?;
    let signer = cluster.signer()?;
    let (shard, _) = shard::owned(cluster, programs, shard, &signer.pubkey())?;
    let mut members: Vec<Pubkey> = members(&record).map(|member| Pubkey::new_from_array(member.capability)).collect();
    let known = members.len();
    for named in &set.members {
        let (capability, _, _) = capability::load(cluster, programs, named.0)?;
        if !members.contains(&capability) {
            members.push(capability);
        }
    }
    // The composition wants them so; among equals the file's order stands.
    set.constraints.sort_by_key(|constraint| std::cmp::Reverse(constraint.codes().0));
    let records = set.constraints.iter().map(|constraint| one_constraint(programs, constraint, &members));
    let records = records.collect::<Outcome<Vec<_>>>()?;
    let new: Vec<_> = members[known..].iter().map(|member| AccountMeta::new_readonly(*member, false)).collect();
    let accounts = set_constraints::Accounts {
        config: client::config_address(&programs.scheduler),
        order: address,
        shard,
        owner: signer.pubkey(),
    };
    // An order has at most 64 members.
    let data = set_constraints::Data { new_members: u8::try_from(new.len()).unwrap_or(u8::MAX) };
    let tail = bytemuck::cast_slice(&records);
    cluster.send(&[scheduler::set_constraints(programs.scheduler, accounts, &new, &data, tail)], &signer)?;
    show(cluster, programs, &address)
}

fn one_constraint(programs: &Programs, constraint: &Constraint, members: &[Pubkey]) -> Outcome<ConstraintRecord> {
    let bit = |named: Named| {
        let key = named.address(|number| client::capability_address(&programs.processor, number));
        let place = members.iter().position(|member| *member == key).and_then(|place| u8::try_from(place).ok());
        place.ok_or_else(|| {
            Failure::new(format!("the capability {key} is not a member of the order"))
                .cure("its shard brings it in by `members` in its constraints")
        })
    };
    let (first, second) = constraint.named();
    let (weight, kind, when_dead) = constraint.codes();
    let to = match (constraint.level(), second) {
        (Some(level), _) => level,
        (None, Some(second)) => bit(second)?,
        (None, None) => 0,
    };
    Ok(ConstraintRecord { from: bit(first)?, to, kind, when_dead, weight, reserved: [0; 2] })
}

fn accept(
    cluster: &Cluster,
    programs: &Programs,
    order: NamedOrder,
    [shard, of]: [Named; 2],
    version: Option<u32>,
    accept: bool,
) -> Outcome<Output> {
    let (address, record) = load(cluster, programs, order)?;
    let signer = cluster.signer()?;
    let (shard, _) = shard::owned(cluster, programs, shard, &signer.pubkey())?;
    let of = of.address(|number| client::shard_address(&programs.scheduler, number));
    let submitter = (0u8..).zip(shards(&record)).find(|(_, invited)| invited.shard == of.to_bytes());
    let (submitter, invited) = submitter
        .ok_or_else(|| Failure::new(format!("the shard {of} takes no part in the order")).cure("check --of"))?;
    let data =
        accept_constraints::Data { version: version.unwrap_or(invited.version), submitter, accept: accept.into() };
    let accounts = accept_constraints::Accounts { order: address, shard, owner: signer.pubkey() };
    cluster.send(&[scheduler::accept_constraints(programs.scheduler, accounts, &[], &data, &[])], &signer)?;
    show(cluster, programs, &address)
}

/// One instruction by the owner of the shard that opened the order.
fn opener(
    cluster: &Cluster,
    programs: &Programs,
    order: NamedOrder,
    call: impl Fn(Pubkey, &Order, Pubkey, Pubkey) -> solana_instruction::Instruction,
) -> Outcome<Output> {
    let (address, record) = load(cluster, programs, order)?;
    let signer = cluster.signer()?;
    let shard = shard::owned_parent(cluster, programs, &record.shard, &signer.pubkey())?;
    cluster.send(&[call(address, &record, shard, signer.pubkey())], &signer)?;
    show(cluster, programs, &address)
}

fn close(cluster: &Cluster, programs: &Programs, order: NamedOrder) -> Outcome<Output> {
    let (address, record) = load(cluster, programs, order)?;
    let signer = cluster.signer()?;
    let shard = shard::owned_parent(cluster, programs, &record.shard, &signer.pubkey())?;
    let owner = signer.pubkey();
    let accounts = close_order::Accounts { order: address, shard, owner, recipient: owner };
    let call = scheduler::close_order(programs.scheduler, accounts, &[], &close_order::Data {}, &[]);
    let signature = cluster.send(&[call], &signer)?;
    Ok(Output::Record(vec![("closed", address.to_string().into()), ("signature", signature.into())]))
}

fn list(cluster: &Cluster, programs: &Programs) -> Outcome<Output> {
    let mut rows = Vec::new();
    for (shard_address, shard) in shard::active(cluster, programs)? {
        let address = |number| client::order_address(&programs.scheduler, &shard_address, number);
        let addresses: Vec<_> = (0..shard.orders_created).map(address).collect();
        for (address, account) in addresses.iter().zip(cluster.accounts(&addresses)?) {
            if let Some(order) = account.and_then(|account| fixed_part::<Order>(&account.data)) {
                rows.push(vec![
                    ("order", format!("{}/{}", shard.number, order.number).into()),
                    ("address", address.to_string().into()),
                    ("shards", order.shards_count.into()),
                    ("members", order.members_count.into()),
                    ("constraints", order.constraints_count.into()),
                    ("epoch", order.epoch.into()),
                    ("composed", (order.composed_version == order.constraints_version).into()),
                ]);
            }
        }
    }
    Ok(Output::Table("no orders", rows))
}

fn show(cluster: &Cluster, programs: &Programs, address: &Pubkey) -> Outcome<Output> {
    let (order, _) = cluster.record("the order", &programs.scheduler, address)?;
    Ok(Output::Record(row(address, &order)))
}

fn row(address: &Pubkey, order: &Order) -> Row {
    let mut row = vec![("address", address.to_string().into())];
    row.extend(fields(&Order::LAYOUT, bytemuck::bytes_of(order)).into_iter().map(|(name, value)| match name {
        "mode" if order.mode == composition_mode::WEIGHTED => (name, "weighted".into()),
        "mode" => (name, "strict".into()),
        _ => (name, value),
    }));
    let all = shards(order).map(|shard| {
        json!({
            "shard": key(&shard.shard), "weight": shard.weight, "version": shard.version, "queues": shard.queues,
            "members": format!("{} of {}", shard.members, shard.max_members),
            "constraints": format!("{} of {}", shard.constraints, shard.max_constraints),
        })
    });
    row.push(("shards", all.collect()));
    let current = &order.epochs[order.epoch as usize % 2];
    let older = &order.epochs[(order.epoch as usize + 1) % 2];
    let all = members(order).enumerate().map(|(bit, member)| {
        let count = |epoch: &Epoch| json!({ "pending": epoch.pending[bit], "dead": epoch.dead[bit] });
        json!({
            "bit": bit, "capability": key(&member.capability), "shard": member.shard,
            "level": (member.level != NO_LEVEL).then_some(member.level),
            "leased": order.leased[bit], "current_epoch": count(current), "older_epoch": count(older),
            "waits_for": bits(current.masks.predecessors[bit]),
        })
    });
    row.push(("members", all.collect()));
    row.push(("constraints", constraints(order).copied().map(constraint).collect()));
    row
}

fn shards(order: &Order) -> impl Iterator<Item = &OrderShard> {
    order.shards.iter().take(order.shards_count.into())
}

fn members(order: &Order) -> impl Iterator<Item = &scheduler::OrderMember> {
    order.members.iter().take(order.members_count.into())
}

fn constraints(order: &Order) -> impl Iterator<Item = &scheduler::Constraint> {
    order.constraints.iter().take(order.constraints_count.into())
}

fn bits(mask: u64) -> Vec<u32> {
    (0..u64::BITS).filter(|bit| mask >> bit & 1 == 1).collect()
}

fn constraint(constraint: scheduler::Constraint) -> Value {
    let has = |status| constraint.status & status != 0;
    json!({
        "kind": kind_name(constraint.kind), "from": constraint.from, "to": constraint.to, "weight": constraint.weight,
        "when_dead": dead_name(constraint.when_dead), "shard": constraint.shard,
        "accepted_by_from": has(constraint_status::FROM_ACCEPTED),
        "accepted_by_to": has(constraint_status::TO_ACCEPTED), "dropped": has(constraint_status::DROPPED),
    })
}

const fn kind_name(kind: u8) -> &'static str {
    match kind {
        constraint_kind::BEFORE => "before",
        constraint_kind::SEQUENTIAL => "sequential",
        constraint_kind::CONCURRENT => "concurrent",
        constraint_kind::PRIORITY => "priority",
        _ => "unknown",
    }
}

const fn dead_name(rule: u8) -> &'static str {
    match rule {
        when_dead::BLOCK => "block",
        when_dead::SKIP => "skip",
        when_dead::CASCADE => "cascade",
        _ => "unknown",
    }
}

/// A node for each member, an arrow from what comes first to what waits; what was dropped is dotted.
fn graph(order: &Order) -> String {
    let mut text = String::from("digraph order {\n");
    let mut line = |line: std::fmt::Arguments| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {line}");
    };
    for (bit, member) in members(order).enumerate() {
        let capability = Pubkey::new_from_array(member.capability);
        line(format_args!("{bit} [label=\"{bit}: {capability}\\nshard {}\"];", member.shard));
    }
    for constraint in constraints(order).filter(|constraint| constraint.kind != constraint_kind::PRIORITY) {
        let (from, to, kind) = (constraint.from, constraint.to, kind_name(constraint.kind));
        let direction = if constraint.kind == constraint_kind::CONCURRENT { "none" } else { "forward" };
        let dead = dead_name(constraint.when_dead);
        let style = if constraint.status & constraint_status::DROPPED == 0 { "solid" } else { "dotted" };
        line(format_args!("{from} -> {to} [label=\"{kind}, {dead}\", dir={direction}, style={style}];"));
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytemuck::Zeroable;

    #[test]
    fn a_graph_has_a_node_for_each_member_and_an_arrow_for_each_edge() {
        let mut order = Order::zeroed();
        (order.members_count, order.constraints_count) = (2, 3);
        let edge = scheduler::Constraint { to: 1, kind: constraint_kind::BEFORE, ..Zeroable::zeroed() };
        let dropped = constraint_status::DROPPED;
        order.constraints[0] = edge;
        order.constraints[1] = scheduler::Constraint { kind: constraint_kind::CONCURRENT, status: dropped, ..edge };
        order.constraints[2] = scheduler::Constraint { kind: constraint_kind::PRIORITY, ..edge };
        let text = graph(&order);
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[3], "0 -> 1 [label=\"before, block\", dir=forward, style=solid];");
        assert_eq!(lines[4], "0 -> 1 [label=\"concurrent, block\", dir=none, style=dotted];");
    }
}
