//! On-chain side of the declarations: calling the singletons by CPI from a Pinocchio program.

use crate::declare::InstructionSpec;
use core::mem::MaybeUninit;
use pinocchio::cpi::{Signer, invoke_signed_with_bounds};
use pinocchio::error::ProgramError;
use pinocchio::instruction::{InstructionAccount, InstructionView};
use pinocchio::{AccountView, Address, ProgramResult};

/// Most accounts that a call through these helpers passes.
pub const MAX_ACCOUNTS: usize = 24;

/// Most bytes of instruction data that a call through these helpers passes.
pub const MAX_DATA_BYTES: usize = 1_024;

/// A call of a declared instruction. One struct, because a function that is not inlined takes at most five register
/// arguments on this target.
struct Invocation<'a> {
    program: &'a Address,
    spec: &'a InstructionSpec,
    accounts: &'a [&'a AccountView],
    more: &'a [&'a AccountView],
    fixed: &'a [u8],
    tail: &'a [u8],
    signers: &'a [Signer<'a, 'a>],
}

/// Calls a declared instruction. The generated `Accounts::invoke` functions call this.
///
/// # Errors
/// `InvalidArgument` above [`MAX_ACCOUNTS`] or [`MAX_DATA_BYTES`].
#[inline(always)]
pub fn invoke(
    program: &Address,
    spec: &InstructionSpec,
    accounts: &[&AccountView],
    more: &[&AccountView],
    fixed: &[u8],
    tail: &[u8],
    signers: &[Signer],
) -> ProgramResult {
    run(&Invocation { program, spec, accounts, more, fixed, tail, signers })
}

#[inline(never)]
fn run(call: &Invocation) -> ProgramResult {
    let Invocation { program, spec, accounts, more, fixed, tail, signers } = *call;
    let count = accounts.len() + more.len();
    let bytes = 1 + fixed.len() + tail.len();
    if count > MAX_ACCOUNTS || bytes > MAX_DATA_BYTES {
        return Err(ProgramError::InvalidArgument);
    }
    let Some(&first) = accounts.first() else {
        return Err(ProgramError::NotEnoughAccountKeys);
    };

    let mut data = [0u8; MAX_DATA_BYTES];
    data[0] = spec.discriminator;
    data[1..=fixed.len()].copy_from_slice(fixed);
    data[1 + fixed.len()..bytes].copy_from_slice(tail);

    let mut views = [first; MAX_ACCOUNTS];
    let mut metas = [const { MaybeUninit::<InstructionAccount>::uninit() }; MAX_ACCOUNTS];
    for (index, view) in accounts.iter().chain(more).enumerate() {
        views[index] = view;
        // What follows the declared accounts keeps the flags that the caller holds.
        let (signer, writable) = match spec.accounts.get(index) {
            Some(declared) => (declared.signer, declared.writable),
            None => (view.is_signer(), view.is_writable()),
        };
        metas[index].write(InstructionAccount::new(view.address(), writable, signer));
    }
    // SAFETY: the first `count` metas were written above.
    let metas = unsafe { core::slice::from_raw_parts(metas.as_ptr().cast::<InstructionAccount>(), count) };
    let instruction = InstructionView { program_id: program, accounts: metas, data: &data[..bytes] };
    invoke_signed_with_bounds::<MAX_ACCOUNTS, _>(&instruction, &views[..count], signers)
}
