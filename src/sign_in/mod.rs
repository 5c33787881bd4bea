//! The form, the session, signing out.

mod routes;
mod store;
mod throttle;

pub use routes::routes;
pub use store::{PgSessionStore, sweep};
pub use throttle::Throttle;
