//! People: who they are, what they may do.
//!
//! | file | |
//! |---|---|
//! | `viewer.rs` | whoever is asking |
//! | `model.rs` | a person, as lists show them; what an e-mail address looks like |
//! | `queries.rs` | reading people |
//! | `commands.rs` | adding people, their roles, their passwords |
//! | `standing.rs` | disabling and enabling them; the last administrator stays one |
//! | `passwords.rs` | hashing and verifying, a few at a time |
//! | `links.rs` | one-time links |

pub mod commands;
pub mod links;
mod model;
pub mod passwords;
pub mod queries;
pub mod standing;
mod viewer;

pub use model::{ApiAccess, Member, NewUser, OpenLink, User, Withdrawal, parse_email};
pub use viewer::{Origin, Role, Viewer};
