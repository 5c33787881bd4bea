//! Latchkey: a console for API keys, and the engine that verifies them.

pub mod access;
pub mod app;
pub mod applications;
pub mod assets;
pub mod audit;
pub mod changes;
pub mod config;
pub mod credentials;
pub mod customers;
pub mod db;
pub mod environments;
pub mod error;
pub mod gateways;
pub mod keys;
pub mod managed_postgres;
pub mod presets;
pub mod schema;
pub mod scopes;
pub mod settings;
pub mod sign_in;
pub mod text;
pub mod users;
pub mod web;
