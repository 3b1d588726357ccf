//! The processor: capabilities, functions, siblings, and what runs through them.

mod capabilities;
mod functions;
mod scenarios;
mod siblings;
