//! The processes that verify: who is there, and which of them has applied a change since when.
//!
//! | file | what it is for |
//! |---|---|
//! | `registration.rs` | this process saying that it is there, and what it has applied |
//! | `proof.rs` | which node refuses a key since when: the proof of a revocation, pure |
//! | `queries.rs` | reading both |
//! | `routes.rs`, `views.rs` | the page of the nodes, and `/v1/changes` |

mod proof;
mod queries;
mod registration;
mod routes;
mod views;

pub use proof::{Change, Proof, Standing, Witness, spell};
pub use queries::{count, latest_of};
pub use registration::{Registration, SILENT_AFTER, Status, sweep};
pub use routes::{changes_of, routes};
