//! The request log: what gateways asked, and what they were told.
//!
//! | file | what it is for |
//! |---|---|
//! | `log.rs` | noting an answer, bounded and without waiting |
//! | `row.rs`, `words.rs` | what is kept of a request; making what strangers wrote harmless |
//! | `sampler.rs` | which of a busy key's accepted requests stand for how many |
//! | `budget.rs` | how many rows a second a node writes, and what became of the rest |
//! | `writer.rs` | the writer's thread: batches by COPY |
//! | `days.rs` | a partition for each day, and forgetting old ones |
//! | `routes.rs`, `views.rs`, `export.rs` | its page, and the same as a file |
//! | `fix.rs` | what to do about a refusal |
//! | `model.rs`, `filter.rs` | a request; which ones, and where from |
//! | `queries.rs`, `narrow.rs`, `names.rs` | reading them: piece by piece, as far as they match, with names |

mod budget;
mod days;
mod export;
mod filter;
mod fix;
mod log;
mod model;
mod names;
mod narrow;
pub mod queries;
mod routes;
mod row;
mod sampler;
mod views;
mod words;
mod writer;

pub use budget::{ACCEPTED_A_SECOND, REFUSED_A_SECOND, UNKNOWN_A_SECOND, Why};
pub use days::{make_days, retain};
pub use log::{Answered, Log, Standing, Told};
pub use model::Request;
pub use routes::routes;
pub use sampler::GROUP;
