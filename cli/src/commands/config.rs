//! `valence config`: the programs' configs.

use super::Programs as Which;
use crate::address::must_be;
use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};
use crate::output::{Output, Row, fields};
use crate::set::{Programs, Singleton};
use shared_layouts::client;
use shared_layouts::declare::{FieldSpec, InstructionSpec, LayoutSpec};
use shared_layouts::diff::{self, DiffConfig, optimization_level};
use shared_layouts::lifecycle::{Lifecycle, migration, pause_state};
use shared_layouts::processor::{self, ProcessorConfig};
use shared_layouts::scheduler::{self, SchedulerConfig, registration};
use solana_pubkey::Pubkey;
use solana_signer::Signer;

/// What to do with configs.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Shows every value of a program's config, or of all
    Get {
        /// Which program
        #[arg(value_enum, default_value_t = Which::All)]
        program: Which,
    },
    /// Changes values of a program's config; those that are not named stay as they are
    Set {
        /// Which program
        #[arg(value_enum)]
        program: Singleton,
        /// Changes, for example `max_shards=200`, `guardian=none` or `registration=open`
        #[arg(required = true, value_name = "NAME=VALUE")]
        values: Vec<String>,
    },
}

/// Runs the command.
pub fn run(cluster: &Cluster, command: &Command) -> Outcome<Output> {
    let programs = cluster.programs()?;
    let program = match command {
        Command::Get { program } => program,
        Command::Set { program, values } => return set(cluster, &programs, *program, values),
    };
    let rows = program.list().into_iter().map(|program| row(cluster, &programs, program));
    let mut rows = rows.collect::<Outcome<Vec<_>>>()?;
    if rows.len() == 1 {
        return Ok(Output::Record(rows.swap_remove(0)));
    }
    Ok(Output::Sections(Singleton::ALL.iter().map(|program| program.name()).zip(rows).collect()))
}

fn row(cluster: &Cluster, programs: &Programs, program: Singleton) -> Outcome<Row> {
    let (layout, data): (&'static LayoutSpec, _) = match program {
        Singleton::Processor => (&ProcessorConfig::LAYOUT, cluster.config::<ProcessorConfig>(programs, program)?.1),
        Singleton::Scheduler => (&SchedulerConfig::LAYOUT, cluster.config::<SchedulerConfig>(programs, program)?.1),
        Singleton::Diff => (&DiffConfig::LAYOUT, cluster.config::<DiffConfig>(programs, program)?.1),
    };
    let address = programs.address(program);
    let lifecycle: Lifecycle = bytemuck::pod_read_unaligned(&data[..Lifecycle::BYTES]);
    let mut row: Row = vec![
        ("program", address.to_string().into()),
        ("config", client::config_address(&address).to_string().into()),
        ("pause", pause_text(cluster, &lifecycle)?.into()),
    ];
    row.extend(fields(&Lifecycle::LAYOUT, &data).into_iter().map(|(name, value)| match (name, lifecycle.migration) {
        ("migration", migration::FINAL) => (name, "final".into()),
        ("migration", _) => (name, "open".into()),
        _ => (name, value),
    }));
    row.extend(fields(layout, &data).into_iter().map(|(name, value)| match (name, value.as_u64()) {
        ("registration", Some(open)) if open == u64::from(registration::OPEN) => (name, "open".into()),
        ("registration", Some(_)) => (name, "closed".into()),
        _ => (name, value),
    }));
    Ok(row)
}

fn set(cluster: &Cluster, programs: &Programs, program: Singleton, values: &[String]) -> Outcome<Output> {
    let address = programs.address(program);
    let signer = cluster.signer()?;
    let authority = signer.pubkey();
    // What is wrong with the command is said before anything is asked of the cluster.
    let config = client::config_address(&address);
    macro_rules! call {
        ($program:ident) => {{
            let data = update(&$program::update_config::SPEC, values)?;
            let data: $program::update_config::Data = bytemuck::pod_read_unaligned(&data);
            $program::update_config(address, $program::update_config::Accounts { config, authority }, &[], &data, &[])
        }};
    }
    let instruction = match program {
        Singleton::Processor => call!(processor),
        Singleton::Scheduler => call!(scheduler),
        Singleton::Diff => call!(diff),
    };
    let lifecycle = cluster.lifecycle(programs, program)?;
    must_be(&authority, &lifecycle.authority, &format!("the authority of the {}", program.name()))?;
    cluster.send(&[instruction], &signer)?;
    Ok(Output::Record(row(cluster, programs, program)?))
}

/// Data of `UpdateConfig` for `NAME=VALUE` pairs, by its declaration: the first field is the mask, and bit n of it stands
/// for the field n + 1.
fn update(spec: &InstructionSpec, pairs: &[String]) -> Outcome<Vec<u8>> {
    let mut data = vec![0; spec.data.iter().map(|field| field.bytes).sum()];
    let mut mask = 0u16;
    for pair in pairs {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| Failure::new(format!("`{pair}` is not a change")).cure("write NAME=VALUE"))?;
        let named = spec.data.iter().enumerate().skip(1).find(|(_, field)| field.name == name);
        let (place, field) = named.ok_or_else(|| {
            let names: Vec<_> = spec.data.iter().skip(1).map(|field| field.name).collect();
            Failure::new(format!("this config has no `{name}` that can be set"))
                .cure(format!("it has {}", names.join(", ")))
        })?;
        let bytes = value_of(field, value).map_err(|fault| Failure::new(format!("{name}: {fault}")))?;
        data[field.offset..][..field.bytes].copy_from_slice(&bytes);
        mask |= 1 << (place - 1);
    }
    data[..2].copy_from_slice(&mask.to_le_bytes());
    Ok(data)
}

fn value_of(field: &FieldSpec, value: &str) -> Result<Vec<u8>, String> {
    let word = match (field.name, value) {
        (_, "none") if field.kind == "Key" => return Ok(vec![0; 32]),
        _ if field.kind == "Key" => {
            let key: Result<Pubkey, _> = value.parse();
            return key
                .map(|key| key.to_bytes().to_vec())
                .map_err(|_| format!("`{value}` is neither an address nor `none`"));
        }
        ("registration", "open") => registration::OPEN.into(),
        ("registration", "closed") => registration::CLOSED.into(),
        ("optimization_level", "none") => optimization_level::NONE.into(),
        ("optimization_level", "basic") => optimization_level::BASIC.into(),
        ("optimization_level", "aggressive") => optimization_level::AGGRESSIVE.into(),
        _ => value.parse::<u64>().map_err(|_| format!("`{value}` is not a number"))?,
    };
    let bytes = word.to_le_bytes();
    if bytes[field.bytes..].iter().any(|byte| *byte != 0) {
        return Err(format!("{value} is too large"));
    }
    Ok(bytes[..field.bytes].to_vec())
}

/// Whether and by whom a program is paused.
pub fn pause_text(cluster: &Cluster, lifecycle: &Lifecycle) -> Outcome<String> {
    Ok(match lifecycle.header.state {
        pause_state::RUNNING => "running".to_owned(),
        pause_state::BY_GUARDIAN if cluster.now()? >= lifecycle.pause_ends_at => {
            "running (the guardian's pause ended)".to_owned()
        }
        pause_state::BY_GUARDIAN => format!("paused by the guardian until {}", lifecycle.pause_ends_at),
        _ => "paused by the authority".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared_layouts::scheduler::config_fields;

    fn scheduler_update(pairs: &[&str]) -> Outcome<scheduler::update_config::Data> {
        let pairs: Vec<_> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        Ok(bytemuck::pod_read_unaligned(&update(&scheduler::update_config::SPEC, &pairs)?))
    }

    #[test]
    fn a_change_names_exactly_the_fields_that_it_sets() {
        let data = scheduler_update(&["max_shards=7", "registration=open"]).unwrap();
        assert_eq!({ data.fields }, config_fields::MAX_SHARDS | config_fields::REGISTRATION);
        assert_eq!(({ data.max_shards }, data.registration, { data.max_queue_size }), (7, registration::OPEN, 0));
        let data = scheduler_update(&["guardian=none"]).unwrap();
        assert_eq!(({ data.fields }, data.guardian), (config_fields::GUARDIAN, [0; 32]));
    }

    #[test]
    fn a_wrong_change_is_named() {
        for (pair, expected) in [
            ("max_shards", "`max_shards` is not a change: write NAME=VALUE"),
            ("max_shards=many", "max_shards: `many` is not a number"),
            ("max_shards=65536", "max_shards: 65536 is too large"),
            ("guardian=me", "guardian: `me` is neither an address nor `none`"),
        ] {
            assert_eq!(scheduler_update(&[pair]).unwrap_err().line(), expected);
        }
        assert!(scheduler_update(&["fields=1"]).unwrap_err().line().starts_with("this config has no `fields`"));
    }
}
