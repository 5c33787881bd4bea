//! Credentials where they should not be: found in pasted text, or reported by secret scanners; and what to do about it.
//!
//! | file | what it is for |
//! |---|---|
//! | `scan/` | finding credentials in text, in linear time; pure |
//! | `known.rs` | whose they are: one query for all of them |
//! | `triage.rs` | pasted text → what was found, for whoever pasted it |
//! | `reports.rs` | what was reported, until somebody has dealt with it |
//! | `partners/` | secret scanners that may report: who they are, what their reports do |
//! | `signature.rs` | whether a report is theirs |
//! | `inbox.rs`, `answer.rs` | `POST /v1/leaks`: reading a report, acting on it |
//! | `gitleaks.rs` | rules for scanners, made of this installation's prefixes |
//! | `routes.rs`, `views.rs` | the pages |

mod answer;
mod gitleaks;
mod inbox;
mod known;
mod partners;
mod reports;
mod routes;
mod scan;
mod signature;
mod triage;
mod views;

pub use inbox::{Door, report};
pub use reports::{Report, open_of};
pub use routes::routes;
