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
    }
}
