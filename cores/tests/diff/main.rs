//! Properties of the diff core, against a model that shares no code with it: a vector, and operations as pairs.
//!
//! Every case has a seed of its own, which a failure prints. `DIFF_SEED` runs one case alone, `DIFF_CASES` sets the number of
//! cases of each property.

mod arena;
mod edges;
mod generate;
mod model;
mod properties;
mod refusals;
