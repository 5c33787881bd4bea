//! Starting points: a catalogue, environments and wording for one kind of platform.
//!
//! | file | holds |
//! |---|---|
//! | `*.toml` | the presets |
//! | `model` | what a preset is |
//! | `read` | a file in their format, with every mistake in it |
//! | `wording` | what may be typed as words, addresses |
//! | `commands` | applying one |
//! | `usage` | what keys, gateways and grants use, so that it stays |

mod commands;
mod model;
mod read;
mod usage;
pub mod wording;

pub use commands::{Applied, Outcome, apply, apply_file, ensure_default, preview, preview_file};
pub use model::{DEFAULT, Environment, Permission, Policy, Preset, Section, Wording, find, list};
pub use read::{Fault, Read, read};
