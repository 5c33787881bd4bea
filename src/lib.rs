//! Latchkey: a console for API keys, and the engine that verifies them.

pub mod applications;
pub mod audit;
pub mod changes;
pub mod config;
pub mod credentials;
pub mod customers;
pub mod db;
pub mod environments;
pub mod error;
pub mod gateways;
pub mod presets;
pub mod schema;
pub mod scopes;
pub mod settings;
pub mod text;
pub mod users;
