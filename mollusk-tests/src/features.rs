//! Feature sets: what mainnet runs, and everything that the runtime knows.
//!
//! Mollusk enables every feature by itself, a nesting limit of 9 included, so a figure measured with its default says
//! little about mainnet. [`mollusk`] sets features, compute budget and program cache together, before any program is added.

use crate::{programs::Program, token};
use agave_feature_set::FeatureSet;
use litesvm::LiteSVM;
use mollusk_svm::{
    Mollusk,
    program::{ProgramCache, loader_keys::LOADER_V3},
};
use solana_compute_budget::compute_budget::ComputeBudget;

/// The unix time at which each test starts, in seconds.
pub const START_UNIX_SECONDS: i64 = 1_800_000_000;

/// Which features of the runtime are active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureProfile {
    /// Those that `LiteSVM` lists as active on mainnet. Budgets are stated for these.
    Mainnet,
    /// All of them: what a program will meet in some months.
    AllFeatures,
}

impl FeatureProfile {
    /// Both profiles, in the order of the bench table's columns.
    pub const BOTH: [Self; 2] = [Self::Mainnet, Self::AllFeatures];

    /// The profile's column in the bench table.
    pub const fn column(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::AllFeatures => "all_features",
        }
    }

    /// The profile's features.
    pub fn feature_set(self) -> FeatureSet {
        match self {
            Self::Mainnet => LiteSVM::mainnet_feature_set(),
            Self::AllFeatures => FeatureSet::all_enabled(),
        }
    }
}

/// A Mollusk with the profile's features, SPL Token and `programs`, all under loader v3.
pub fn mollusk(profile: FeatureProfile, programs: &[Program]) -> Mollusk {
    let features = profile.feature_set().runtime_features();
    let budget = ComputeBudget::new_with_defaults(features.raise_cpi_nesting_limit_to_8);
    let mut mollusk = Mollusk::default();
    mollusk.program_cache = ProgramCache::new(&features, &budget, false);
    mollusk.feature_set = features;
    mollusk.compute_budget = budget;
    mollusk.sysvars.clock.unix_timestamp = START_UNIX_SECONDS;
    mollusk.add_program_with_loader_and_elf(&token::ID, &LOADER_V3, token::ELF);
    for program in programs {
        mollusk.add_program_with_loader_and_elf(&program.address(), &LOADER_V3, &program.elf());
    }
    mollusk
}
