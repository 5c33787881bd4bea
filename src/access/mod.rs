//! API access of marketplace managers: an administrator grants it, limits it and withdraws it; who did, and when, is
//! kept.
//!
//! | file | |
//! |---|---|
//! | `grant.rs` | what a grant covers; pure |
//! | `queries.rs` | reading grants |
//! | `commands.rs` | granting, changing, withdrawing |
//! | `refusal.rs` | what is said and written down when somebody reaches beyond their grant |

mod commands;
mod grant;
mod queries;
mod refusal;

pub use commands::{grant, set, withdraw};
pub use grant::Grant;
pub use queries::{GrantRow, Holder, find, holders, read};
pub use refusal::{Refusal, record_refusals};
