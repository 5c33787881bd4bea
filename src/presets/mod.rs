//! Starting points: a catalogue, environments and wording for one kind of platform.
//!
//! | file | holds |
//! |---|---|
//! | `*.toml` | the presets |
//! | `model` | what a preset is |
//! | `commands` | applying one |

mod commands;
mod model;

pub use commands::{Applied, Outcome, apply, ensure_default, preview};
pub use model::{DEFAULT, Preset, find, list};
