//! `valence enqueue`: queues an operation.

use super::{capability, queue};
use crate::address::{Handle, Named, NamedQueue};
use crate::cluster::Cluster;
use crate::definition::Hex;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::slab;
use shared_layouts::processor::Capability;
use shared_layouts::scheduler::{self, DEFAULT_LEVEL, Producer, enqueue};
use solana_keypair::Keypair;
use solana_sdk_ids::sysvar::clock;
use solana_signer::Signer;

/// Arguments of `enqueue`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// SHARD/NUMBER or address
    queue: NamedQueue,
    /// Capability to run: number or address
    #[arg(long)]
    capability: Named,
    /// Arguments of the target call, in hexadecimal; they follow the capability's prefix
    #[arg(long = "arguments", value_name = "HEX", default_value = "")]
    data: Hex,
    /// Sequence number: used once for ever by this producer in this queue [default: the next]
    #[arg(long)]
    sequence: Option<u64>,
    /// Priority level, 0 to 15 [default: the queue's]
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=15))]
    level: Option<u8>,
    /// Deadline in so many seconds [default: the latest that the queue allows]
    #[arg(long, value_name = "SECONDS")]
    deadline: Option<u32>,
}

/// Runs the command.
pub fn run(cluster: &Cluster, arguments: &Arguments) -> Outcome<Output> {
    let programs = cluster.programs()?;
    let signer = cluster.signer()?;
    let (address, before, _) = queue::load(cluster, &programs, arguments.queue)?;
    let (place, producer) = producer(&before, &signer)?;
    let (capability_address, capability, _) = capability::load(cluster, &programs, arguments.capability)?;
    check_length(&capability, arguments.data.0.len())?;
    let sequence = arguments.sequence.unwrap_or(producer.last_sequence.max(before.sequence_floor) + 1);
    let deadline_at = match arguments.deadline {
        Some(seconds) => cluster.now()? + i64::from(seconds),
        None => 0,
    };
    let instruction = scheduler::enqueue(
        programs.scheduler,
        enqueue::Accounts {
            queue: address,
            producer: signer.pubkey(),
            capability: capability_address,
            clock: clock::ID,
        },
        &[],
        &enqueue::Data {
            sequence,
            deadline_at,
            producer_index: place,
            level: arguments.level.unwrap_or(DEFAULT_LEVEL),
            ..Default::default()
        },
        &arguments.data.0,
    );
    let signature = cluster.send(&[instruction], &signer)?;
    let (_, _, data) = queue::load(cluster, &programs, arguments.queue)?;
    let queued = slab::entries(&data);
    let entry = queued.iter().find(|(_, entry)| entry.producer == place && entry.sequence == sequence);
    // A worker may have been quicker than this reading.
    let handle = entry.map(|(handle, _): &(Handle, _)| handle.to_string());
    Ok(Output::Record(vec![
        ("handle", handle.into()),
        ("sequence", sequence.into()),
        ("capability", capability_address.to_string().into()),
        ("signature", signature.into()),
    ]))
}

fn producer(queue: &scheduler::Queue, signer: &Keypair) -> Outcome<(u8, Producer)> {
    let key = signer.pubkey();
    let listed =
        (0..).zip(queue.producers).find(|(_, producer)| producer.active == 1 && producer.key == key.to_bytes());
    listed.ok_or_else(|| {
        Failure::new(format!("the keypair {key} is not a producer of the queue"))
            .cure("name a producer's file by --keypair; `valence queue show QUEUE` lists them")
    })
}

fn check_length(capability: &Capability, bytes: usize) -> Outcome<()> {
    let (least, most) = (capability.arguments_bytes_min, capability.arguments_bytes_max);
    if (usize::from(least)..=usize::from(most)).contains(&bytes) {
        return Ok(());
    }
    let fault = format!("{bytes} bytes of arguments where the capability takes {least} to {most}");
    Err(Failure::new(fault).cure("give --arguments in hexadecimal, two digits for each byte"))
}
