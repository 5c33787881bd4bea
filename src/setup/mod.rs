//! The first start: a one-time link on the console leads to the page that makes the first administrator.

mod commands;
mod forms;
mod routes;
mod views;

pub use routes::routes;
