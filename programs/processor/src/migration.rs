//! The step between the two versions of the config's layout. The second one exists for the tests.

use bytemuck::{Pod, Zeroable};
use program_common::migration::{Migrations, Step};
use shared_layouts::account::{AccountHeader, AccountLayout};
use shared_layouts::lifecycle::{Lifecycle, direction};
use shared_layouts::processor::ProcessorConfig;

/// The first version.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct First {
    lifecycle: Lifecycle,
    capabilities_created: u64,
    capabilities_active: u32,
    max_compute_units: u32,
    max_verification_functions: u16,
    reserved: [u8; 14],
}

const FIRST_BYTES: usize = size_of::<First>();
const SECOND_BYTES: usize = size_of::<ProcessorConfig>();
const _: () = assert!(FIRST_BYTES == 192 && FIRST_BYTES < SECOND_BYTES);

/// The second version swaps two fields and is longer.
pub(crate) struct Second;

impl Migrations for Second {
    fn step(header: &AccountHeader, direction: u8, bytes: usize) -> Option<Step> {
        if header.discriminator != ProcessorConfig::DISCRIMINATOR {
            return None;
        }
        match (direction, header.version, bytes) {
            (direction::UP, 1, FIRST_BYTES) => Some(Step { version: 2, bytes: SECOND_BYTES }),
            (direction::DOWN, 2, SECOND_BYTES) => Some(Step { version: 1, bytes: FIRST_BYTES }),
            _ => None,
        }
    }

    fn convert(direction: u8, data: &mut [u8]) {
        if direction == direction::UP {
            rewrite(data, |first: First| ProcessorConfig {
                lifecycle: first.lifecycle,
                capabilities_created: first.capabilities_created,
                max_compute_units: first.max_compute_units,
                capabilities_active: first.capabilities_active,
                max_verification_functions: first.max_verification_functions,
                ..Zeroable::zeroed()
            });
        } else {
            rewrite(data, |second: ProcessorConfig| First {
                lifecycle: second.lifecycle,
                capabilities_created: second.capabilities_created,
                capabilities_active: second.capabilities_active,
                max_compute_units: second.max_compute_units,
                max_verification_functions: second.max_verification_functions,
                ..Zeroable::zeroed()
            });
        }
    }
}

/// Reads one version and writes the other. The data has the longer length of the two, so neither part is missing.
fn rewrite<From: Pod, To: Pod>(data: &mut [u8], change: impl FnOnce(From) -> To) {
    if let Some(bytes) = data.get(..size_of::<From>()) {
        let changed = change(bytemuck::pod_read_unaligned(bytes));
        if let Some(bytes) = data.get_mut(..size_of::<To>()) {
            bytes.copy_from_slice(bytemuck::bytes_of(&changed));
        }
    }
}
