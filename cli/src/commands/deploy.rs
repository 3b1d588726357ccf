//! `valence deploy`: uploads what is not deployed as built, compares, and initializes.

use super::init;
use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};
use crate::output::{Output, Row};
use crate::set::{Programs, Singleton};
use crate::settings;
use crate::upload::{Upload, Uploader};
use shared_layouts::client;
use shared_layouts::lifecycle::UPGRADEABLE_LOADER;
use solana_account::Account;
use solana_keypair::{Keypair, write_keypair_file};
use solana_pubkey::Pubkey;
use solana_signer::Signer;
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of a program data account before the program: tag, slot, and an optional authority.
const PROGRAM_DATA_HEADER_BYTES: usize = 45;

/// Arguments of `deploy`.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// Folder of the built programs
    #[arg(long, value_name = "DIR", default_value = "target/deploy")]
    artifacts: PathBuf,
    /// The Agave CLI [default: solana on PATH]
    #[arg(long, value_name = "FILE", env = "VALENCE_SOLANA")]
    solana: Option<PathBuf>,
    #[command(flatten)]
    init: init::Arguments,
}

/// A program as it is built and as it is on the cluster.
struct Job {
    program: Singleton,
    elf_path: PathBuf,
    elf: Vec<u8>,
    address: Pubkey,
    keypair_path: PathBuf,
}

/// Runs the command. It can be run again after any interruption: an upload goes on in its buffer, a program that is
/// deployed as built is left alone, and so is a config that exists.
pub fn run(cluster: &Cluster, arguments: &Arguments, quiet: bool) -> Outcome<Output> {
    let jobs = Singleton::ALL.map(|program| Job::new(cluster, arguments, program));
    let jobs = jobs.into_iter().collect::<Outcome<Vec<_>>>()?;
    let signer = cluster.signer()?;
    let [processor, scheduler, diff] = [0, 1, 2].map(|place: usize| jobs[place].address);
    let programs = Programs { genesis: cluster.genesis()?.to_owned(), processor, scheduler, diff };
    refuse_another_ledger(cluster, &programs)?;
    cluster.ask_about_mainnet()?;
    programs.write(&cluster.settings.set)?;
    let say = |text: String| {
        if !quiet {
            eprintln!("{text}");
        }
    };
    let mut rows = Vec::new();
    for job in &jobs {
        let done = job.bring_up_to_date(cluster, arguments, &signer.pubkey(), &say)?;
        say(format!("{}: {done}, {} bytes, as built", job.program.name(), job.elf.len()));
        rows.push(vec![
            ("program", job.program.name().into()),
            ("address", job.address.to_string().into()),
            ("bytes", job.elf.len().into()),
            ("upload", done.into()),
        ]);
    }
    for (row, done) in rows.iter_mut().zip(init::initialize(cluster, &programs, &arguments.init)?) {
        row.push(("config", done.into()));
    }
    Ok(Output::Table("nothing to deploy", rows as Vec<Row>))
}

/// A set's folder keeps keypairs of programs that may hold value: it is not turned over to another ledger, unless that
/// is a local one, which is thrown away and started anew.
fn refuse_another_ledger(cluster: &Cluster, programs: &Programs) -> Outcome<()> {
    let folder = &cluster.settings.set;
    let local = ["://localhost", "://127.0.0.1"].iter().any(|host| cluster.settings.url.contains(host));
    match Programs::read(folder)? {
        Some(known) if known.genesis != programs.genesis && !local => Err(Failure::new(format!(
            "wrong cluster: the set in {} belongs to the ledger {}, and {} is {}",
            folder.display(),
            known.genesis,
            cluster.settings.url,
            programs.genesis
        ))
        .cure("check --url, or name another folder by --set")),
        _ => Ok(()),
    }
}

impl Job {
    fn new(cluster: &Cluster, arguments: &Arguments, program: Singleton) -> Outcome<Self> {
        let elf_path = arguments.artifacts.join(program.file()).with_extension("so");
        let elf = fs::read(&elf_path).map_err(|error| {
            Failure::new(format!("the built program {} cannot be read ({error})", elf_path.display()))
                .cure("run `./justw build`, or name its folder by --artifacts")
        })?;
        let keypair_path = cluster.settings.set.join(program.file()).with_extension("json");
        let keypair = keypair_or_new(&keypair_path)?;
        Ok(Self { program, elf_path, elf, address: keypair.pubkey(), keypair_path })
    }

    fn bring_up_to_date(
        &self,
        cluster: &Cluster,
        arguments: &Arguments,
        signer: &Pubkey,
        say: &impl Fn(String),
    ) -> Outcome<&'static str> {
        let name = self.program.name();
        let deployed = self.deployed(cluster)?;
        let done = match &deployed {
            Some(data) if self.is_as_built(data) => return Ok("unchanged"),
            Some(data) => {
                self.check_authority(data, signer)?;
                "upgraded"
            }
            None => "deployed",
        };
        let uploader = Uploader::find(arguments.solana.as_deref(), &cluster.settings.url, &cluster.settings.keypair)?;
        say(format!("{name}: uploading {} bytes", self.elf.len()));
        let buffer = cluster.settings.set.join(format!("{}-buffer.json", self.program.file()));
        keypair_or_new(&buffer)?;
        let address = self.address.to_string();
        let program = if deployed.is_some() { address.as_ref() } else { self.keypair_path.as_os_str() };
        let upload = Upload { elf: &self.elf_path, program, buffer: &buffer };
        uploader.deploy(&upload).map_err(|failure| failure.while_doing(name))?;
        fs::remove_file(&buffer).map_err(|error| Failure::new(format!("{}: {error}", buffer.display())))?;
        match self.deployed(cluster)? {
            Some(data) if self.is_as_built(&data) => Ok(done),
            _ => Err(Failure::new(format!(
                "the deployed bytes of the {name} {} are not those of {}",
                self.address,
                self.elf_path.display()
            ))
            .cure("run the command again")),
        }
    }

    /// Its program data account, if it is deployed.
    fn deployed(&self, cluster: &Cluster) -> Outcome<Option<Account>> {
        let data = client::program_data_address(&self.address);
        let mut found = cluster.accounts(&[self.address, data])?;
        let (data, program) = (found.pop().flatten(), found.pop().flatten());
        match program {
            Some(program) if program.owner.to_bytes() != UPGRADEABLE_LOADER => Err(Failure::new(format!(
                "the {} {} is not a program of the upgradeable loader: its owner is {}",
                self.program.name(),
                self.address,
                program.owner
            ))),
            Some(_) if data.is_none() => {
                Err(Failure::new(format!("the {} {} was closed", self.program.name(), self.address))
                    .cure(format!("a closed address is gone for good: remove {}", self.keypair_path.display())))
            }
            Some(_) => Ok(data),
            None => Ok(None),
        }
    }

    /// Whether the account holds the built program, with zeroes behind it.
    fn is_as_built(&self, data: &Account) -> bool {
        let held = data.data.get(PROGRAM_DATA_HEADER_BYTES..).unwrap_or_default();
        held.starts_with(&self.elf) && held[self.elf.len()..].iter().all(|byte| *byte == 0)
    }

    fn check_authority(&self, data: &Account, signer: &Pubkey) -> Outcome<()> {
        let name = self.program.name();
        match data.data.get(12..PROGRAM_DATA_HEADER_BYTES) {
            Some([1, authority @ ..]) if authority == signer.as_array() => Ok(()),
            Some([1, authority @ ..]) => {
                let authority = Pubkey::try_from(authority).unwrap_or_default();
                Err(Failure::new(format!(
                    "the keypair {signer} is not the upgrade authority of the {name}: that is {authority}"
                ))
                .cure("name its file by --keypair"))
            }
            _ => Err(Failure::new(format!("the {name} {} is immutable and differs from what is built", self.address))
                .cure("deploy another set into another folder by --set")),
        }
    }
}

/// Reads a keypair of the set's folder, or makes it: these stay with the user, outside the repository.
fn keypair_or_new(path: &Path) -> Outcome<Keypair> {
    if path.exists() {
        return settings::keypair(path);
    }
    let keypair = Keypair::new();
    let fault = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", path.display()));
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(|error| fault(&error))?;
    write_keypair_file(&keypair, path).map_err(|error| fault(&error))?;
    Ok(keypair)
}
