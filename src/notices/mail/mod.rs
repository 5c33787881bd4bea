//! Notices by e-mail: to administrators all of them, to managers those about their own keys, to each person the kinds
//! they want, one mail for all that is new.
//!
//! | file | what it is for |
//! |---|---|
//! | `server.rs` | the mail server, as the settings name it |
//! | `mailer.rs` | sending one mail, and what came of it |
//! | `compose.rs` | what a mail says |
//! | `gather.rs` | who gets which notices: the rows of `notice_mails` |
//! | `job.rs` | sending those that are due |
//! | `preferences.rs` | which kinds somebody wants by e-mail |
//! | `queries.rs`, `routes.rs`, `views.rs` | the page E-mail of the settings |

mod compose;
mod gather;
mod job;
mod mailer;
mod preferences;
mod queries;
mod routes;
mod server;
mod views;

pub use job::{is_any_due, run};
pub use mailer::Mailer;
pub use preferences::{Preferences, choose, wanted};
pub use queries::remove_old;
pub use routes::routes;
pub use server::{Server, parse_sender};
