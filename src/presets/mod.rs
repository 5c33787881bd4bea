//! Starting points: a catalogue, environments and wording for one kind of platform.
//!
//! | file | holds |
//! |---|---|
//! | `*.toml` | the presets |
//! | `model` | what a preset is |
//! | `read` | a file in their format, with every mistake in it |
//! | `wording` | what may be typed as words, addresses |
//! | `commands` | applying one |
//! | `fit` | what of one does not fit what is here |
//! | `write` | writing what it has in the place of what is here |
//! | `outcome` | what that did |
//! | `usage` | what keys, gateways and grants use, so that it stays |

mod commands;
mod fit;
mod model;
mod outcome;
mod read;
mod usage;
pub mod wording;
mod write;

pub use commands::{apply, apply_file, ensure_default, preview, preview_file};
pub use model::{DEFAULT, Environment, Permission, Policy, Preset, Section, Wording, find, list};
pub use outcome::{Applied, Outcome};
pub use read::{Fault, Read, read};
