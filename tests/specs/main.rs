//! What Latchkey promises, as sentences. One folder per feature, one file per activity, one sentence per test.

#![allow(clippy::unwrap_used)]

mod access;
mod checking;
mod command_line;
mod demo;
mod keys;
mod links;
mod presets;
mod private_postgres;
mod support;
mod verify;
