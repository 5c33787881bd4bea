//! Latchkey: a console for API keys, and the engine that verifies them.

pub mod app;
pub mod assets;
pub mod audit;
pub mod changes;
pub mod config;
pub mod credentials;
pub mod db;
pub mod error;
pub mod keys;
pub mod schema;
pub mod settings;
pub mod sign_in;
pub mod text;
pub mod users;
pub mod web;
