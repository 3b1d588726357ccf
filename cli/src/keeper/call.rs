//! The instructions that run an entry: `Dispatch, Execute`, or `Dispatch, Verify, target call`.

use super::plan::View;
use super::provisions::Provisions;
use crate::commands::capability::rules;
use crate::set::Programs;
use crate::slab;
use shared_layouts::client;
use shared_layouts::processor::{
    self, AccountRule, Capability, ProcessorError, account_flags, account_kind, execute, verify,
};
use shared_layouts::scheduler::{self, Entry, EntryHandle, dispatch, entry_flags};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar;

/// Units of a transaction besides the capability's own, before it was simulated: compute budget, dispatch, verification.
const OVERHEAD_UNITS: u32 = 60_000;
/// Most units of a transaction.
const MAX_UNITS: u32 = 1_400_000;

/// How a keeper runs operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// Verify before the target call, which is cheaper, unless the target needs the capability's own signature
    Auto,
    /// Always by the processor's Execute
    Execute,
    /// Always by Verify before the target call; leaves operations that need the capability's signature alone
    Verify,
}

/// Why an entry is not sent at all.
#[derive(Debug)]
pub struct Refused {
    /// Code that is reported.
    pub code: u32,
    /// Another attempt would be refused as well.
    pub permanent: bool,
    /// For people.
    pub reason: String,
}

/// A transaction that runs an entry, without its compute budget.
pub struct Call<'a> {
    /// Dispatch, and what follows it.
    pub instructions: Vec<Instruction>,
    /// Who signs besides the worker.
    pub co_signers: Vec<&'a Keypair>,
    /// What is wanted before anything was measured, compute units.
    pub most_units: u32,
    /// What the processor asks the transaction to have, compute units.
    pub least_units: u32,
}

impl Call<'_> {
    /// The whole transaction: limit, price (micro-lamports per unit), dispatch, and what follows.
    pub fn with_budget(&self, units: u32, price: u64) -> Vec<Instruction> {
        let mut all = vec![
            ComputeBudgetInstruction::set_compute_unit_limit(units),
            ComputeBudgetInstruction::set_compute_unit_price(price),
        ];
        all.extend(self.instructions.iter().cloned());
        all
    }

    /// The limit for a transaction that took so many units when it was simulated: a quarter more, since accounts may have
    /// changed until it runs.
    pub fn units(&self, simulated: u64) -> u32 {
        let wanted = simulated.saturating_add(simulated / 4).saturating_add(1_000);
        u32::try_from(wanted).unwrap_or(u32::MAX).min(self.most_units).max(self.least_units)
    }
}

/// Who runs an entry, and of what.
pub struct Caller<'a> {
    /// The programs.
    pub programs: &'a Programs,
    /// The worker.
    pub worker: Pubkey,
    /// How.
    pub mode: Mode,
    /// What it brings.
    pub provisions: &'a Provisions,
}

/// A capability as its account holds it.
pub struct Target<'a> {
    /// Its address.
    pub address: Pubkey,
    /// Its header.
    pub capability: &'a Capability,
    /// All of its bytes.
    pub data: &'a [u8],
}

impl<'a> Caller<'a> {
    /// The transaction that runs an entry, or why this keeper does not run it.
    pub fn call(&self, view: &View, handle: EntryHandle, entry: &Entry, target: &Target) -> Result<Call<'a>, Refused> {
        let arguments = self.arguments(entry)?;
        let (targets, evidence) = rules(target.capability, target.data);
        let needs_capability =
            targets.iter().any(|rule| rule.kind == account_kind::CAPABILITY && rule.flags & account_flags::SIGNER != 0);
        let executes = match self.mode {
            Mode::Auto => needs_capability,
            Mode::Execute => true,
            Mode::Verify if needs_capability => {
                return Err(refused(
                    ProcessorError::MissingSigner,
                    false,
                    "it needs the capability's signature, which --mode verify leaves out",
                ));
            }
            Mode::Verify => false,
        };
        let mut co_signers = Vec::new();
        let mut metas = Vec::with_capacity(targets.len() + evidence.len());
        for (place, rule) in targets.iter().chain(&evidence).enumerate() {
            metas.push(self.meta(target, place, rule, &arguments, &mut co_signers)?);
        }
        check_choices(&targets, &evidence, &metas)?;
        let mut instructions = vec![self.dispatch(view, handle)];
        if executes {
            instructions.push(self.execute(entry, target, &metas, &arguments));
        } else {
            let read: Vec<_> = metas.iter().map(|meta| AccountMeta::new_readonly(meta.pubkey, false)).collect();
            instructions.push(self.verify(entry, target, &read, &arguments));
            let prefix = target.capability.prefix.get(..usize::from(target.capability.prefix_bytes));
            metas.truncate(targets.len());
            instructions.push(Instruction {
                program_id: Pubkey::new_from_array(target.capability.target_program),
                accounts: metas,
                data: [prefix.unwrap_or_default(), &arguments].concat(),
            });
        }
        let most_units = entry.compute_limit.saturating_add(OVERHEAD_UNITS).min(MAX_UNITS);
        let least_units = if executes { entry.compute_limit.min(MAX_UNITS) } else { 0 };
        Ok(Call { instructions, co_signers, most_units, least_units })
    }

    fn arguments(&self, entry: &Entry) -> Result<Vec<u8>, Refused> {
        if entry.flags & entry_flags::COMMITTED == 0 {
            return Ok(slab::arguments(entry).to_vec());
        }
        let digest = &entry.arguments[..32];
        let found = self.provisions.arguments(digest, entry.arguments_bytes.into());
        found.map_err(|reason| Refused { code: 0, permanent: false, reason })
    }

    /// One account of the target call. A keeper lends its own signature to no operation, and a co-signer's only to the
    /// place where the capability itself names it.
    fn meta(
        &self,
        target: &Target,
        place: usize,
        rule: &AccountRule,
        arguments: &[u8],
        co_signers: &mut Vec<&'a Keypair>,
    ) -> Result<AccountMeta, Refused> {
        let key = self.key(target, place, rule, arguments)?;
        let flag = |flag| rule.flags & flag != 0;
        if key == self.worker {
            return Err(refused(ProcessorError::WorkerIsNamed, true, "the operation names this keeper's key"));
        }
        // The capability signs by the processor's call, not in the transaction.
        let signs = flag(account_flags::SIGNER) && rule.kind != account_kind::CAPABILITY;
        if signs {
            let version = target.capability.capability_version;
            let co_signer = self.provisions.co_signer(&target.address, version, &key).ok_or_else(|| {
                refused(
                    ProcessorError::MissingSigner,
                    false,
                    &format!("it needs the signature of {key}: see --co-signer"),
                )
            })?;
            if !co_signers.iter().any(|known| std::ptr::eq(*known, co_signer)) {
                co_signers.push(co_signer);
            }
        } else if self.provisions.holds(&key) {
            return Err(refused(
                ProcessorError::WorkerIsNamed,
                false,
                "the operation names a co-signer's key in a place where it does not sign",
            ));
        }
        Ok(AccountMeta { pubkey: key, is_signer: signs, is_writable: flag(account_flags::WRITABLE) })
    }

    fn key(&self, target: &Target, place: usize, rule: &AccountRule, arguments: &[u8]) -> Result<Pubkey, Refused> {
        match rule.kind {
            account_kind::CAPABILITY => Ok(target.address),
            account_kind::FROM_ARGUMENTS => {
                let at = usize::from(rule.arguments_offset);
                let key = arguments.get(at..at + 32).and_then(|bytes| Pubkey::try_from(bytes).ok());
                key.ok_or_else(|| {
                    refused(ProcessorError::WrongAccount, true, "the arguments end before the account's key")
                })
            }
            account_kind::WORKER_CHOSEN => self.provisions.choice(&target.address, place).ok_or_else(|| {
                refused(ProcessorError::WrongChosenAccount, false, "the worker has to choose an account: see --choose")
            }),
            _ => Ok(Pubkey::new_from_array(rule.key)),
        }
    }

    fn dispatch(&self, view: &View, handle: EntryHandle) -> Instruction {
        let accounts = dispatch::Accounts {
            config: client::config_address(&self.programs.scheduler),
            shard: view.shard,
            queue: view.queue,
            worker: self.worker,
            instructions: sysvar::instructions::ID,
            clock: sysvar::clock::ID,
        };
        let data = dispatch::Data { generation: handle.generation, slot: handle.slot };
        let more = slab::dispatch(&view.reader.header, &self.programs.scheduler);
        scheduler::dispatch(self.programs.scheduler, accounts, &more, &data, &[])
    }

    fn execute(&self, entry: &Entry, target: &Target, metas: &[AccountMeta], arguments: &[u8]) -> Instruction {
        let accounts = execute::Accounts {
            capability: target.address,
            config: client::config_address(&self.programs.processor),
            instructions: sysvar::instructions::ID,
            target_program: Pubkey::new_from_array(target.capability.target_program),
        };
        let data = execute::Data { capability_version: entry.capability_version, flags: 0 };
        processor::execute(self.programs.processor, accounts, metas, &data, arguments)
    }

    fn verify(&self, entry: &Entry, target: &Target, metas: &[AccountMeta], arguments: &[u8]) -> Instruction {
        let accounts = verify::Accounts {
            capability: target.address,
            config: client::config_address(&self.programs.processor),
            instructions: sysvar::instructions::ID,
        };
        let data = verify::Data { capability_version: entry.capability_version, flags: 0 };
        processor::verify(self.programs.processor, accounts, metas, &data, arguments)
    }
}

/// An account that was chosen may not be that of another place: the processor would refuse it.
fn check_choices(targets: &[AccountRule], evidence: &[AccountRule], metas: &[AccountMeta]) -> Result<(), Refused> {
    for (place, rule) in targets.iter().chain(evidence).enumerate() {
        let key = metas[place].pubkey;
        let is_taken = || metas.iter().enumerate().any(|(other, meta)| other != place && meta.pubkey == key);
        if rule.kind == account_kind::WORKER_CHOSEN && is_taken() {
            let reason = format!("the account chosen for place {place} has another place already: see --choose");
            return Err(refused(ProcessorError::WrongChosenAccount, false, &reason));
        }
    }
    Ok(())
}

fn refused(error: ProcessorError, permanent: bool, reason: &str) -> Refused {
    Refused { code: error as u32, permanent, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::fixed_part;
    use crate::keeper::provisions;
    use bytemuck::Zeroable;
    use clap::Parser;
    use shared_layouts::AccountLayout;
    use shared_layouts::scheduler::Queue;
    use shared_layouts::scheduler::reader::QueueReader;
    use solana_keypair::write_keypair_file;
    use solana_signer::Signer;

    const WORKER: [u8; 32] = [9; 32];
    const CAPABILITY: [u8; 32] = [1; 32];
    const PREFIX: [u8; 2] = [0xaa, 0xbb];

    fn key(byte: u8) -> Pubkey {
        Pubkey::new_from_array([byte; 32])
    }

    fn programs() -> Programs {
        Programs { genesis: String::new(), processor: key(100), scheduler: key(101), diff: key(102) }
    }

    fn rule(kind: u8, key: u8, flags: u8) -> AccountRule {
        AccountRule { key: [key; 32], kind, flags, ..AccountRule::zeroed() }
    }

    /// Bytes of a capability with these target accounts and evidence.
    fn capability(targets: &[AccountRule], evidence: &[AccountRule]) -> Vec<u8> {
        let mut header = Capability::zeroed();
        header.header.discriminator = Capability::DISCRIMINATOR;
        header.header.version = Capability::VERSION;
        header.target_program = [50; 32];
        header.capability_version = 4;
        header.prefix[..2].copy_from_slice(&PREFIX);
        header.prefix_bytes = 2;
        header.target_accounts = u8::try_from(targets.len()).unwrap();
        header.evidence_accounts = u8::try_from(evidence.len()).unwrap();
        let rules = targets.iter().chain(evidence).flat_map(|rule| bytemuck::bytes_of(rule).to_vec());
        [bytemuck::bytes_of(&header).to_vec(), rules.collect()].concat()
    }

    fn call<'a>(provisions: &'a Provisions, mode: Mode, data: &[u8], arguments: &[u8]) -> Result<Call<'a>, Refused> {
        let programs = Box::leak(Box::new(programs()));
        let caller = Caller { programs, worker: Pubkey::new_from_array(WORKER), mode, provisions };
        let header: Capability = fixed_part(data).unwrap();
        let target = Target { address: Pubkey::new_from_array(CAPABILITY), capability: &header, data };
        let reader = QueueReader { header: Queue::zeroed(), index: None, entries: Vec::new() };
        let view = View { queue: key(60), shard: key(61), reader, order: None, is_paused: false, now: 0 };
        let mut entry = Entry::zeroed();
        entry.capability_version = 4;
        entry.compute_limit = 20_000;
        entry.arguments[..arguments.len()].copy_from_slice(arguments);
        entry.arguments_bytes = u16::try_from(arguments.len()).unwrap();
        caller.call(&view, EntryHandle { generation: 2, slot: 3, reserved: [0; 2] }, &entry, &target)
    }

    fn refusal(provisions: &Provisions, targets: &[AccountRule], arguments: &[u8]) -> Option<(ProcessorError, bool)> {
        let refused = call(provisions, Mode::Auto, &capability(targets, &[]), arguments).err()?;
        let all = [
            ProcessorError::WorkerIsNamed,
            ProcessorError::MissingSigner,
            ProcessorError::WrongAccount,
            ProcessorError::WrongChosenAccount,
        ];
        all.into_iter().find(|error| *error as u32 == refused.code).map(|error| (error, refused.permanent))
    }

    /// Options as a user gives them, with one co-signer whose key is returned, too.
    fn provided(name: &str) -> (Provisions, Pubkey) {
        #[derive(Parser)]
        struct Options {
            #[command(flatten)]
            options: provisions::Arguments,
        }
        let file = std::env::temp_dir().join(format!("valence-{name}-{}.json", std::process::id()));
        let keypair = Keypair::new();
        write_keypair_file(&keypair, &file).unwrap();
        let address = Pubkey::new_from_array(CAPABILITY);
        let (co_signer, choice) = (format!("{address}@4={}", file.display()), format!("{address}:1={}", key(70)));
        let options = Options::try_parse_from(["", "--co-signer", &co_signer, "--choose", &choice]).unwrap().options;
        let provisions = Provisions::new(&options, &programs(), &Pubkey::new_from_array(WORKER)).unwrap();
        std::fs::remove_file(file).unwrap();
        (provisions, keypair.pubkey())
    }

    #[test]
    fn a_keeper_lends_its_key_to_no_operation() {
        let none = Provisions::default();
        for flags in [0, account_flags::SIGNER, account_flags::WRITABLE] {
            let named = refusal(&none, &[rule(account_kind::FIXED, 9, flags)], &[]);
            assert_eq!(named, Some((ProcessorError::WorkerIsNamed, true)));
            let named = refusal(&none, &[rule(account_kind::FROM_ARGUMENTS, 0, flags)], &WORKER);
            assert_eq!(named, Some((ProcessorError::WorkerIsNamed, true)));
        }
    }

    #[test]
    fn a_permissionless_target_is_called_behind_verify() {
        let data =
            capability(&[rule(account_kind::FIXED, 3, account_flags::WRITABLE)], &[rule(account_kind::FIXED, 4, 0)]);
        let none = Provisions::default();
        let call = call(&none, Mode::Auto, &data, &[7, 8]).unwrap();
        let [dispatch, verify, target] = &call.instructions[..] else { panic!() };
        assert_eq!((dispatch.program_id, verify.program_id, target.program_id), (key(101), key(100), key(50)));
        assert_eq!(verify.data, [&[20, 4, 0, 0, 0, 0][..], &[7, 8]].concat());
        let keys: Vec<_> = verify.accounts.iter().skip(3).map(|meta| meta.pubkey).collect();
        assert_eq!(keys, [key(3), key(4)]);
        assert!(verify.accounts.iter().all(|meta| !meta.is_signer && !meta.is_writable));
        assert_eq!(target.accounts, [AccountMeta::new(key(3), false)]);
        assert_eq!(target.data, [0xaa, 0xbb, 7, 8]);
        assert_eq!(call.units(10_000), 13_500);
        assert_eq!(call.units(1_000_000), 80_000);
    }

    #[test]
    fn a_capability_that_signs_is_executed() {
        let data = capability(&[rule(account_kind::CAPABILITY, 1, account_flags::SIGNER)], &[]);
        let none = Provisions::default();
        let executed = call(&none, Mode::Auto, &data, &[7]).unwrap();
        let [_, execute] = &executed.instructions[..] else { panic!() };
        assert_eq!(execute.accounts[4], AccountMeta::new_readonly(Pubkey::new_from_array(CAPABILITY), false));
        // The processor asks for the capability's whole limit.
        assert_eq!(executed.units(100), 20_000);
        assert_eq!(executed.with_budget(20_000, 5).len(), 4);
        let refused = call(&none, Mode::Verify, &data, &[7]).err().unwrap();
        assert_eq!((refused.code, refused.permanent), (ProcessorError::MissingSigner as u32, false));
    }

    #[test]
    fn positions_are_filled_as_the_capability_binds_them() {
        let none = Provisions::default();
        let filled = |rule, arguments: &[u8]| {
            let call = call(&none, Mode::Execute, &capability(&[rule], &[]), arguments).ok()?;
            call.instructions[1].accounts.get(4).cloned()
        };
        let found = filled(rule(account_kind::FIXED, 3, account_flags::WRITABLE), &[]);
        assert_eq!(found, Some(AccountMeta::new(key(3), false)));
        let found = filled(rule(account_kind::FROM_ARGUMENTS, 0, 0), &[4; 32]);
        assert_eq!(found, Some(AccountMeta::new_readonly(key(4), false)));
        assert_eq!(
            refusal(&none, &[rule(account_kind::FROM_ARGUMENTS, 0, 0)], &[4; 31]),
            Some((ProcessorError::WrongAccount, true))
        );
        let chosen = [rule(account_kind::FIXED, 3, 0), rule(account_kind::WORKER_CHOSEN, 0, 0)];
        assert_eq!(refusal(&none, &chosen, &[]), Some((ProcessorError::WrongChosenAccount, false)));
        assert_eq!(
            refusal(&none, &[rule(account_kind::FIXED, 3, account_flags::SIGNER)], &[]),
            Some((ProcessorError::MissingSigner, false))
        );
    }

    #[test]
    fn a_chosen_account_is_taken_unless_another_place_has_it() {
        let (provisions, _) = provided("chosen");
        let chosen = [rule(account_kind::FIXED, 3, 0), rule(account_kind::WORKER_CHOSEN, 0, account_flags::WRITABLE)];
        let call = call(&provisions, Mode::Auto, &capability(&chosen, &[]), &[]).unwrap();
        assert_eq!(call.instructions[2].accounts[1], AccountMeta::new(key(70), false));
        let twice = [rule(account_kind::FIXED, 70, 0), rule(account_kind::WORKER_CHOSEN, 0, 0)];
        assert_eq!(refusal(&provisions, &twice, &[]), Some((ProcessorError::WrongChosenAccount, false)));
    }

    #[test]
    fn a_co_signer_signs_where_the_capability_names_it_and_nowhere_else() {
        let (provisions, co_signer) = provided("co-signer");
        let mut named = rule(account_kind::FIXED, 0, account_flags::SIGNER);
        named.key = co_signer.to_bytes();
        let call = call(&provisions, Mode::Auto, &capability(&[named], &[]), &[]).unwrap();
        assert_eq!(call.co_signers.iter().map(Signer::pubkey).collect::<Vec<_>>(), [co_signer]);
        assert_eq!(call.instructions[2].accounts, [AccountMeta::new_readonly(co_signer, true)]);
        let from_arguments = rule(account_kind::FROM_ARGUMENTS, 0, account_flags::WRITABLE);
        let refused = refusal(&provisions, &[named, from_arguments], co_signer.as_array());
        assert_eq!(refused, Some((ProcessorError::WorkerIsNamed, false)));
    }
}
