//! What Prometheus is told: numbers about this process, on an address of their own.
//!
//! | file | what it is for |
//! |---|---|
//! | `counts.rs` | counting on the path of every request: a few additions, each thread on memory of its own |
//! | `timings.rs` | how long things took, in buckets |
//! | `collect.rs`, `families.rs` | all of it at the moment it is asked for; how it is spelled |
//! | `process.rs` | memory, processor time and open files of this process |
//! | `routes.rs` | `GET /metrics`, on `LATCHKEY_METRICS_LISTEN` and nowhere else |
//!
//! What a request costs: a verdict adds one to its code, one to a bucket and its time to a sum, and one or two to what
//! memory knew; all of them plain additions to words that no other thread writes at the same time, without a lock, a
//! look-up of labels or an allocation: some 25 ns of a request that is answered from memory. Everything else is read
//! when Prometheus asks.

mod collect;
mod counts;
mod families;
mod process;
mod routes;
mod timings;

pub use counts::{Area, Endpoint, LookedUp, Memory, Metrics, Recall};
pub use routes::{Listening, listen};
