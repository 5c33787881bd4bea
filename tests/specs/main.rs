//! What Latchkey promises, as sentences. One folder per feature, one file per activity, one sentence per test.

#![allow(clippy::unwrap_used)]

mod access;
mod account;
mod applications;
mod checking;
mod command_line;
mod demo;
mod gateways;
mod keys;
mod links;
mod presets;
mod private_postgres;
mod settings;
mod setup;
mod sign_in;
mod support;
mod team;
mod verify;
mod walkthroughs;
