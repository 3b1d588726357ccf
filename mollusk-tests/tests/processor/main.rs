//! The processor: capabilities, functions, siblings, and what runs through them.

mod capabilities;
mod external;
mod functions;
mod proofs;
mod running;
mod scenarios;
mod siblings;
