//! What a call to the system program changes is what the rest of the instruction finds: lamports, length, owner and data.

use crate::fixture;
use mollusk_tests::{
    features::FeatureProfile,
    fixture::{
        Definition, Fixture, config, initialize_processor, initialize_scheduler, people, producer, queue_policy,
    },
    lifecycle::{PROGRAMS, Update, error_base},
    orders::{create_order, invitation},
    programs::{NOOP, PROCESSOR, SCHEDULER, address, keypair},
};
use shared_layouts::{
    client, diff,
    lifecycle::Fault,
    processor,
    scheduler::{self, SchedulerConfig, composition_mode, config_fields, registration},
};
use solana_account::Account;
use solana_instruction::Instruction;
use solana_program_error::ProgramError;
use solana_pubkey::Pubkey;
use solana_sdk_ids::sysvar::rent;

/// The system program's error for a transfer of more than there is.
const TOO_FEW_LAMPORTS: u32 = 1;

/// The creation of each kind of account but the configs, and the place of the new account. Queue and order are the first of
/// a shard that is made for them.
fn creations(fixture: &mut Fixture) -> Vec<(Instruction, usize)> {
    let shard = fixture.shard();
    creations_by(fixture, &shard, 0)
}

/// The same by a shard that has so many orders.
pub(crate) fn creations_by(fixture: &Fixture, shard: &Pubkey, orders: u64) -> Vec<(Instruction, usize)> {
    use {diff::create_arena, diff::create_state, processor::register_capability};
    use {scheduler::create_order as order, scheduler::create_queue, scheduler::register_shard};
    let definition = Definition::new(&NOOP.address()).prefix(&[1, 2, 3]);
    let invitations = [invitation(shard, 1)];
    vec![
        (fixture.register_shard(people::OWNER), register_shard::Position::shard as usize),
        (
            fixture.create_queue(shard, &queue_policy(), &[producer(people::PRODUCER)]),
            create_queue::Position::queue as usize,
        ),
        (create_order(shard, orders, composition_mode::STRICT, &invitations), order::Position::order as usize),
        (fixture.register_capability(shard, &definition), register_capability::Position::capability as usize),
        (fixture.create_state(300), create_state::Position::state as usize),
        (fixture.create_arena(10_240, 2, diff::DEFAULT_LEVEL), create_arena::Position::arena as usize),
    ]
}

/// Lamports of the payer that a creation takes, and every other account as the creation leaves it.
fn created(mut fixture: Fixture, create: &Instruction) -> (u64, Vec<Account>) {
    let payer = address(people::PAYER);
    let before = fixture.world.account(&payer).lamports;
    let signers = [people::AUTHORITY, people::OWNER];
    let outcome = fixture.send(std::slice::from_ref(create), &signers);
    let paid = before - fixture.world.account(&payer).lamports - outcome.fee_lamports;
    let others = create.accounts.iter().map(|meta| meta.pubkey).filter(|key| *key != payer);
    (paid, others.map(|key| fixture.world.account(&key)).collect())
}

/// With lamports at the address, an account is made by three calls instead of one: its length and its owner are then read
/// after other calls than usual.
#[test]
fn an_account_made_over_lamports_is_the_one_that_is_made_without() {
    let mut fixture = fixture();
    for (create, place) in creations(&mut fixture) {
        let key = create.accounts[place].pubkey;
        let (rent, expected) = created(fixture.clone(), &create);
        assert!(rent > 0 && expected.iter().any(|account| account.lamports == rent), "{key}");
        for sent in [1, rent - 1, rent, rent + 1] {
            let mut fixture = fixture.clone();
            fixture.world.set_account(&key, Account { lamports: sent, ..Account::default() });
            let (paid, found) = created(fixture, &create);
            assert_eq!(paid, rent.saturating_sub(sent), "{key} over {sent}");
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!((&found.data, found.owner), (&expected.data, expected.owner), "{key} over {sent}");
            }
            let lamports = |accounts: &[Account]| accounts.iter().map(|account| account.lamports).sum::<u64>();
            assert_eq!(lamports(&found), lamports(&expected) - rent + rent.max(sent), "{key} over {sent}");
        }
    }
}

/// The program whose account an instruction creates, its error for an address that is taken, and the seeds.
fn derivation(fixture: &Fixture, create: &Instruction) -> (Pubkey, u32, Vec<Vec<u8>>) {
    let program = *PROGRAMS.iter().find(|program| program.address() == create.program_id).expect("one of the three");
    let seed = |name: &str| name.as_bytes().to_vec();
    let first = 0u64.to_le_bytes().to_vec();
    // The fixture's shard is the first one; its queue and its order have its address in their seeds.
    let shard = client::shard_address(&SCHEDULER.address(), 0).to_bytes().to_vec();
    let seeds = match (program, create.data[0]) {
        (SCHEDULER, scheduler::register_shard::DISCRIMINATOR) => vec![seed("shard"), 1u64.to_le_bytes().to_vec()],
        (SCHEDULER, scheduler::create_queue::DISCRIMINATOR) => vec![seed("queue"), shard, first],
        (SCHEDULER, _) => vec![seed("order"), shard, first],
        (PROCESSOR, _) => vec![seed("capability"), first],
        (_, diff::create_state::DISCRIMINATOR) => vec![seed("state"), first],
        _ => vec![seed("arena"), first],
    };
    assert!(fixture.world.account(&program.address()).executable);
    (program.address(), error_base(program) + Fault::AlreadyInitialized as u32, seeds)
}

/// The address follows from seeds that are written out here, the bump is the canonical one, and it is the third byte.
#[test]
fn every_created_account_stores_the_canonical_bump_of_its_address() {
    let mut fixture = fixture();
    for (create, place) in creations(&mut fixture) {
        let (program, _, seeds) = derivation(&fixture, &create);
        let seeds: Vec<&[u8]> = seeds.iter().map(Vec::as_slice).collect();
        let (address, bump) = Pubkey::find_program_address(&seeds, &program);
        assert_eq!(create.accounts[place].pubkey, address);
        let mut fixture = fixture.clone();
        fixture.send(&[create], &[people::AUTHORITY, people::OWNER]);
        let made = fixture.world.account(&address);
        assert_eq!((made.owner, made.data[2]), (program, bump));
    }
}

/// Data at the address, or another owner: the account is somebody's already.
#[test]
fn nothing_is_created_over_an_account_that_exists() {
    let mut fixture = fixture();
    let lamports = 100_000_000;
    for (create, place) in creations(&mut fixture) {
        let (program, error, _) = derivation(&fixture, &create);
        let with_data = Account { lamports, data: vec![0; 8], ..Account::default() };
        let of_another = Account { lamports, owner: NOOP.address(), ..Account::default() };
        let own = Account { lamports, owner: program, data: vec![0; 8], ..Account::default() };
        for taken in [with_data, of_another, own] {
            let mut fixture = fixture.clone();
            fixture.world.set_account(&create.accounts[place].pubkey, taken);
            let signers = [keypair(people::AUTHORITY), keypair(people::OWNER)];
            let signers: Vec<_> = signers.iter().collect();
            let create = std::slice::from_ref(&create);
            fixture.world.expect_error(create, &keypair(people::PAYER), &signers, 0, error);
        }
    }
}

/// The price of a byte changes, and the number of years that are paid in advance.
#[test]
fn rent_is_what_the_sysvar_says() {
    let mut fixture = fixture();
    let sysvar = fixture.world.account(&rent::ID);
    for (create, place) in creations(&mut fixture) {
        let key = create.accounts[place].pubkey;
        let mut made = Vec::new();
        for (price_factor, years) in [(1, 1.0f64), (3, 1.0), (1, 2.0), (3, 2.0)] {
            let mut fixture = fixture.clone();
            let mut changed = sysvar.clone();
            let price = u64::from_le_bytes(changed.data[..8].try_into().expect("eight bytes")) * price_factor;
            changed.data[..8].copy_from_slice(&price.to_le_bytes());
            changed.data[8..16].copy_from_slice(&years.to_le_bytes());
            fixture.world.set_account(&rent::ID, changed);
            fixture.send(std::slice::from_ref(&create), &[people::AUTHORITY, people::OWNER]);
            made.push(fixture.world.account(&key).lamports);
        }
        assert_eq!(made, [1, 3, 2, 6].map(|factor| made[0] * factor), "{key}");
        let mut fixture = fixture.clone();
        let mut unknown = sysvar.clone();
        unknown.data[8..16].copy_from_slice(&1.5f64.to_le_bytes());
        fixture.world.set_account(&rent::ID, unknown);
        let signers = [keypair(people::AUTHORITY), keypair(people::OWNER)];
        let error = ProgramError::UnsupportedSysvar;
        let signers: Vec<_> = signers.iter().collect();
        fixture.world.expect_error(&[create], &keypair(people::PAYER), &signers, 0, error);
    }
}

/// Runs an instruction whose payer, the stranger, has exactly this much.
fn with_payer_of(fixture: &Fixture, instruction: &Instruction, lamports: u64) -> Fixture {
    let mut fixture = fixture.clone();
    let stranger = address(people::STRANGER);
    fixture.world.set_account(&stranger, Account { lamports, ..Account::default() });
    let payer = address(people::PAYER);
    assert!(instruction.accounts.iter().any(|meta| meta.pubkey == stranger && meta.is_signer && meta.is_writable));
    assert!(instruction.accounts.iter().all(|meta| meta.pubkey != payer));
    fixture
}

/// The same instruction with the stranger in the payer's place.
fn paid_by_stranger(mut instruction: Instruction) -> Instruction {
    let payer = instruction.accounts.iter_mut().find(|meta| meta.pubkey == address(people::PAYER));
    payer.expect("somebody pays").pubkey = address(people::STRANGER);
    instruction
}

/// Succeeds with exactly what it costs, to the last lamport, and is refused by the second call with one less.
#[track_caller]
fn costs_exactly(fixture: &Fixture, instruction: &Instruction, signer: &str, made: &[Pubkey], more_lamports: u64) {
    let signers = [keypair(signer), keypair(people::STRANGER)];
    let signers: Vec<_> = signers.iter().collect();
    let fee_payer = keypair(people::PAYER);
    let mut rich = with_payer_of(fixture, instruction, 1_000_000_000);
    rich.world.expect_ok(std::slice::from_ref(instruction), &fee_payer, &signers);
    let costs: u64 = made.iter().map(|key| rich.world.account(key).lamports).sum();
    assert!(costs > more_lamports, "rent is part of it");
    let mut exact = with_payer_of(fixture, instruction, costs);
    exact.world.expect_ok(std::slice::from_ref(instruction), &fee_payer, &signers);
    assert_eq!(exact.world.account(&address(people::STRANGER)).lamports, 0);
    let mut short = with_payer_of(fixture, instruction, costs - 1);
    let instructions = std::slice::from_ref(instruction);
    short.world.expect_error(instructions, &fee_payer, &signers, 0, TOO_FEW_LAMPORTS);
}

/// Two calls take lamports from one payer: the second one takes them from what the first one left.
#[test]
fn rent_and_deposit_are_paid_to_the_last_lamport() {
    let mut fixture = fixture();
    let deposit_lamports = fixture.fixed_part::<SchedulerConfig>(&config(SCHEDULER)).shard_deposit_lamports;
    let open = Update::Scheduler(scheduler::update_config::Data {
        fields: config_fields::REGISTRATION,
        registration: registration::OPEN,
        ..Default::default()
    });
    fixture.send(&[open.by(people::AUTHORITY)], &[people::AUTHORITY]);
    let mut register = paid_by_stranger(fixture.register_shard(people::OWNER));
    register.accounts[scheduler::register_shard::Position::registrar as usize].pubkey = address(people::OWNER);
    let shard = register.accounts[scheduler::register_shard::Position::shard as usize].pubkey;
    costs_exactly(&fixture, &register, people::OWNER, &[shard], deposit_lamports);
}

#[test]
fn two_accounts_of_one_instruction_are_paid_to_the_last_lamport() {
    let mut fixture = Fixture::installed(FeatureProfile::Mainnet);
    fixture.send(&[initialize_processor()], &[people::AUTHORITY]);
    let initialize = paid_by_stranger(initialize_scheduler());
    let made = [config(SCHEDULER), client::registry_address(&SCHEDULER.address())];
    costs_exactly(&fixture, &initialize, people::AUTHORITY, &made, 0);
}
