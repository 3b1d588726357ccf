//! Authority, guardian and pause, the same in all three programs. The migration of layouts is in [`crate::migration`].

use crate::accounts::{self, NewAccount};
use crate::{Outcome, Singleton, clock, fault};
use pinocchio::error::ProgramError;
use pinocchio::{AccountView, Address};
use shared_layouts::account::{AccountLayout, Key, NO_KEY, keys_equal};
use shared_layouts::lifecycle::{CONFIG_SEED, Fault, Lifecycle, UPGRADEABLE_LOADER, config_fields, pause_state};
use shared_layouts::{diff::DiffConfig, processor::ProcessorConfig, scheduler::SchedulerConfig};

/// Most seconds that a guardian's pause or cool-down can be configured to: thirty days.
pub const MAX_GUARDIAN_SECONDS: u32 = 30 * 24 * 60 * 60;

/// A config: its first part is the common one.
pub trait Config: AccountLayout {
    /// Authority, pause and migration.
    fn lifecycle(&self) -> &Lifecycle;
    /// The same, mutable.
    fn lifecycle_mut(&mut self) -> &mut Lifecycle;
}

macro_rules! config {
    ($name:ty) => {
        impl Config for $name {
            #[inline(always)]
            fn lifecycle(&self) -> &Lifecycle {
                &self.lifecycle
            }
            #[inline(always)]
            fn lifecycle_mut(&mut self) -> &mut Lifecycle {
                &mut self.lifecycle
            }
        }
    };
}

config!(ProcessorConfig);
config!(SchedulerConfig);
config!(DiffConfig);

/// Who may do what from the beginning.
pub struct Powers {
    /// Authority.
    pub authority: Key,
    /// Guardian, zero for none.
    pub guardian: Key,
    /// Longest pause by the guardian, seconds.
    pub guardian_pause_seconds: u32,
    /// Time between two of them, seconds.
    pub guardian_cooldown_seconds: u32,
}

/// Checks that there is an authority, and the limits of the guardian's power.
///
/// # Errors
/// `Fault::InvalidConfig`.
pub fn check_powers<P: Singleton>(lifecycle: &Lifecycle) -> Outcome {
    let guardian_is_sound = lifecycle.guardian == NO_KEY
        || (lifecycle.guardian != lifecycle.authority
            && lifecycle.guardian_pause_seconds > 0
            && lifecycle.guardian_pause_seconds <= MAX_GUARDIAN_SECONDS
            && lifecycle.guardian_cooldown_seconds <= MAX_GUARDIAN_SECONDS);
    if lifecycle.authority == NO_KEY || !guardian_is_sound { Err(fault::<P>(Fault::InvalidConfig)) } else { Ok(()) }
}

impl Powers {
    /// Writes the common part of a new config, which is all zero.
    ///
    /// # Errors
    /// `Fault::InvalidConfig`, as [`check_powers`].
    #[inline(never)]
    pub fn write<P: Singleton>(&self, lifecycle: &mut Lifecycle) -> Outcome {
        lifecycle.header.discriminator = P::Config::DISCRIMINATOR;
        lifecycle.header.version = P::Config::VERSION;
        lifecycle.header.state = pause_state::RUNNING;
        lifecycle.authority = self.authority;
        lifecycle.guardian = self.guardian;
        lifecycle.guardian_pause_seconds = self.guardian_pause_seconds;
        lifecycle.guardian_cooldown_seconds = self.guardian_cooldown_seconds;
        check_powers::<P>(lifecycle)
    }
}

/// Proves that `signer` is the upgrade authority of the running program.
///
/// The program account is the running program's own, so its data names the program data account, and the loader keeps
/// the upgrade authority there: nobody can initialize in the deployer's place.
///
/// # Errors
/// `Fault::WrongProgramData`, `Fault::ImmutableProgram`, `Fault::NotUpgradeAuthority`.
pub fn check_upgrade_authority<P: Singleton>(
    program_id: &Address,
    program: &AccountView,
    program_data: &AccountView,
    signer: &AccountView,
) -> Outcome {
    const PROGRAM_TAG: u32 = 2;
    const PROGRAM_DATA_TAG: u32 = 3;
    let wrong = || fault::<P>(Fault::WrongProgramData);
    let loader = Address::from(UPGRADEABLE_LOADER);

    if program.address() != program_id || !program.owned_by(&loader) || !program_data.owned_by(&loader) {
        return Err(wrong());
    }
    let bytes = program.try_borrow()?;
    let (tag, data_address) = bytes.split_at_checked(4).ok_or_else(wrong)?;
    if tag != PROGRAM_TAG.to_le_bytes() || data_address.get(..32) != Some(program_data.address().as_ref()) {
        return Err(wrong());
    }

    // Tag (4), slot of the last deployment (8), whether there is an authority (1), authority (32).
    let bytes = program_data.try_borrow()?;
    let header = bytes.get(..45).ok_or_else(wrong)?;
    if header[..4] != PROGRAM_DATA_TAG.to_le_bytes() {
        return Err(wrong());
    }
    match header[12] {
        0 => Err(fault::<P>(Fault::ImmutableProgram)),
        1 if header[13..45] == *signer.address().as_ref() => Ok(()),
        _ => Err(fault::<P>(Fault::NotUpgradeAuthority)),
    }
}

/// Creates the config account, all zero but for its length. Returns its bump.
///
/// # Errors
/// `Fault::AlreadyInitialized`, `Fault::WrongAddress`.
pub fn create_config<P: Singleton>(program_id: &Address, config: &mut AccountView, payer: &AccountView) -> Outcome<u8> {
    NewAccount { account: config, payer, program: program_id, seeds: &[CONFIG_SEED], bytes: size_of::<P::Config>() }
        .create::<P>()
}

/// A value that an update may set.
///
/// # Errors
/// `InvalidInstructionData` if a value is stated whose bit in the mask is not set.
#[inline(always)]
pub fn set_field<T: PartialEq + Default>(fields: u16, bit: u16, current: &mut T, new: T) -> Outcome {
    if fields & bit != 0 {
        *current = new;
    } else if new != T::default() {
        return Err(ProgramError::InvalidInstructionData.into());
    }
    Ok(())
}

/// The part of an update that all three programs share.
pub struct GuardianUpdate {
    /// Bits of `config_fields`.
    pub fields: u16,
    /// Guardian, zero for none.
    pub guardian: Key,
    /// Longest pause by the guardian, seconds.
    pub guardian_pause_seconds: u32,
    /// Time between two of them, seconds.
    pub guardian_cooldown_seconds: u32,
}

impl GuardianUpdate {
    /// Sets what is stated. A guardian's pause that lasts keeps its end, and a cool-down that runs holds for the next
    /// guardian, too.
    ///
    /// # Errors
    /// `Fault::InvalidConfig`, `InvalidInstructionData`.
    #[inline(never)]
    pub fn apply<P: Singleton>(&self, lifecycle: &mut Lifecycle) -> Outcome {
        use config_fields::{GUARDIAN, GUARDIAN_COOLDOWN_SECONDS, GUARDIAN_PAUSE_SECONDS};
        set_field(self.fields, GUARDIAN, &mut lifecycle.guardian, self.guardian)?;
        let (pause, cooldown) = (&mut lifecycle.guardian_pause_seconds, &mut lifecycle.guardian_cooldown_seconds);
        set_field(self.fields, GUARDIAN_PAUSE_SECONDS, pause, self.guardian_pause_seconds)?;
        set_field(self.fields, GUARDIAN_COOLDOWN_SECONDS, cooldown, self.guardian_cooldown_seconds)?;
        check_powers::<P>(lifecycle)
    }
}

/// The config, for its authority to change.
///
/// # Errors
/// `Fault::NotAuthority`; what loading a config can return.
///
/// # Safety
/// Nobody may hold the config's data.
#[inline(always)]
pub unsafe fn config_of_authority<'a, P: Singleton>(
    program_id: &Address,
    config: &'a mut AccountView,
    authority: &AccountView,
) -> Outcome<&'a mut P::Config> {
    // SAFETY: the caller's contract.
    let config: &mut P::Config = unsafe { accounts::write_unborrowed(config, program_id) }?;
    if !keys_equal(&config.lifecycle().authority, authority.address().as_array()) {
        return Err(fault::<P>(Fault::NotAuthority));
    }
    Ok(config)
}

/// Nominates the next authority; zero takes a nomination back. The guardian cannot be nominated: the two powers stay apart.
///
/// # Errors
/// `Fault::NotAuthority`, `Fault::InvalidConfig`.
#[inline(always)]
pub fn nominate_authority<P: Singleton>(
    program_id: &Address,
    config: &mut AccountView,
    authority: &AccountView,
    nominee: &Key,
) -> Outcome {
    // SAFETY: the authority is not an account of this program, so the config is held once.
    let config = unsafe { config_of_authority::<P>(program_id, config, authority) }?;
    let lifecycle = config.lifecycle_mut();
    if *nominee != NO_KEY && *nominee == lifecycle.guardian {
        return Err(fault::<P>(Fault::InvalidConfig));
    }
    lifecycle.pending_authority = *nominee;
    Ok(())
}

/// Makes the nominee the authority, unless it has become the guardian since.
///
/// # Errors
/// `Fault::NotNominated`, `Fault::InvalidConfig`.
#[inline(always)]
pub fn accept_authority<P: Singleton>(
    program_id: &Address,
    config: &mut AccountView,
    nominee: &AccountView,
) -> Outcome {
    // SAFETY: the nominee is not an account of this program, so the config is held once.
    let config: &mut P::Config = unsafe { accounts::write_unborrowed(config, program_id) }?;
    let lifecycle = config.lifecycle_mut();
    let nominee = *nominee.address().as_array();
    if lifecycle.pending_authority == NO_KEY || lifecycle.pending_authority != nominee {
        return Err(fault::<P>(Fault::NotNominated));
    }
    if lifecycle.guardian == nominee {
        return Err(fault::<P>(Fault::InvalidConfig));
    }
    lifecycle.authority = nominee;
    lifecycle.pending_authority = NO_KEY;
    Ok(())
}

/// Reads another singleton's config and proves that it is the one at that program's config address.
///
/// # Errors
/// `Fault::DependencyNotInitialized`.
///
/// # Safety
/// Nobody may hold the account's data mutably.
pub unsafe fn read_dependency<P: Singleton, C: Config>(account: &AccountView) -> Outcome<&C> {
    let missing = || fault::<P>(Fault::DependencyNotInitialized);
    // SAFETY: the caller's contract.
    let config: &C = load_config(unsafe { account.borrow_unchecked() }).ok_or_else(missing)?;
    let (address, _) = Address::find_program_address(&[CONFIG_SEED], &account.owner());
    if account.address() == &address { Ok(config) } else { Err(missing()) }
}

fn load_config<C: Config>(bytes: &[u8]) -> Option<&C> {
    if bytes.len() == size_of::<C>() { shared_layouts::load(bytes).ok() } else { None }
}

/// Pauses: the authority without end, the guardian for its configured time and not again before its cool-down.
///
/// # Errors
/// `Fault::AlreadyPaused`, `Fault::GuardianCooldown`, `Fault::NotPauseAuthority`.
#[inline(always)]
pub fn pause<P: Singleton>(
    program_id: &Address,
    config: &mut AccountView,
    signer: &AccountView,
    clock: &AccountView,
) -> Outcome {
    // SAFETY: signer and clock are not accounts of this program, so the config is held once.
    let config: &mut P::Config = unsafe { accounts::write_unborrowed(config, program_id) }?;
    let lifecycle = config.lifecycle_mut();
    let now = clock::now(clock)?;

    if keys_equal(&lifecycle.authority, signer.address().as_array()) {
        // The authority may take over a guardian's pause: from then on it has no end.
        if lifecycle.header.state == pause_state::BY_AUTHORITY {
            return Err(fault::<P>(Fault::AlreadyPaused));
        }
        if lifecycle.header.state == pause_state::RUNNING || now >= lifecycle.pause_ends_at {
            begin_pause(lifecycle, now)?;
        }
        lifecycle.header.state = pause_state::BY_AUTHORITY;
        lifecycle.pause_ends_at = i64::MAX;
        return Ok(());
    }
    pause_by_guardian::<P>(lifecycle, signer, now)
}

#[inline(never)]
fn pause_by_guardian<P: Singleton>(lifecycle: &mut Lifecycle, signer: &AccountView, now: i64) -> Outcome {
    if lifecycle.guardian == NO_KEY || !keys_equal(&lifecycle.guardian, signer.address().as_array()) {
        return Err(fault::<P>(Fault::NotPauseAuthority));
    }
    if lifecycle.is_paused(|| Outcome::Ok(now))? {
        return Err(fault::<P>(Fault::AlreadyPaused));
    }
    if now < lifecycle.guardian_ready_at {
        return Err(fault::<P>(Fault::GuardianCooldown));
    }
    begin_pause(lifecycle, now)?;
    lifecycle.header.state = pause_state::BY_GUARDIAN;
    lifecycle.pause_ends_at = now.saturating_add(i64::from(lifecycle.guardian_pause_seconds));
    lifecycle.guardian_ready_at =
        lifecycle.pause_ends_at.saturating_add(i64::from(lifecycle.guardian_cooldown_seconds));
    Ok(())
}

#[inline(always)]
fn begin_pause(lifecycle: &mut Lifecycle, now: i64) -> Outcome {
    lifecycle.pause_count = lifecycle.pause_count.checked_add(1).ok_or(ProgramError::ArithmeticOverflow)?;
    lifecycle.pause_started_at = now;
    Ok(())
}

/// Resumes. A guardian's pause that ended by itself can still be cleared, which spares later calls a look at the time.
///
/// # Errors
/// `Fault::NotAuthority`, `Fault::NotPaused`.
#[inline(always)]
pub fn resume<P: Singleton>(
    program_id: &Address,
    config: &mut AccountView,
    authority: &AccountView,
    clock: &AccountView,
) -> Outcome {
    // SAFETY: authority and clock are not accounts of this program, so the config is held once.
    let config = unsafe { config_of_authority::<P>(program_id, config, authority) }?;
    let lifecycle = config.lifecycle_mut();
    if lifecycle.header.state == pause_state::RUNNING {
        return Err(fault::<P>(Fault::NotPaused));
    }
    let now = clock::now(clock)?;
    lifecycle.header.state = pause_state::RUNNING;
    lifecycle.pause_ends_at = lifecycle.pause_ends_at.min(now);
    Ok(())
}
