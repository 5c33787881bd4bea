//! Latchkey: a console for API keys, and the engine that verifies them.

pub mod audit;
pub mod changes;
pub mod config;
pub mod credentials;
pub mod db;
pub mod error;
pub mod limits;
pub mod schema;
pub mod text;
pub mod usage;
pub mod users;
pub mod verify;
