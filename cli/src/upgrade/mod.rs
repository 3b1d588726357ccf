//! An upgrade as a procedure that can stop anywhere and go on: what is done is seen on the cluster, and each step does
//! only what is missing.
//!
//! ```text
//! preflight   pause   buffer   upgrade   migrate   resume   watch   (finalize)
//!             <------ abort: migrate down, former binary, resume ------->
//! ```

mod calls;
mod program_data;
mod state;

use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::set::{Programs, Singleton};
use crate::upload::Uploader;
use calls::{Progress, Target, send, to_sign, would};
use program_data::{Buffer, PROGRAM_DATA_HEADER_BYTES, ProgramData};
use shared_layouts::lifecycle::{Fault, direction, migration, pause_state};
use solana_loader_v3_interface::instruction as loader;
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;
use solana_signer::Signer;
use state::{Folder, State};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Exit status while somebody else has to sign.
const WAITING: u8 = 4;
/// The least that the loader adds to a program's space.
const LEAST_EXTENSION_BYTES: usize = 10_240;
/// Longest wait for the slot in which a new program runs.
const NEXT_SLOT: Duration = Duration::from_mins(1);
/// What an ELF file begins with.
const ELF: [u8; 4] = *b"\x7fELF";

/// The steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Looks at authority, size, layout and the payer's lamports, and keeps the former binary.
    Preflight,
    /// Pauses the program.
    Pause,
    /// Uploads the new binary into a buffer and compares it.
    Buffer,
    /// Puts the buffer in the place of the program and compares it.
    Upgrade,
    /// Migrates the config, then whatever else has another layout.
    Migrate,
    /// Resumes the program, if it ran before.
    Resume,
}

/// The upgrade of one program.
pub struct Upgrade<'a> {
    cluster: &'a Cluster,
    programs: Programs,
    target: Target,
    folder: Folder,
    solana: Option<&'a Path>,
    quiet: bool,
}

/// Goes on with the next step, or leaves the procedure with what has to be signed.
macro_rules! go_on {
    ($progress:expr) => {
        if let Progress::Waits(what, signer, instruction) = $progress? {
            return Ok(Some(Output::WithStatus(Box::new(to_sign(what, &signer, &instruction)), WAITING)));
        }
    };
}

impl<'a> Upgrade<'a> {
    /// Of a program of the set.
    pub fn new(cluster: &'a Cluster, program: Singleton, solana: Option<&'a Path>, quiet: bool) -> Outcome<Self> {
        let programs = cluster.programs()?;
        let target = Target::new(program, programs.address(program));
        let folder = Folder::new(&cluster.settings.set, program);
        Ok(Self { cluster, programs, target, folder, solana, quiet })
    }

    fn say(&self, text: &str) {
        if !self.quiet {
            eprintln!("{}: {text}", self.target.program.name());
        }
    }

    fn state(&self) -> Outcome<State> {
        self.folder.state(&self.programs)?.ok_or_else(|| {
            Failure::new(format!("no upgrade of the {} is under way", self.target.program.name()))
                .cure("begin one with --to FILE")
        })
    }

    /// Begins or goes on, up to a step. Returns what has to be signed, if anything has to.
    pub fn go(&self, to: Option<&Path>, until: Step) -> Outcome<Option<Output>> {
        let mut state = self.preflight(to)?;
        if state.is_aborted {
            let name = self.target.program.name();
            return Err(Failure::new(format!("the upgrade of the {name} is being taken back"))
                .cure("let that end with --abort, then begin again"));
        }
        let elf = self.folder.read("new.so")?;
        for step in [Step::Pause, Step::Buffer, Step::Upgrade, Step::Migrate, Step::Resume] {
            if step > until {
                return Ok(None);
            }
            if step <= state.done {
                continue;
            }
            go_on!(match step {
                Step::Preflight | Step::Pause => self.pause(),
                Step::Buffer => self.buffer(&elf, "new").map(|()| Progress::Done),
                Step::Upgrade => self.replace(&elf, "new"),
                Step::Migrate => self.migrate(direction::UP),
                Step::Resume => self.resume(&state),
            });
            state.done = step;
            self.folder.keep(&state)?;
        }
        Ok(None)
    }

    /// Takes back what was done: other accounts, the config, the binary, the pause.
    pub fn abort(&self) -> Outcome<Option<Output>> {
        let mut state = self.state()?;
        state.is_aborted = true;
        self.folder.keep(&state)?;
        if !state.is_back {
            go_on!(self.pause());
            go_on!(self.bring_back(&state));
            state.is_back = true;
            self.folder.keep(&state)?;
        }
        go_on!(self.resume(&state));
        self.close_buffers()?;
        self.folder.remove()?;
        self.say("the former binary and layout are back");
        Ok(None)
    }

    /// The former layout, then the former binary.
    fn bring_back(&self, state: &State) -> Outcome<Progress> {
        let (new, former) = (self.folder.read("new.so")?, self.folder.read("former.so")?);
        let deployed = ProgramData::read(self.cluster, &self.target.address)?;
        let mut progress = Progress::Done;
        if deployed.is(&new) {
            progress = self.migrate(direction::DOWN)?;
        }
        if !deployed.is(&former) && matches!(progress, Progress::Done) {
            self.buffer(&former, "former")?;
            progress = self.replace(&former, "former")?;
        }
        if matches!(progress, Progress::Waits(..)) {
            return Ok(progress);
        }
        let version = self.target.lifecycle(self.cluster)?.header.version;
        if version == state.former_version {
            return Ok(Progress::Done);
        }
        Err(Failure::new(format!("the config has version {version}, and had {}", state.former_version)))
    }

    /// Makes the new layout final and forgets the upgrade.
    pub fn finalize(&self) -> Outcome<Option<Output>> {
        self.state()?;
        let lifecycle = self.target.lifecycle(self.cluster)?;
        let elf = self.folder.read("new.so")?;
        if !ProgramData::read(self.cluster, &self.target.address)?.is(&elf) {
            return Err(Failure::new("the new binary is not deployed yet").cure("let the upgrade go on first"));
        }
        if lifecycle.migration == migration::OPEN {
            let authority = Pubkey::new_from_array(lifecycle.authority);
            go_on!(send(self.cluster, "finalize", authority, self.target.finalize(authority)));
        }
        self.folder.remove()?;
        self.say("finalized");
        Ok(None)
    }

    /// Where the upgrade stands.
    pub fn show(&self) -> Outcome<Output> {
        let state = self.folder.state(&self.programs)?;
        let lifecycle = self.target.lifecycle(self.cluster)?;
        let deployed = ProgramData::read(self.cluster, &self.target.address)?;
        let binary = match &state {
            Some(_) if deployed.is(&self.folder.read("new.so")?) => "new",
            Some(_) if deployed.is(&self.folder.read("former.so")?) => "former",
            Some(_) => "another",
            None => "present",
        };
        let under_way = match &state {
            Some(state) if state.is_aborted => "taken back",
            Some(_) => "under way",
            None => "none",
        };
        Ok(Output::Record(vec![
            ("program", self.target.program.name().into()),
            ("upgrade", under_way.into()),
            ("binary", binary.into()),
            ("deployed_in_slot", deployed.slot.into()),
            ("upgrade_authority", deployed.authority.map(|key| key.to_string()).into()),
            ("config_version", lifecycle.header.version.into()),
            ("migration_open", (lifecycle.migration == migration::OPEN).into()),
            ("paused", (lifecycle.header.state != pause_state::RUNNING).into()),
        ]))
    }

    /// The state of the upgrade under way, or that of a new one after everything was looked at.
    fn preflight(&self, to: Option<&Path>) -> Outcome<State> {
        let name = self.target.program.name();
        let given = to.map(|path| {
            fs::read(path).map_err(|error| {
                Failure::new(format!("the new binary {} cannot be read ({error})", path.display()))
                    .cure("build it, and name the file by --to")
            })
        });
        let given = given.transpose()?;
        if let Some(state) = self.folder.state(&self.programs)? {
            if given.is_some_and(|given| self.folder.read("new.so").is_ok_and(|kept| kept != given)) {
                return Err(Failure::new(format!("an upgrade of the {name} to another binary is under way"))
                    .cure("let it go on without --to, or take it back with --abort"));
            }
            return Ok(state);
        }
        let elf = given.ok_or_else(|| {
            Failure::new(format!("no upgrade of the {name} is under way")).cure("begin one with --to FILE")
        })?;
        let lifecycle = self.target.lifecycle(self.cluster)?;
        let deployed = ProgramData::read(self.cluster, &self.target.address)?;
        self.check(&elf, &deployed, lifecycle.migration == migration::OPEN)?;
        self.cluster.ask_about_mainnet()?;
        let state = State {
            genesis: self.programs.genesis.clone(),
            program: self.target.address.to_string(),
            was_paused: lifecycle.header.state == pause_state::BY_AUTHORITY,
            former_version: lifecycle.header.version,
            done: Step::Preflight,
            is_aborted: false,
            is_back: false,
        };
        self.folder.write("former.so", &deployed.bytes)?;
        self.folder.write("new.so", &elf)?;
        self.folder.keep(&state)?;
        self.say(&format!("preflight passed: {} bytes, {} deployed", elf.len(), deployed.bytes.len()));
        Ok(state)
    }

    fn check(&self, elf: &[u8], deployed: &ProgramData, migration_open: bool) -> Outcome<()> {
        let name = self.target.program.name();
        if !elf.starts_with(&ELF) {
            return Err(Failure::new("the new binary is no ELF file").cure("name the built .so by --to"));
        }
        if deployed.is(elf) {
            return Err(Failure::new(format!("the {name} is deployed with this binary already")));
        }
        if deployed.authority.is_none() {
            return Err(Failure::new(format!("the {name} {} is immutable", self.target.address))
                .cure("deploy another set into another folder by --set"));
        }
        if migration_open {
            return Err(Failure::new(format!("the last migration of the {name} is still open"))
                .cure("finalize it first: `valence upgrade PROGRAM --finalize`, or send `Finalize`"));
        }
        // The buffer's rent comes back with the upgrade; the program's own grows with it.
        let more = (elf.len() + PROGRAM_DATA_HEADER_BYTES).saturating_sub(deployed.bytes.len());
        let needed = self.cluster.rent(elf.len() + PROGRAM_DATA_HEADER_BYTES)? + self.cluster.rent(more)?;
        let payer = self.cluster.signer()?.pubkey();
        let has = self.cluster.account(&payer)?.map_or(0, |account| account.lamports);
        if has < needed {
            return Err(Failure::new(format!("the payer {payer} has not enough lamports: {has} of {needed}"))
                .cure("send it some, or name another --keypair"));
        }
        Ok(())
    }

    fn pause(&self) -> Outcome<Progress> {
        let lifecycle = self.target.lifecycle(self.cluster)?;
        if lifecycle.header.state == pause_state::BY_AUTHORITY {
            return Ok(Progress::Done);
        }
        let authority = Pubkey::new_from_array(lifecycle.authority);
        let done = send(self.cluster, "pause", authority, self.target.pause(authority))?;
        if matches!(done, Progress::Done) {
            self.say("paused");
        }
        Ok(done)
    }

    fn resume(&self, state: &State) -> Outcome<Progress> {
        let lifecycle = self.target.lifecycle(self.cluster)?;
        if state.was_paused || lifecycle.header.state == pause_state::RUNNING {
            return Ok(Progress::Done);
        }
        let authority = Pubkey::new_from_array(lifecycle.authority);
        let done = send(self.cluster, "resume", authority, self.target.resume(authority))?;
        if matches!(done, Progress::Done) {
            self.say("resumed");
        }
        Ok(done)
    }

    /// A buffer that holds the binary and belongs to the upgrade authority.
    fn buffer(&self, elf: &[u8], name: &str) -> Outcome<()> {
        let deployed = ProgramData::read(self.cluster, &self.target.address)?;
        if deployed.is(elf) {
            return Ok(());
        }
        let file = format!("{name}-buffer.json");
        let address = self.folder.keypair(&file)?.pubkey();
        let signer = self.cluster.signer()?;
        let holds = |buffer: &Buffer| buffer.bytes == elf;
        let mut buffer = Buffer::read(self.cluster, &address)?;
        if !buffer.as_ref().is_some_and(holds) {
            self.say(&format!("uploading {} bytes into the buffer {address}", elf.len()));
            let elf_path = self.folder.file(&format!("{name}.so"));
            self.uploader()?.write_buffer(&self.folder.file(&file), &elf_path)?;
            buffer = Buffer::read(self.cluster, &address)?;
        }
        let Some(buffer) = buffer.filter(holds) else {
            return Err(Failure::new(format!("the buffer {address} does not hold the binary")).cure("run this again"));
        };
        let authority = deployed.authority.unwrap_or_default();
        if buffer.authority != Some(authority) {
            let call = loader::set_buffer_authority(&address, &signer.pubkey(), &authority);
            self.cluster.send(&[call], &signer).map_err(|failure| failure.while_doing("the buffer's authority"))?;
        }
        self.say(&format!("the buffer {address} holds the {name} binary"));
        Ok(())
    }

    /// Puts the buffer in the place of the program.
    fn replace(&self, elf: &[u8], name: &str) -> Outcome<Progress> {
        let deployed = ProgramData::read(self.cluster, &self.target.address)?;
        if !deployed.is(elf) {
            if elf.len() > deployed.bytes.len() {
                let more = (elf.len() - deployed.bytes.len()).max(LEAST_EXTENSION_BYTES);
                self.say(&format!("extending the program by {more} bytes"));
                self.uploader()?.extend(&self.target.address, more)?;
                self.next_slot(ProgramData::read(self.cluster, &self.target.address)?.slot)?;
            }
            let buffer = self.folder.keypair(&format!("{name}-buffer.json"))?.pubkey();
            let authority = deployed.authority.unwrap_or_default();
            let payer = self.cluster.signer()?.pubkey();
            let call = loader::upgrade(&self.target.address, &buffer, &authority, &payer, true);
            let done = send(self.cluster, "upgrade", authority, call)?;
            if matches!(done, Progress::Waits(..)) {
                return Ok(done);
            }
        }
        let deployed = ProgramData::read(self.cluster, &self.target.address)?;
        if !deployed.is(elf) {
            return Err(Failure::new(format!("the deployed bytes are not those of the {name} binary"))
                .cure("run the command again"));
        }
        self.next_slot(deployed.slot)?;
        self.say(&format!("the {name} binary is deployed"));
        Ok(Progress::Done)
    }

    /// A program runs from the slot after its deployment on.
    fn next_slot(&self, slot: u64) -> Outcome<()> {
        let until = Instant::now() + NEXT_SLOT;
        while self.slot()? <= slot {
            if Instant::now() > until {
                return Err(Failure::new(format!("the cluster does not go on from slot {slot}")));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// The present slot, which the Clock begins with.
    fn slot(&self) -> Outcome<u64> {
        let clock = self.cluster.account(&sysvar::clock::ID)?;
        let bytes = clock.and_then(|clock| clock.data.get(..8)?.try_into().ok());
        bytes.map(u64::from_le_bytes).ok_or_else(|| Failure::new("the cluster has no clock"))
    }

    /// The config first on the way up and last on the way down. What needs no migration is left alone.
    fn migrate(&self, way: u8) -> Outcome<Progress> {
        let lifecycle = self.target.lifecycle(self.cluster)?;
        let authority = Pubkey::new_from_array(lifecycle.authority);
        if way == direction::UP && lifecycle.migration == migration::FINAL {
            let done = self.migrate_one(authority, way, None)?;
            if matches!(done, Progress::Waits(..)) {
                return Ok(done);
            }
        }
        // All accounts of one kind and version need it, or none.
        let (_, accounts) = self.cluster.program_accounts(&self.target.address)?;
        let mut kinds: BTreeMap<(u8, u8), Vec<Pubkey>> = BTreeMap::new();
        for (address, account) in accounts.iter().filter(|(address, _)| **address != self.target.config) {
            if let [kind, version, ..] = account.data[..] {
                kinds.entry((kind, version)).or_default().push(*address);
            }
        }
        for address in kinds.into_values().flat_map(|kind| self.needing(kind, authority, way)) {
            let done = self.migrate_one(authority, way, Some(address?))?;
            if matches!(done, Progress::Waits(..)) {
                return Ok(done);
            }
        }
        if way == direction::DOWN && self.target.lifecycle(self.cluster)?.migration == migration::OPEN {
            return self.migrate_one(authority, way, None);
        }
        Ok(Progress::Done)
    }

    /// The accounts of a kind, if the first of them is to be migrated.
    fn needing(&self, kind: Vec<Pubkey>, authority: Pubkey, way: u8) -> Vec<Outcome<Pubkey>> {
        let Some(first) = kind.first() else { return Vec::new() };
        let call = self.target.migrate(authority, way, Some(*first));
        let is_current = [Fault::AlreadyCurrent, Fault::NoOpenMigration].map(|fault| self.target.code(fault));
        match would(self.cluster, &call, &authority) {
            Ok(Err(code)) if is_current.contains(&code) => Vec::new(),
            Ok(_) => kind.into_iter().map(Ok).collect(),
            Err(failure) => vec![Err(failure)],
        }
    }

    fn migrate_one(&self, authority: Pubkey, way: u8, other: Option<Pubkey>) -> Outcome<Progress> {
        let call = self.target.migrate(authority, way, other);
        let what = if way == direction::UP { "migrate" } else { "migrate down" };
        if would(self.cluster, &call, &authority)? == Err(self.target.code(Fault::AlreadyCurrent)) {
            return Ok(Progress::Done);
        }
        let done = send(self.cluster, what, authority, call)?;
        if matches!(done, Progress::Done) {
            self.say(&format!("{what}: {}", other.unwrap_or(self.target.config)));
        }
        Ok(done)
    }

    /// A buffer that was not used gives its rent back.
    fn close_buffers(&self) -> Outcome<()> {
        for name in ["new-buffer.json", "former-buffer.json"] {
            if !self.folder.file(name).exists() {
                continue;
            }
            let (address, signer) = (self.folder.keypair(name)?.pubkey(), self.cluster.signer()?.pubkey());
            if let Some(buffer) = Buffer::read(self.cluster, &address)? {
                if buffer.authority == Some(signer) {
                    self.uploader()?.close_buffer(&address)?;
                } else {
                    self.say(&format!("the buffer {address} is left: its authority can close it for its rent"));
                }
            }
        }
        Ok(())
    }

    fn uploader(&self) -> Outcome<Uploader> {
        Uploader::find(self.solana, &self.cluster.settings.url, &self.cluster.settings.keypair)
    }
}
