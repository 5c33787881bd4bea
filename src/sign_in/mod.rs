//! The form, the session, signing out.

mod commands;
mod confirm;
mod forms;
mod idle;
mod routes;
mod sessions;
mod store;
mod throttle;
mod views;

pub use commands::{begin, record};
pub use confirm::{Confirmed, confirm, is_confirmed};
pub use idle::leave_idle;
pub use routes::routes;
pub use sessions::{OpenSession, delete_others, mark_of, open_sessions};
pub use store::{IDLE_LIMIT, PgSessionStore, sweep};
pub use throttle::Throttle;
