//! Latchkey: a self-hosted console for API keys, and the engine that verifies them.

pub mod db;
pub mod managed_postgres;
