//! The form, the session, signing out.

mod commands;
mod forms;
mod routes;
mod store;
mod throttle;
mod views;

pub use commands::{begin, record};
pub use routes::routes;
pub use store::{PgSessionStore, sweep};
pub use throttle::Throttle;
