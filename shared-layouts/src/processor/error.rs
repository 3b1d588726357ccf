//! Errors of the processor: 1000 to 1999.

use crate::declare::errors;

errors! {
    /// Errors of the processor. Append only.
    ProcessorError from 1000 {
        /// The capability's definition is not consistent: a count, an offset, a kind or a flag is outside what `docs/reference.md` states.
        InvalidCapability = 1100,
        /// A target or verifier is one of the singletons: they must not call themselves.
        ForbiddenProgram = 1101,
        /// The shard is not an account of a scheduler, or is not the one that the capability names.
        WrongShard = 1102,
        /// The signer does not own the shard that drives the capability.
        NotShardOwner = 1103,
        /// `DIRECT_DISPATCH` needs every function to be `SKIPPABLE_WHEN_DIRECT`.
        NotSkippable = 1104,
        /// The capability has another version than the call names: requeue under the new one.
        StaleCapability = 1105,
        /// The arguments are shorter or longer than the capability allows.
        WrongArgumentsLength = 1106,
        /// An account is not the one that the capability binds to its position.
        WrongAccount = 1107,
        /// An account that the worker may choose is a signer, the capability, or equal to another position.
        WrongChosenAccount = 1108,
        /// The instruction before this one is not a dispatch by the capability's scheduler.
        NotDispatched = 1109,
        /// The instruction after this one is not the capability's target call.
        WrongTargetCall = 1110,
        /// The target program is not the one that the capability names.
        WrongTargetProgram = 1111,
        /// A signer that the capability asks for did not sign.
        MissingSigner = 1112,
        /// The transaction's compute limit is below the capability's: ask for more.
        ComputeLimit = 1113,
        /// The account passed as instructions sysvar is another one.
        WrongInstructionsSysvar = 1114,
        /// The capability asks for more units or functions than the config allows.
        AboveConfigLimit = 1115,
        /// The entry would be run with its worker's key as a signer.
        WorkerIsNamed = 1116,
        /// Verification failed: 1200 plus the index of the first function that does not hold.
        VerificationFailed = 1200,
    }
}
