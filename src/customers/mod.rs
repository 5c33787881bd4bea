//! Customers of the platform, by the platform's own ids.

mod commands;
mod known;
mod model;

pub use commands::find_or_add;
pub use known::known;
pub use model::{Customer, parse_external_id};
