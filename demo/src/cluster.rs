//! The cluster of the demo: sends transactions, remembers what each instruction cost, and writes the trace.

use anyhow::{Context, Result, anyhow, bail};
use comfy_table::{CellAlignment, Table, presets};
use mollusk_tests::features::FeatureProfile;
use mollusk_tests::fixture::{Fixture, LAMPORTS, people};
use mollusk_tests::programs::{Program, address, keypair};
use mollusk_tests::world::{TxFailure, TxOutcome, World};
use shared_layouts::client::error_of;
use solana_instruction::Instruction;

/// An instruction in a transaction, and the name under which its cost is listed; `None` leaves it out.
pub type Named = (Option<&'static str>, Instruction);

/// The in-process cluster.
pub struct Cluster {
    /// Accounts, and the builders of instructions that depend on them.
    pub fixture: Fixture,
    costs: Vec<(&'static str, Vec<u64>)>,
    chapter: usize,
}

impl Cluster {
    /// A cluster with mainnet's features in which everyone has lamports and no program of ours is deployed.
    pub fn new() -> Self {
        let mut world = World::new(FeatureProfile::Mainnet);
        for name in people::ALL {
            world.airdrop(&address(name), LAMPORTS);
        }
        Self { fixture: Fixture { world }, costs: Vec::new(), chapter: 0 }
    }

    /// Starts the next part of the trace.
    pub fn chapter(&mut self, title: &str) {
        self.chapter += 1;
        println!("\n{}. {title}", self.chapter);
    }

    /// Deploys a built program as a user does, chunk by chunk through the upgradeable loader.
    pub fn deploy(&mut self, program: Program) -> Result<()> {
        let elf = program.elf();
        let deployment = self
            .fixture
            .world
            .deploy_through_loader_v3(&elf, &program.keypair(), &keypair(people::AUTHORITY), &keypair(people::PAYER))
            .map_err(|failure| anyhow!("deploying {}: {:?}", program.name, failure.error))?;
        let deployed = &self.fixture.world.account(&deployment.program_data).data;
        if !deployed.ends_with(&elf) {
            bail!("the deployed bytes of {} are not the built ones", program.name);
        }
        println!("   {}: {} bytes in {} transactions", program.name, elf.len(), deployment.transactions);
        Ok(())
    }

    /// Sends one transaction, signed by the named people, which must succeed.
    pub fn send(&mut self, instructions: &[Named], signers: &[&str]) -> Result<TxOutcome> {
        let outcome = self.try_send(instructions, signers).map_err(|failure| {
            anyhow!("a transaction failed: {:?}\n{}", failure.error, failure.outcome.logs.join("\n"))
        })?;
        for (index, (name, _)) in instructions.iter().enumerate() {
            if let Some(name) = name {
                self.record(name, outcome.units_of(index));
            }
        }
        Ok(outcome)
    }

    /// Sends one transaction which must be refused with the named error, and returns the error's code and its name.
    pub fn refused(&mut self, instructions: &[Named], signers: &[&str], error: &str) -> Result<String> {
        let Err(failure) = self.try_send(instructions, signers) else { bail!("it should have been refused: {error}") };
        let code = failure.custom_code().with_context(|| format!("{:?}", failure.error))?;
        let found = error_of(code).with_context(|| format!("an unknown error: {code}"))?;
        if found.name != error {
            bail!("refused with {} instead of {error}", found.name);
        }
        Ok(format!("{} (error {code})", found.name))
    }

    fn try_send(&mut self, instructions: &[Named], signers: &[&str]) -> Result<TxOutcome, TxFailure> {
        let instructions: Vec<_> = instructions.iter().map(|(_, instruction)| instruction.clone()).collect();
        let signers: Vec<_> = signers.iter().map(|name| keypair(name)).collect();
        self.fixture.world.send(&instructions, &keypair(people::PAYER), &signers.iter().collect::<Vec<_>>())
    }

    fn record(&mut self, name: &'static str, units: u64) {
        match self.costs.iter_mut().find(|(other, _)| *other == name) {
            Some((_, costs)) => costs.push(units),
            None => self.costs.push((name, vec![units])),
        }
    }

    /// The cost of each instruction that was sent, in the order of first use.
    pub fn cost_table(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::ASCII_MARKDOWN);
        table.set_header(["instruction", "times", "CU, least", "CU, most"]);
        for (name, costs) in &self.costs {
            let least = costs.iter().min().copied().unwrap_or_default();
            let most = costs.iter().max().copied().unwrap_or_default();
            table.add_row([(*name).to_owned(), costs.len().to_string(), least.to_string(), most.to_string()]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}
