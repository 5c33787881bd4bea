//! API access of marketplace managers: an administrator grants it and withdraws it; who did, and when, is kept.

mod commands;

pub use commands::{grant, withdraw};
