//! The processor: capabilities, functions, siblings, and what runs through them.

mod capabilities;
mod external;
mod functions;
mod running;
mod scenarios;
mod siblings;
