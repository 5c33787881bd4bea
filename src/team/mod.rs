//! The Team page: who may sign in, who has API access.

mod api_access;
mod forms;
mod queries;
mod routes;
mod standing;
mod views;

pub use routes::routes;
