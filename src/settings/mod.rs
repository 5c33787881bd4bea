//! Wording and policies of this installation.

mod commands;
mod forms;
mod model;
mod routes;
mod views;

pub use commands::update_policies;
pub use model::{Policies, Settings, load};
pub use routes::routes;
