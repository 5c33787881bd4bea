//! Wording and policies of this installation.

mod commands;
mod forms;
mod logging;
mod model;
mod routes;
mod views;

pub use commands::{update_policies, update_wording};
pub use logging::{Logging, update_logging};
pub use model::{Policies, Settings, hold, load};
pub use routes::other_address;
pub use routes::routes;
