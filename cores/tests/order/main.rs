//! Orders against naive models that share no code with them: composition on random sets, and queues that come and go under
//! two epochs. The number of cases and the seed are printed.

mod compose;
mod epochs;
mod graph;
mod model;
mod resources;
mod rng;
