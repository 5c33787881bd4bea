//! One's own place: who I am here, and choosing a password, signed in or by a one-time link.

mod commands;
mod forms;
mod mode;
mod routes;
mod views;

pub use forms::NewPassword;
pub use routes::routes;
