//! The Team page: who may sign in, who has API access.

mod disabling;
mod forms;
mod queries;
mod routes;
mod views;

pub use routes::routes;
