//! Errors of the diff program: 3000 to 3999.

use crate::declare::errors;

errors! {
    /// Errors of the diff program. Append only.
    DiffError from 3000 {
        /// The signer does not own the account.
        NotOwner = 3100,
        /// The state has another version than the diff was made for: read it again.
        StaleBase = 3101,
        /// A batch holds the state: wait for its commit, or roll it back after its deadline.
        Locked = 3102,
        /// The operations end in the middle of one, or there is none.
        MalformedOperations = 3103,
        /// An operation starts before the end of the one before it.
        OverlappingOperations = 3104,
        /// An operation reaches beyond the end of the state.
        OutOfBounds = 3105,
        /// There are more operations than one instruction may apply.
        BatchTooLarge = 3106,
        /// The size is outside what one instruction can create.
        InvalidSize = 3107,
        /// An operation of no bytes.
        EmptyOperation = 3108,
        /// The account is not an arena of the diff program.
        NotAnArena = 3109,
        /// The batch is in another stage: the arena's header says which.
        WrongStage = 3110,
        /// The arena has no room left: grow it, optimize, or stage less.
        ArenaFull = 3111,
        /// The batch has eight targets already: use another batch.
        TooManyTargets = 3112,
        /// The batch has gone on to another target: stage what belongs to one target in one go.
        TargetClosed = 3113,
        /// The account is not the target that the batch has at this place: pass the targets in the order of staging.
        WrongTarget = 3114,
        /// The length after the batch is not the one that was staged first, or not one that the state can have.
        InvalidLength = 3115,
        /// The batch changes nothing: stage or calculate first.
        NothingStaged = 3116,
        /// The target belongs to another program, which applies the sealed batch itself.
        ExternalTarget = 3117,
        /// The state holds too few lamports for its new length: send it the rent first, since batches move none.
        RentTooLow = 3118,
        /// The time is zero or longer than a batch may hold its locks.
        InvalidDeadline = 3119,
        /// The deadline has passed: the batch can only be rolled back.
        DeadlinePassed = 3120,
        /// Nothing is left to apply: commit, or roll back.
        NothingToApply = 3121,
        /// Not every operation is applied: apply the rest first.
        NotAllApplied = 3122,
        /// The digest is another one.
        IntegrityMismatch = 3123,
        /// Neither the present batch, once sealed, nor the ring has this number.
        UnknownBatch = 3124,
        /// There is no such optimization level.
        InvalidLevel = 3125,
        /// The ranges do not lie inside the accounts.
        InvalidRange = 3126,
    }
}
