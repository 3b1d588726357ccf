//! Taking accounts from one version of their layout to the next, and back while that is not final.
//!
//! ```text
//!  new binary      Migrate up: config        ... other accounts      Finalize
//!  ----------------+---------------------------+----------------------+--------> time
//!                  opens the migration         at any time            nothing goes down any more
//!
//!  to abort        Migrate down: other accounts, then the config; then the former binary
//! ```
//!
//! A binary reads accounts of its own version only: one that was not migrated is refused with `Fault::WrongVersion`. What
//! differs between two versions is stated by each program's [`Migrations`]; `Lifecycle`, at the start of each config, and
//! the account header are the same in every version.

use crate::accounts::{self, check_payer, rent_exempt_lamports, transfer};
use crate::{Outcome, Singleton, fault};
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use shared_layouts::account::{AccountHeader, AccountLayout, keys_equal};
use shared_layouts::lifecycle::{Fault, Lifecycle, direction, migration};

/// A step from one version of a layout to another.
#[derive(Clone, Copy)]
pub struct Step {
    /// Version that the account will have.
    pub version: u8,
    /// Length that it will have, bytes.
    pub bytes: usize,
}

/// What a program knows about other versions of its layouts.
pub trait Migrations {
    /// The step in a `direction` for an account of so many bytes, if there is one.
    fn step(header: &AccountHeader, direction: u8, bytes: usize) -> Option<Step>;
    /// Rewrites the data, which has the longer one of both lengths. The header's version is set by the caller.
    fn convert(direction: u8, data: &mut [u8]);
}

/// Every layout has one version: there is nowhere to go.
pub struct OneVersion;

impl Migrations for OneVersion {
    #[inline(always)]
    fn step(_: &AccountHeader, _: u8, _: usize) -> Option<Step> {
        None
    }
    #[inline(always)]
    fn convert(_: u8, _: &mut [u8]) {}
}

/// Says what was wrong when an account could not be read: its version, if one of the accounts has another than the program.
///
/// This is asked on the way out and not where an account is loaded, so that it costs nothing when nothing is wrong.
#[inline(always)]
pub fn explain_status<P: Singleton>(status: u64, program_id: &Address, accounts: &[AccountView]) -> u64 {
    if status == u64::from(ProgramError::InvalidAccountData) && is_other_version_among::<P>(program_id, accounts) {
        return fault::<P>(Fault::WrongVersion).into();
    }
    status
}

#[cold]
#[inline(never)]
fn is_other_version_among<P: Singleton>(program_id: &Address, accounts: &[AccountView]) -> bool {
    accounts.iter().filter(|account| account.owned_by(program_id)).any(|account| {
        let header = read_header(account);
        header.is_ok_and(|header| {
            P::VERSIONS.iter().any(|(kind, version)| header.discriminator == *kind && header.version != *version)
        })
    })
}

/// A call of `Migrate`.
pub struct Migrate<'a> {
    /// The running program.
    pub program_id: &'a Address,
    /// Config.
    pub config: &'a mut AccountView,
    /// Authority.
    pub authority: &'a AccountView,
    /// Pays and receives rent.
    pub payer: &'a mut AccountView,
    /// System program.
    pub system_program: &'a AccountView,
    /// The account to migrate; none for the config.
    pub more: &'a mut [AccountView],
    /// One of [`direction`].
    pub direction: u8,
}

impl Migrate<'_> {
    /// Migrates the account.
    ///
    /// # Errors
    /// `Fault::NotAuthority`, `Fault::AlreadyCurrent`, `Fault::NoOpenMigration`; `Fault::WrongVersion` if the config would
    /// have to go first; `InvalidInstructionData`, `InvalidArgument`, `InvalidAccountOwner`, `InvalidAccountData`,
    /// `IncorrectProgramId`, `Immutable`, `InsufficientFunds`.
    #[inline(never)]
    pub fn run<P: Singleton>(self) -> Outcome {
        let Self { program_id, config, authority, payer, system_program, more, direction } = self;
        if direction > direction::DOWN {
            return Err(ProgramError::InvalidInstructionData.into());
        }
        let lifecycle = read_lifecycle::<P>(config, program_id)?;
        if !keys_equal(&lifecycle.authority, authority.address().as_array()) {
            return Err(fault::<P>(Fault::NotAuthority));
        }
        // Going down calls nobody, so this is not left to the call.
        if system_program.address() != &pinocchio_system::ID {
            return Err(ProgramError::IncorrectProgramId.into());
        }
        let (target, is_config) = match more {
            [] => (config, true),
            // Taken this way the config would not open or close the migration.
            [target] if target.address() == config.address() => return Err(ProgramError::InvalidArgument.into()),
            [target] => (target, false),
            _ => return Err(ProgramError::InvalidArgument.into()),
        };
        if !is_config {
            check_target(target, program_id)?;
        }
        let header = read_header(target)?;
        let step =
            P::Migrations::step(&header, direction, target.data_len()).ok_or(fault::<P>(Fault::AlreadyCurrent))?;
        if !is_config && lifecycle.header.version != P::Config::VERSION {
            return Err(fault::<P>(Fault::WrongVersion));
        }
        if direction == direction::DOWN && lifecycle.migration != migration::OPEN {
            return Err(fault::<P>(Fault::NoOpenMigration));
        }
        convert::<P>(target, payer, step, direction)?;
        if is_config {
            let state = if direction == direction::UP { migration::OPEN } else { migration::FINAL };
            set_byte(target, core::mem::offset_of!(Lifecycle, migration), state)?;
        }
        Ok(())
    }
}

/// Closes the open migration.
///
/// # Errors
/// `Fault::NotAuthority`, `Fault::NoOpenMigration`.
pub fn finalize<P: Singleton>(program_id: &Address, config: &mut AccountView, authority: &AccountView) -> Outcome {
    use crate::lifecycle::Config;
    // SAFETY: the authority is not an account of this program, so the config is held once.
    let config = unsafe { crate::lifecycle::config_of_authority::<P>(program_id, config, authority) }?;
    let lifecycle = config.lifecycle_mut();
    if lifecycle.migration != migration::OPEN {
        return Err(fault::<P>(Fault::NoOpenMigration));
    }
    lifecycle.migration = migration::FINAL;
    Ok(())
}

/// The common part of a config of any version.
fn read_lifecycle<P: Singleton>(config: &AccountView, program_id: &Address) -> Outcome<Lifecycle> {
    if !config.owned_by(program_id) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    let bytes = config.try_borrow()?;
    let bytes = bytes.get(..Lifecycle::BYTES).ok_or(ProgramError::InvalidAccountData)?;
    let lifecycle: Lifecycle = bytemuck::pod_read_unaligned(bytes);
    if lifecycle.header.discriminator != P::Config::DISCRIMINATOR {
        return Err(ProgramError::InvalidAccountData.into());
    }
    Ok(lifecycle)
}

/// The config is checked by what reads it, and declared writable.
fn check_target(target: &AccountView, program_id: &Address) -> Outcome {
    if !target.is_writable() {
        return Err(ProgramError::Immutable.into());
    }
    if !target.owned_by(program_id) {
        return Err(ProgramError::InvalidAccountOwner.into());
    }
    Ok(())
}

fn read_header(account: &AccountView) -> Outcome<AccountHeader> {
    let bytes = account.try_borrow()?;
    let bytes = bytes.get(..AccountHeader::BYTES).ok_or(ProgramError::InvalidAccountData)?;
    Ok(bytemuck::pod_read_unaligned(bytes))
}

/// Changes length, rent, contents and version. Going down gives back exactly the rent that going up took.
fn convert<P: Singleton>(target: &mut AccountView, payer: &mut AccountView, step: Step, direction: u8) -> Outcome {
    let (before, after) = (target.data_len(), step.bytes);
    let (rent_before, rent_after) = (rent_exempt_lamports(before)?, rent_exempt_lamports(after)?);
    let added = rent_after.saturating_sub(rent_before);
    let returned = rent_before.saturating_sub(rent_after).min(target.lamports().saturating_sub(rent_after));
    check_payer(payer, added)?;

    if added > 0 {
        transfer(payer, target, added)?;
    }
    if after > before {
        // SAFETY: this is the only change of its length in this instruction, and nobody holds its data.
        unsafe { accounts::resize(target, after) }?;
    }
    {
        let mut bytes = target.try_borrow_mut()?;
        P::Migrations::convert(direction, &mut bytes);
    }
    if after < before {
        // SAFETY: as above.
        unsafe { accounts::resize(target, after) }?;
    }
    if returned > 0 {
        accounts::move_lamports(target, payer, returned)?;
    }
    set_byte(target, core::mem::offset_of!(AccountHeader, version), step.version)
}

fn set_byte(account: &mut AccountView, offset: usize, byte: u8) -> Outcome {
    let mut bytes = account.try_borrow_mut()?;
    *bytes.get_mut(offset).ok_or(ProgramError::InvalidAccountData)? = byte;
    Ok(())
}
