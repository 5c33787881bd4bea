//! The list of keys as a file, as it is filtered: a job writes it, thousand keys a step.
//!
//! | file | for |
//! |---|---|
//! | `columns.rs` | what a row of the file says |
//! | `job.rs` | writing the file |
//! | `routes.rs` | asking for it: `/keys/export` |

mod columns;
mod job;
pub(super) mod routes;

pub use job::{Export, run};
