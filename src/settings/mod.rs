//! Wording and policies of this installation.

mod commands;
mod model;

pub use commands::update_policies;
pub use model::{Policies, Settings, load};
