//! What specs are told with.

pub mod database;
