//! People: who they are, what they may do.

mod viewer;

pub use viewer::{Origin, Role, Viewer};
