//! What specs are told with.

pub mod database;
pub mod terminal;
