//! What keys are used for: counted in memory on the path, written to Postgres beside it, read for the pages.
//!
//! | file | what it is for |
//! |---|---|
//! | `recorder.rs` | counting, bounded and without waiting; the writer's thread |
//! | `batch.rs` | what was counted since the last flush, and writing it |
//! | `queries.rs` | numbers for pages |

mod batch;
mod queries;
mod recorder;

pub use queries::{Day, Totals, by_day, totals_since};
pub use recorder::Recorder;
