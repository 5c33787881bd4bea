//! The form, the session, signing out.

mod commands;
mod confirm;
mod forms;
mod routes;
mod store;
mod throttle;
mod views;

pub use commands::{begin, record};
pub use confirm::{Confirmed, confirm, is_confirmed};
pub use routes::routes;
pub use store::{PgSessionStore, sweep};
pub use throttle::Throttle;
