use crate::Scheduler;
use program_common::migration::Migrate;
use program_common::{Call, Outcome};
use shared_layouts::scheduler::migrate::{Accounts, Data};

pub(crate) fn migrate(call: Call) -> Outcome {
    let program_id = call.program_id;
    let (data, _) = Data::parse(call.data)?;
    let (accounts, more) = Accounts::parse_cold_or_deny(call.accounts)?;
    Migrate {
        program_id,
        config: accounts.config,
        authority: accounts.authority,
        payer: accounts.payer,
        system_program: accounts.system_program,
        more,
        direction: data.direction,
    }
    .run::<Scheduler>()
}
