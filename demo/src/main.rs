//! Deploys the three programs into an in-process cluster and runs ten operations through them.
//!
//! Exit status is not 0 when a balance, the order of execution or any state differs from what it should be.

mod cluster;
mod story;

use anyhow::Result;

fn main() -> Result<()> {
    story::tell()
}
