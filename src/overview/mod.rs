//! The start page: what there is, and what to do next.

mod lately;
mod queries;
mod routes;
mod views;

pub use routes::routes;
